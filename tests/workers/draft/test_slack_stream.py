import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import error_name
from bot.store import keys
from tests.kit.drafts import Desk
from workers.draft.slack_stream import Mode, SlackStream, SlackStreams

Make = Callable[[Mode], SlackStreams]


@pytest.fixture
async def web(desk: Desk) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(desk.sandbox.environ(), dotenv=None)) as web:
        yield web


@pytest.fixture
def make(desk: Desk, web: AsyncWebClient) -> Make:
    return lambda mode: SlackStreams(web, desk.redis, desk.message, mode)


async def refusal(call: Awaitable[Any]) -> SlackApiError:
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value


async def test_streams_are_wanted_as_the_setting_says(make: Make) -> None:
    assert [await make(mode).are_wanted() for mode in ("edit", "native", "auto")] == [False, True, True]


@pytest.mark.parametrize("error", ["unknown_method", "feature_not_enabled", "method_deprecated"])
async def test_auto_remembers_for_a_day_that_a_workspace_has_none(desk: Desk, make: Make, error: str) -> None:
    desk.sandbox.faults.add("chat.startStream", "error", error=error)
    refused = await refusal(make("auto").start("Words"))
    await make("auto").refused(refused)
    assert [await make(mode).are_wanted() for mode in ("native", "auto")] == [True, False]
    assert 0 < await desk.redis.ttl(keys.no_streams(desk.sandbox.team)) <= keys.no_streams.seconds


async def test_other_refusals_are_not_remembered(desk: Desk, make: Make) -> None:
    desk.sandbox.faults.add("chat.startStream", "error", error="internal_error")
    await make("auto").refused(await refusal(make("auto").start("Words")))
    await make("auto").refused(TimeoutError())
    assert await make("auto").are_wanted()


async def test_another_team_is_another_matter(desk: Desk, web: AsyncWebClient, make: Make) -> None:
    """Invariant 13."""
    desk.sandbox.faults.add("chat.startStream", "error", error="unknown_method")
    await make("auto").refused(await refusal(make("auto").start("Words")))
    elsewhere = replace(desk.message, thread=replace(desk.message.thread, team="T2"))
    assert await SlackStreams(web, desk.redis, elsewhere, "auto").are_wanted()


async def test_slack_is_told_for_whom_it_is(desk: Desk, web: AsyncWebClient, make: Make) -> None:
    await make("native").start("Words")
    guest = replace(desk.message, user_team="TPARTNER")
    await SlackStreams(web, desk.redis, guest, "native").start("Words")
    calls = [call.data for call in desk.sandbox.journal.entries("slack.request", "chat.startStream")]
    assert [call["recipient_team_id"] for call in calls] == [desk.sandbox.team, "TPARTNER"]
    assert {call["recipient_user_id"] for call in calls} == {desk.sandbox.users["ada"]}
    assert {call["thread_ts"] for call in calls} == {desk.message.thread.ts}


async def test_a_stream_grows_and_is_stopped_with_what_stands_below(desk: Desk, make: Make) -> None:
    streams = make("native")
    ts = await streams.start("One")
    await streams.append(ts, " two")
    below = {"type": "context", "elements": [{"type": "plain_text", "text": "small print"}]}
    metadata = {"event_type": "parley_reply", "event_payload": {"message_ts": desk.message.ts}}
    content = {"text": "", "blocks": [{"type": "markdown", "text": "One two three"}, below], "metadata": metadata}
    await streams.stop(ts, " three", content)
    [message] = desk.posted
    assert [block["type"] for block in message.blocks] == ["markdown", "context"]
    assert (desk.texts, message.metadata, message.stream) == (["One two three"], metadata, "stopped")


async def test_a_stream_can_be_stopped_as_it_is(desk: Desk, make: Make) -> None:
    streams = make("native")
    ts = await streams.start("One")
    await streams.stop(ts, "", None)
    assert (desk.texts, desk.posted[0].metadata, desk.posted[0].stream) == (["One"], None, "stopped")
    assert error_name(await refusal(streams.append(ts, "more"))) == "message_not_in_streaming_state"


def test_a_stream_knows_its_age() -> None:
    assert SlackStream("", 0, time.monotonic() - 30).age == pytest.approx(30, abs=1)
    assert SlackStream("", 0).age < 1

"""Answers that grow as Slack's native streams, with STREAMING=native and STREAMING=auto."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.sandbox.slack.world.records import Message
from bot.store import keys
from tests.kit.parley import Parley, payload, text

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG = " ".join(f"word{n}" for n in range(500))


@pytest_asyncio.fixture(scope="module", loop_scope="package", params=["native", "auto"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    folder = tmp_path_factory.mktemp(request.param)
    async with Parley(redis_server, folder, settings={"STREAMING": request.param}) as parley:
        parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 150.0
        yield parley
        await parley.redis.delete(keys.no_streams(parley.sandbox.team))


def ours(parley: Parley, ts: str) -> list[Message]:
    """Our messages in the thread; an open stream does not say yet whose answer it is."""
    return [message for message in parley.slack.thread("general", ts) if message.bot_id]


def calls(parley: Parley, method: str, since: str) -> int:
    """How often the method was called since the question, whether it went well or not."""
    entries = [*parley.sandbox.journal.entries("slack.request", method)]
    entries += parley.sandbox.journal.entries("slack.fault", method)
    return sum(entry.at > float(since) for entry in entries)


async def growing(parley: Parley) -> str:
    """A question whose answer is an open stream, and goes on for more than a second."""
    parley.sandbox.claude.script("at length", Answer(LONG), times=1)
    ts = await parley.slack.say("ada", "general", "@parley at length")
    await parley.slack.until(lambda: [message for message in ours(parley, ts) if message.stream == "open"])
    return ts


async def test_the_answer_grows_as_a_stream(parley: Parley) -> None:
    ts = await growing(parley)
    assert await parley.answers("general", ts) == [LONG]
    [reply] = ours(parley, ts)
    assert (reply.stream, payload(reply)["state"]) == ("stopped", "complete")
    assert {block["type"] for block in reply.blocks} == {"markdown", "context_actions", "actions"}
    assert calls(parley, "chat.appendStream", ts) >= 1
    assert calls(parley, "chat.update", ts) == calls(parley, "chat.postMessage", ts) == 0


async def test_a_stream_that_slack_has_ended_is_edited_from_then_on(parley: Parley) -> None:
    ts = await growing(parley)
    parley.sandbox.clock.advance(310)
    assert await parley.answers("general", ts) == [LONG]
    [reply] = ours(parley, ts)
    assert (reply.stream, payload(reply)["state"]) == ("expired", "complete")
    await parley.logged(f"slack refused .*{ts} error=message_not_in_streaming_state")


async def test_a_stream_that_somebody_deletes_ends_and_the_thread_goes_on(parley: Parley) -> None:
    ts = await growing(parley)
    await parley.slack.delete("ada", "general", ours(parley, ts)[0].ts)
    await parley.logged(f"reply deleted by somebody .*ts={ts}")
    last = await parley.slack.say("ada", "general", "@parley and now?", thread_ts=ts)
    assert await parley.answers("general", last, thread_ts=ts)


async def test_a_workspace_without_streams_gets_edits_and_auto_asks_it_once(
    parley: Parley, request: pytest.FixtureRequest
) -> None:
    parley.sandbox.faults.add("chat.startStream", "error", error="unknown_method")
    asked = []
    for _ in range(2):
        parley.sandbox.claude.script("at length", Answer(LONG), times=1)
        asked.append(await parley.slack.say("ada", "general", "@parley at length"))
        assert await parley.answers("general", asked[-1]) == [LONG]
        [reply] = ours(parley, asked[-1])
        assert (reply.stream, text(reply)) == (None, LONG)
    assert calls(parley, "chat.startStream", asked[0]) == (1 if parley.environ["STREAMING"] == "auto" else 2)

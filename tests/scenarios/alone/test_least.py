"""With no more than `parley manifest --least` asks for, mentions are answered, and nothing goes wrong in silence."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from bot.manifest import NEEDED_EVENTS, NEEDED_SCOPES
from bot.ops import own_redis
from bot.sandbox.claude.answers import Answer
from bot.sandbox.slack.world.records import Message
from bot.views import footer
from tests.kit.parley import Parley, payload, text

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "On and on it goes. " * 400


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    with own_redis.running(tmp_path_factory.mktemp("redis")) as redis_url:
        parley = Parley(redis_url, tmp_path_factory.mktemp(request.param), transport=request.param)
        parley.slack.scopes[:] = NEEDED_SCOPES
        parley.slack.app.subscribed = set(NEEDED_EVENTS)
        async with parley:
            parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
            yield parley


@pytest.fixture(autouse=True)
def nothing_went_wrong(parley: Parley) -> Iterator[None]:
    yield
    assert not re.search(r"Traceback|\bERROR\b|\bCRITICAL\b", parley.log), parley.log


def asked(parley: Parley) -> str:
    """The newest request to Claude, as text."""
    return str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])


async def begun(parley: Parley) -> tuple[str, Message]:
    """A question and its answer, which goes on for minutes."""
    parley.sandbox.claude.script("at length", Answer(LONG, deltas_per_second=60), times=1)
    ts = await parley.slack.say("ben", "general", "@parley at length")
    [message] = await parley.slack.until(lambda: [m for m in parley.answer("general", ts, ts) if text(m).strip()])
    return ts, message


async def test_a_mention_is_answered_and_a_second_one_knows_the_first(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "@parley my fruit is a quince")
    assert await parley.answers("general", root)
    ts = await parley.slack.say("ben", "general", "@parley which one?", thread_ts=root)
    assert await parley.answers("general", ts, thread_ts=root)
    assert "quince" in asked(parley)


async def test_a_mention_in_the_middle_of_a_thread_is_answered_without_what_came_before(parley: Parley) -> None:
    root = await parley.slack.say("ada", "general", "a thread that we may not read")
    ts = await parley.slack.say("ben", "general", "@parley what now?", thread_ts=root)
    assert await parley.answers("general", ts, thread_ts=root)
    assert "may not read" not in asked(parley)


async def test_a_message_without_a_mention_is_not_heard(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "@parley hello")
    await parley.answers("general", root)
    unheard = await parley.slack.say("ben", "general", "and now?", thread_ts=root)
    ts = await parley.slack.say("ben", "general", "@parley and now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    assert not parley.answer("general", unheard, root)


async def test_who_asked_stops_the_answer_with_the_button(parley: Parley) -> None:
    ts, message = await begun(parley)
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    [answer] = await parley.answers("general", ts, within=5)
    assert LONG.startswith(answer)
    assert len(answer) < len(LONG) / 2


async def test_who_asked_stops_the_answer_with_a_word_that_mentions_us(parley: Parley) -> None:
    ts, _ = await begun(parley)
    await parley.slack.say("ben", "general", "@parley stop", thread_ts=ts)
    [answer] = await parley.answers("general", ts, within=5)
    assert len(answer) < len(LONG) / 2


async def test_nobody_else_stops_it_for_nobody_can_be_told_to_be_an_admin(parley: Parley) -> None:
    ts, message = await begun(parley)
    await parley.slack.click("ada", footer.STOP, channel="general", ts=message.ts)
    await parley.slack.until(lambda: [m for _, m in parley.slack.workspace.ephemerals if m.thread_ts == ts])
    assert payload(parley.answer("general", ts, ts)[0])["state"] == "streaming"
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    await parley.answers("general", ts, within=5)

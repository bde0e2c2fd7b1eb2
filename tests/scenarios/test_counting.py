"""Whatever becomes of a question, what it billed is counted once, and nothing else is (invariant 12)."""

from dataclasses import asdict
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.sandbox.faults import Fault
from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.cells import Counts
from bot.views import footer
from tests.kit.parley import Parley, text

pytestmark = pytest.mark.asyncio(loop_scope="package")

SLOW = Answer("On and on it goes. " * 200, deltas_per_second=40)
LONG_QUESTION = "@parley what is this? " + "A long text that somebody pasted. " * 150


@pytest_asyncio.fixture(loop_scope="package", autouse=True)
async def nothing_is_counted(parley: Parley) -> None:
    """Nor will be, of what other tests asked."""

    async def all_is_answered() -> bool:
        return not await parley.redis.zcard(keys.active(parley.sandbox.team))

    await parley.eventually(all_is_answered, within=60)
    async for key in parley.redis.scan_iter(f"{parley.sandbox.team}:usage:*"):
        await parley.redis.delete(key)


async def counted(parley: Parley, user: str = "ada") -> Counts:
    today, name = datetime.now(UTC).date(), parley.sandbox.users[user]
    return (await usage.of_one(parley.redis, parley.sandbox.team, "user", name, [today]))[today]


async def ended(parley: Parley, **outcome: int) -> Counts:
    """What was counted of one question, once it is."""

    async def is_there() -> bool:
        found = await counted(parley)
        return {name: getattr(found, name) for name in outcome} == outcome

    await parley.eventually(is_there, within=15)
    found = await counted(parley)
    assert found.requests == found.answers + found.refusals + found.errors + found.stops == sum(outcome.values())
    return found


async def check(parley: Parley, ts: str, found: Counts) -> None:
    billed = parley.billed(ts)
    assert {name: value for name, value in asdict(found).items() if name in billed} == billed
    assert found.cost > 0


async def test_an_answer_is_counted_with_its_times(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley what is new?")
    await parley.answers("general", ts)
    found = await ended(parley, answers=1)
    await check(parley, ts, found)
    assert (sum(found.first.values()), sum(found.total.values()), found.estimated) == (1, 1, 0)


async def test_a_vote_counts_at_the_model_that_answered(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley what is good?")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    [answer] = parley.replies("general", ts)
    await parley.slack.click("ben", footer.FEEDBACK, channel="general", ts=answer.ts, value=f"good {ts}")
    team, day = parley.sandbox.team, datetime.now(UTC).date()

    async def is_counted() -> bool:
        found = await usage.of_one(parley.redis, team, "model", "claude-sonnet-5-5", [day])
        return (found[day].good, found[day].answers) == (1, 1)

    await parley.eventually(is_counted, within=10)


async def test_attempts_that_broke_off_are_counted_and_marked_as_estimated(parley: Parley) -> None:
    cut = Answer("Half of it and no more. " * 5, fault=Fault("reset", {"after": 4}))
    parley.sandbox.claude.script("falls apart", cut, times=1)
    ts = await parley.slack.say("ada", "general", "@parley what falls apart?")
    await parley.answers("general", ts)
    found = await ended(parley, answers=1)
    await check(parley, ts, found)
    assert 0 < found.estimated < found.cost


async def test_a_question_that_could_not_be_answered_is_an_error_with_its_cost(parley: Parley) -> None:
    parley.sandbox.claude.script("never", Answer("A beginning. " * 5, fault=Fault("reset", {"after": 3})), times=5)
    ts = await parley.slack.say("ada", "general", "@parley never")
    await parley.answers("general", ts, within=60)
    found = await ended(parley, errors=1)
    await check(parley, ts, found)
    assert found.estimated == found.cost


async def test_a_refusal_is_counted_as_one(parley: Parley) -> None:
    parley.sandbox.claude.script("harm", Answer("", stop_reason="refusal"), times=1)
    ts = await parley.slack.say("ada", "general", "@parley harm")
    await parley.answers("general", ts)
    await check(parley, ts, await ended(parley, refusals=1))


async def test_a_stopped_answer_is_billed_for_what_was_written(parley: Parley) -> None:
    parley.sandbox.claude.script("at length", SLOW, times=1)
    ts = await parley.slack.say("ada", "general", "@parley at length")
    [message] = await parley.slack.until(lambda: [m for m in parley.answer("general", ts, ts) if text(m)])
    await parley.slack.click("ada", footer.STOP, channel="general", ts=message.ts)
    await parley.answers("general", ts)
    found = await ended(parley, stops=1)
    await check(parley, ts, found)
    assert found.estimated == found.cost


async def test_an_answer_that_somebody_deleted_is_billed_as_stopped(parley: Parley) -> None:
    parley.sandbox.claude.script("at length", SLOW, times=1)
    ts = await parley.slack.say("ada", "general", "@parley at length")
    [message] = await parley.slack.until(lambda: [m for m in parley.answer("general", ts, ts) if text(m)])
    await parley.slack.delete("ada", "general", message.ts)
    await check(parley, ts, await ended(parley, stops=1))


async def test_what_claude_was_not_asked_is_not_counted(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley")
    await parley.answers("general", ts)
    assert await counted(parley) == Counts()


async def test_a_cache_that_had_nothing_although_it_was_due_is_counted(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", LONG_QUESTION)
    await parley.answers("general", ts)
    assert (await ended(parley, answers=1)).unread == 0
    forgetful = Answer("Yes.", usage={"cache_read_input_tokens": 0, "input_tokens": 2_000})
    parley.sandbox.claude.script("sure", forgetful, times=1)
    then = await parley.slack.say("ada", "general", "@parley sure?", thread_ts=ts)
    await parley.answers("general", then, thread_ts=ts)
    assert (await ended(parley, answers=2)).unread == 1
    await parley.logged(f"nothing read from the prompt cache .*ts={then}")
    last = await parley.slack.say("ada", "general", "@parley and now?", thread_ts=ts)
    await parley.answers("general", last, thread_ts=ts)
    assert (await ended(parley, answers=3)).unread == 1

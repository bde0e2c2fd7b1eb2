"""A budget keeps what two worker processes spend together below it, and tells people kindly when it is reached."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.store import keys
from tests.kit.parley import Parley
from tests.scenarios.conftest import on_shared_redis

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTIONS = 50
MAX_TOKENS = 1_000
# In micro-dollars: what a call may cost at most (10 for a token of output, and its prompt), and what all may cost.
ESTIMATE = 16_000
CAP = 100_000
IN_FLIGHT = "may use up the rest of this workspace's budget of $0.10 this month. Please try again in a minute."
PLACES = ("general", "random", "leads")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    folder = tmp_path_factory.mktemp(request.param)
    settings = {"MAX_TOKENS": str(MAX_TOKENS)}
    async with on_shared_redis(redis_server, folder, request.param, workers=2, **settings) as parley:
        yield parley


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nothing_is_spent(parley: Parley) -> None:
    team = parley.sandbox.team

    async def nothing_is_held() -> bool:
        return not await parley.redis.zcard(keys.holds_until(team))

    # What the test before holds is taken off when its last answer is acknowledged: from nothing, that would leave less.
    await parley.eventually(nothing_is_held, within=30)
    spent = [name async for name in parley.redis.scan_iter(f"{team}:spent:*")]
    await parley.redis.delete(keys.caps(team), keys.warnings(team), *spent)


async def spent(parley: Parley, field: str) -> int:
    month = f"{datetime.now(UTC):%Y-%m}"
    return int(await parley.redis.hget(keys.spent(parley.sandbox.team, month), field) or 0)


async def test_fifty_questions_at_once_overrun_a_budget_by_no_more_than_what_is_in_flight(parley: Parley) -> None:
    await parley.redis.hset(keys.caps(parley.sandbox.team), "workspace month", CAP)
    parley.sandbox.claude.script("at once", Answer("Here you are.", first_delta=3.0), times=QUESTIONS)
    places = [PLACES[n % len(PLACES)] for n in range(QUESTIONS)]
    stamps = await asyncio.gather(*(parley.slack.say("ada", place, "@parley at once") for place in places))
    said = ["\n".join(await parley.answers(place, ts, within=90)) for place, ts in zip(places, stamps, strict=True)]
    refused = [text for text in said if IN_FLIGHT in text]
    answered = [text for text in said if "Here you are." in text]
    assert len(answered) + len(refused) == QUESTIONS
    assert 1 <= len(answered) <= CAP // (MAX_TOKENS * 10) + 1

    async def all_is_settled() -> bool:
        return not await spent(parley, "held workspace") and not await parley.redis.zcard(
            keys.holds_until(parley.sandbox.team)
        )

    await parley.eventually(all_is_settled, within=10)
    assert len(parley.sandbox.journal.entries("claude.request")) == len(answered)
    assert 0 < await spent(parley, "workspace") <= CAP + ESTIMATE
    assert await spent(parley, "workspace") == await spent(parley, f"user:{parley.sandbox.users['ada']}")


async def test_who_has_nothing_left_is_told_what_the_budget_is_when_it_resets_and_whom_to_ask(parley: Parley) -> None:
    await parley.steer("budget set 0 month @ben")
    asked = await parley.slack.say("ben", "general", "@parley hello")
    [answer] = await parley.answers("general", asked)
    assert answer.startswith("Your budget of $0.00 this month is used up. It starts anew on ")
    assert answer.endswith("If you need more, ask an admin or owner of this workspace.")
    other = await parley.slack.say("ada", "general", "@parley hello")
    [answer] = await parley.answers("general", other)
    assert "is used up" not in answer


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("0 day", "This workspace's budget of $0.00 today is used up."),
        ("0 month #general", "This channel's budget of $0.00 this month is used up."),
        ("0 day each", "Your budget of $0.00 today is used up."),
    ],
)
async def test_each_budget_is_told_as_whose_it_is(parley: Parley, words: str, told: str) -> None:
    await parley.steer(f"budget set {words}")
    asked = await parley.slack.say("ben", "general", "@parley hello")
    [answer] = await parley.answers("general", asked)
    assert answer.startswith(f"{told} It starts anew on ")


async def test_admins_are_warned_when_an_answer_reaches_the_mark(parley: Parley) -> None:
    ada = parley.sandbox.users["ada"]
    await parley.steer("budget set 0.01 day @ben")
    await parley.redis.hset(keys.caps(parley.sandbox.team), f"user:{parley.sandbox.users['ben']} day", 1)
    asked = await parley.slack.say("ben", "general", "@parley hello")
    await parley.answers("general", asked)

    async def is_warned() -> bool:
        posts = parley.sandbox.journal.entries("slack.request", "chat.postMessage")
        return any(post.data["channel"] == ada and "95 % reached" in post.data["text"] for post in posts)

    await parley.eventually(is_warned, within=20)

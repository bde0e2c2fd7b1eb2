"""What the Home tab is told of the month."""

from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.usage import BilledPiece, Counted
from bot.store.rules.budgets import Budget, Budgets, Hold, Spent
from bot.usage import month
from tests.kit.budgets import settle

NOW = datetime.now(UTC)
TODAY = NOW.date()


async def use(redis: Redis, user: str, channel: str, cost: int) -> None:
    piece = BilledPiece("claude-sonnet-5-5", 100, 50, cost=cost)
    async with redis.pipeline() as pipe:
        usage.count(pipe, Counted("T1", channel, user, NOW.timestamp(), piece.model, "answer", (piece,), 1.0, 2.0))
        await pipe.execute()


async def spend(redis: Redis, user: str, cost: int) -> None:
    hold = await Budgets(redis, 60.0).reserve("T1", "C1", user, 1)
    assert isinstance(hold, Hold)
    await settle(redis, hold, cost)


async def test_a_person_sees_their_own_use_only(redis: Redis) -> None:
    await use(redis, "U1", "C1", 1_000)
    await use(redis, "U2", "C1", 50_000)
    overview = await month.of_person(redis, "T1", "U1", TODAY)
    assert (overview.report.now.requests, overview.report.now.cost) == (1, 1_000)
    assert overview.report.query.period.word == "month"
    assert overview.budgets == []


async def test_a_budget_of_ones_own_stands_in_place_of_everybodys(redis: Redis) -> None:
    given: dict[Any, Any] = {
        "each day": 2_000_000,
        "each month": 9_000_000,
        "user:U1 day": 5_000_000,
        "workspace day": 1_000_000_000,
    }
    await redis.hset(keys.caps("T1"), mapping={**given, "user:U2 month": 7_000_000})
    await spend(redis, "U1", 1_500_000)
    await spend(redis, "U2", 300_000)
    assert (await month.of_person(redis, "T1", "U1", TODAY)).budgets == [
        Spent(Budget("user:U1", "day", 5_000_000), 1_500_000),
        Spent(Budget("user:U1", "month", 9_000_000), 1_500_000),
    ]
    assert (await month.of_person(redis, "T1", "U2", TODAY)).budgets == [
        Spent(Budget("user:U2", "day", 2_000_000), 300_000),
        Spent(Budget("user:U2", "month", 7_000_000), 300_000),
    ]


async def test_admins_see_all_use_and_every_budget(redis: Redis) -> None:
    await use(redis, "U1", "C1", 1_000)
    await use(redis, "U2", "C2", 50_000)
    given: dict[Any, Any] = {"each day": 2_000_000, "workspace month": 4_000_000}
    await redis.hset(keys.caps("T1"), mapping=given)
    await spend(redis, "U2", 50_000)
    overview = await month.of_workspace(redis, "T1", TODAY, 400)
    assert (overview.report.now.requests, overview.report.now.cost) == (2, 51_000)
    assert overview.report.tops["user"].number == 2
    assert overview.report.tops["channel"].rows[0][0] == "C2"
    assert overview.budgets == [
        Spent(Budget("each", "day", 2_000_000), None),
        Spent(Budget("workspace", "month", 4_000_000), 50_000),
    ]

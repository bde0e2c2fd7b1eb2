"""Budgets on a real Redis, with a clock of the test's own."""

import asyncio
import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import connections, keys
from bot.store.rules import budgets as store
from bot.store.rules.budgets import (
    BUDGET_PERIODS,
    Budget,
    BudgetPeriod,
    Budgets,
    Hold,
    OverBudget,
    Settled,
    Warned,
    budget_field,
    resets,
    warned,
    warnings,
)
from tests.kit.budgets import settle

TEAM, CHANNEL, USER = "T1", "C1", "U1"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DOLLAR = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(autouse=True)
async def installed(redis: AsyncRedis) -> None:
    await redis.sadd(keys.TEAMS, TEAM)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(redis: AsyncRedis, clock: Clock) -> Budgets:
    return Budgets(redis, 60, clock)


async def budget(redis: AsyncRedis, scope: str, period: BudgetPeriod, amount: int) -> None:
    await redis.hset(keys.caps(TEAM), budget_field(scope, period), amount)


async def spend(redis: AsyncRedis, budgets: Budgets, cost: int, channel: str = CHANNEL, user: str = USER) -> None:
    hold = await budgets.reserve(TEAM, channel, user, 0)
    assert isinstance(hold, Hold)
    await settle(redis, hold, cost)


async def test_without_budgets_everything_may_be_spent_and_is_counted(redis: AsyncRedis, budgets: Budgets) -> None:
    await spend(redis, budgets, 3)
    await spend(redis, budgets, 4, channel="C2")
    await spend(redis, budgets, 5, user="U2")
    for scope, amount in {"workspace": 12, "channel:C1": 8, "channel:C2": 4, "user:U1": 7, "user:U2": 5}.items():
        assert await budgets.spent(TEAM, scope, "2026-11-21") == amount
        assert await budgets.spent(TEAM, scope, "2026-11") == amount
    assert await budgets.spent("T2", "workspace", "2026-11") == 0


@pytest.mark.parametrize("period", BUDGET_PERIODS)
@pytest.mark.parametrize("scope", ["workspace", "channel:C1", "user:U1", "each"])
async def test_a_budget_that_is_spent_refuses_whom_it_holds_for_until_it_resets(
    redis: AsyncRedis, budgets: Budgets, clock: Clock, scope: str, period: BudgetPeriod
) -> None:
    await budget(redis, scope, period, 10)
    await spend(redis, budgets, 9)
    await spend(redis, budgets, 1)
    refused = await budgets.reserve(TEAM, CHANNEL, USER, 1)
    until = datetime(2026, 11, 22, tzinfo=UTC) if period == "day" else datetime(2026, 12, 1, tzinfo=UTC)
    assert refused == OverBudget(Budget(scope, period, 10), 10, until, in_flight=False)
    other = await budgets.reserve(TEAM, "C2", "U2", 1)
    assert isinstance(other, OverBudget if scope == "workspace" else Hold)
    clock.now = until - timedelta(seconds=1)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 1), OverBudget)
    clock.now = until
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 1), Hold)


async def test_a_persons_own_budget_counts_in_place_of_everybodys(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "each", "day", 10)
    await budget(redis, "user:U1", "day", 20)
    await spend(redis, budgets, 15)
    await spend(redis, budgets, 15, user="U2")
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, "U1", 0), Hold)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, "U2", 0), OverBudget)


async def test_a_budget_of_nothing_refuses_everything(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "channel:C1", "month", 0)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 0), OverBudget)


async def test_a_month_that_is_spent_is_told_before_the_day(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "user:U1", "day", 5)
    await budget(redis, "channel:C1", "month", 5)
    await spend(redis, budgets, 5)
    refused = await budgets.reserve(TEAM, CHANNEL, USER, 1)
    assert isinstance(refused, OverBudget)
    assert refused.budget == Budget("channel:C1", "month", 5)


async def test_what_is_under_way_counts_until_it_is_settled(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "workspace", "day", 10)
    first = await budgets.reserve(TEAM, CHANNEL, USER, 10)
    assert isinstance(first, Hold)
    refused = await budgets.reserve(TEAM, CHANNEL, "U2", 1)
    assert isinstance(refused, OverBudget)
    assert refused.in_flight
    assert refused.spent == 0
    await settle(redis, first, 3)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, "U2", 1), Hold)
    assert await budgets.spent(TEAM, "workspace", "2026-11-21") == 3


async def test_what_a_dead_worker_held_becomes_free(redis: AsyncRedis, clock: Clock) -> None:
    await budget(redis, "workspace", "day", 10)
    mortal = Budgets(redis, 0.05, clock)
    lost = await mortal.reserve(TEAM, CHANNEL, USER, 10)
    assert isinstance(lost, Hold)
    assert isinstance(await mortal.reserve(TEAM, CHANNEL, USER, 10), OverBudget)
    await asyncio.sleep(0.06)
    assert isinstance(await mortal.reserve(TEAM, CHANNEL, USER, 9), Hold)
    await settle(redis, lost, 4)
    assert await redis.hgetall(keys.spent(TEAM, "2026-11-21")) == {
        **dict.fromkeys(("workspace", "channel:C1", "user:U1"), "4"),
        **dict.fromkeys(("held workspace", "held channel:C1", "held user:U1"), "9"),
    }


async def test_who_takes_over_holds_it_once(redis: AsyncRedis, budgets: Budgets) -> None:
    for _ in range(3):
        assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 10, "C1:1.0"), Hold)
    assert await redis.hget(keys.spent(TEAM, "2026-11-21"), "held workspace") == "10"


async def test_a_call_over_midnight_counts_in_the_day_in_which_it_began(
    redis: AsyncRedis, budgets: Budgets, clock: Clock
) -> None:
    await budget(redis, "workspace", "day", 10)
    clock.now = NOON.replace(hour=23, minute=59)
    hold = await budgets.reserve(TEAM, CHANNEL, USER, 10)
    assert isinstance(hold, Hold)
    clock.now = NOON + timedelta(days=1)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 10), Hold)
    await settle(redis, hold, 7)
    assert await budgets.spent(TEAM, "workspace", "2026-11-21") == 7
    assert await budgets.spent(TEAM, "workspace", "2026-11-22") == 0


async def test_a_settlement_is_part_of_a_transaction(redis: AsyncRedis, redis_url: str, budgets: Budgets) -> None:
    hold = await budgets.reserve(TEAM, CHANNEL, USER, 10)
    assert isinstance(hold, Hold)
    with Redis.from_url(redis_url) as plain, plain.pipeline() as pipe:
        pipe.multi()
        store.settle(pipe, Settled(hold, 6))
        assert await budgets.spent(TEAM, "user:U1", "2026-11") == 0
        pipe.execute()
    assert await budgets.spent(TEAM, "user:U1", "2026-11") == 6
    assert await redis.hget(keys.spent(TEAM, "2026-11"), "held user:U1") == "0"


async def test_admins_are_warned_at_75_and_95_percent_once_a_period(
    redis: AsyncRedis, budgets: Budgets, clock: Clock
) -> None:
    await budget(redis, "workspace", "day", 100)
    hundred_a_day = Budget("workspace", "day", 100)
    told = []
    for cost in (74, 1, 5, 14, 1, 5):
        await spend(redis, budgets, cost)
        told.append(await warnings(redis, TEAM))
        await warned(redis, TEAM, len(told[-1]))
    first, second = (
        Warned(hundred_a_day, "workspace", 75, 75, "2026-11-21"),
        Warned(hundred_a_day, "workspace", 95, 95, "2026-11-21"),
    )
    assert told == [[], [first], [], [], [second], []]
    clock.now += timedelta(days=1)
    await spend(redis, budgets, 80)
    assert [each.level for each in await warnings(redis, TEAM)] == [75]


async def test_a_jump_over_both_marks_is_one_warning(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "each", "month", 100)
    await spend(redis, budgets, 99)
    await spend(redis, budgets, 1)
    [only] = await warnings(redis, TEAM)
    assert (only.level, only.whose, only.budget.scope) == (95, "user:U1", "each")


async def test_a_higher_budget_is_warned_of_again(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "channel:C1", "day", 100)
    await spend(redis, budgets, 80)
    await budget(redis, "channel:C1", "day", 200)
    await spend(redis, budgets, 80)
    assert [(each.budget.amount, each.level) for each in await warnings(redis, TEAM)] == [(100, 75), (200, 75)]


async def test_spending_tells_each_budget_and_how_far_it_is_spent(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "each", "day", 100)
    await budget(redis, "channel:C1", "month", 50)
    await spend(redis, budgets, 30)
    assert [(each.budget, each.spent) for each in await budgets.spending(TEAM)] == [
        (Budget("channel:C1", "month", 50), 30),
        (Budget("each", "day", 100), None),
    ]


async def test_nothing_of_it_is_kept_for_ever_but_the_budgets(redis: AsyncRedis, budgets: Budgets) -> None:
    await budget(redis, "each", "day", 1_000)
    await spend(redis, budgets, 990)
    await budgets.reserve(TEAM, CHANNEL, USER, 1)
    names = [name async for name in redis.scan_iter(f"{TEAM}:*")]
    assert len(names) == 7
    for name in names:
        assert name.startswith(f"{TEAM}:")
        assert (await redis.ttl(name) > 0) is (name != keys.caps(TEAM))


async def test_of_a_team_that_has_removed_us_nothing_is_held(redis: AsyncRedis, budgets: Budgets) -> None:
    await redis.srem(keys.TEAMS, TEAM)
    assert isinstance(await budgets.reserve(TEAM, CHANNEL, USER, 1), Hold)
    assert await redis.dbsize() == 0


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_period_ends_where_the_next_begins(now: datetime) -> None:
    day, month = resets(now, "day"), resets(now, "month")
    assert now < day <= month
    assert (day.hour, month.day, month.hour) == (0, 1, 0)
    assert (day - timedelta(seconds=1)).date() == now.date()
    assert (month - timedelta(seconds=1)).month == now.month


ESTIMATE, COST, CAP = 100_000, 60_000, DOLLAR


async def asks(redis_url: str, questions: int) -> int:
    """A process that asks so many questions at once; how many were allowed."""
    redis = connections.shared(redis_url)
    budgets = Budgets(redis, 60)
    try:
        given = await asyncio.gather(*(budgets.reserve(TEAM, CHANNEL, f"U{n}", ESTIMATE) for n in range(questions)))
        allowed = [each for each in given if isinstance(each, Hold)]
        await asyncio.sleep(0.2)
        await asyncio.gather(*(settle(redis, each, COST) for each in allowed))
        return len(allowed)
    finally:
        await redis.aclose()


def process(redis_url: str, questions: int, report: Callable[[int], None]) -> None:
    report(asyncio.run(asks(redis_url, questions)))


async def test_fifty_questions_at_once_in_two_processes_keep_to_the_cap(redis: AsyncRedis, redis_url: str) -> None:
    """Ten calls of 0.10 $ at the most fill a budget of 1 $; none of the fifty can see more room than there is."""
    await budget(redis, "workspace", "month", CAP)
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    started = [context.Process(target=process, args=(redis_url, 25, results.put)) for _ in range(2)]
    for each in started:
        each.start()
    allowed = [await asyncio.to_thread(results.get) for _ in started]
    for each in started:
        await asyncio.to_thread(each.join)
    spent = await Budgets(redis, 60).spent(TEAM, "workspace", datetime.now(UTC).strftime("%Y-%m"))
    assert spent == sum(allowed) * COST
    assert spent <= CAP + ESTIMATE
    assert await redis.zcard(keys.holds_until(TEAM)) == 0

"""Budgets as a worker meets them: before a call, and in the transaction that ends its message."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.models import Usage, cost
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.store import connections, keys
from bot.store.counts.bills import Bill
from bot.store.counts.usage import Counted
from bot.store.rules.budgets import Budgets, Hold, Settled
from bot.store.threads.claims import LeaseLost
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread
from workers.billing.spending import Spending

MODEL = "claude-sonnet-5-5"
USAGE = Usage(MODEL, input=1_000, output=500)
MONTH = f"{datetime.now(UTC):%Y-%m}"


@pytest.fixture(autouse=True)
async def installed(sandbox: Sandbox, redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)


def question(sandbox: Sandbox, ts: str = "1.000001") -> Message:
    return Message(Thread(sandbox.team, "C1", ts), ts, "U1", "hello")


def bill(hold: Hold, cost: int | None) -> Bill:
    counted = Counted(hold.team, "C1", "U1", 1.0, MODEL, None)
    return Bill(counted, Settled(hold, cost or 0))


async def budget(redis: Redis, sandbox: Sandbox, amount: int) -> None:
    await redis.hset(keys.caps(sandbox.team), "each month", amount)


async def test_the_most_that_a_call_can_cost_is_held(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    spending = Spending(Settings(), web, redis)
    for _ in range(2):
        assert isinstance(await spending.begin(question(sandbox), MODEL, 1_000, 16_000), Hold)
    held = await redis.hget(keys.spent(sandbox.team, MONTH), "held user:U1")
    assert held == str(1_000 * 4 + 16_000 * 10)


async def test_who_has_nothing_left_is_told_whom_to_ask_by_name(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    await budget(redis, sandbox, 0)
    listed = frozenset({f"{sandbox.team}:{sandbox.users['ada']}"})
    said = await Spending(Settings(admins=listed), web, redis).begin(question(sandbox), MODEL, 1_000, 16_000)
    assert isinstance(said, str)
    assert said.startswith("Your budget of $0.00 this month is used up.")
    assert said.endswith("ask ada or an admin or owner of this workspace.")
    assert "<@" not in said


async def test_a_model_without_known_prices_holds_and_spends_nothing(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    await budget(redis, sandbox, 1)
    for n in range(1, 4):
        given = await Spending(Settings(), web, redis).begin(
            question(sandbox, f"{n}.1"), "claude-next-9", 1_000, 16_000
        )
        assert isinstance(given, Hold)


async def test_what_it_cost_is_settled_with_the_message_and_once(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, redis_url: str
) -> None:
    producer = connections.producer(redis_url)
    inbox = Inbox(redis, connections.queue("parley", producer), 60.0)
    message = question(sandbox)
    await inbox.put(message)
    claim = await inbox.claim(message.thread)
    assert claim
    spending, budgets = Spending(Settings(), web, redis), Budgets(redis, 60)
    begun = await spending.begin(message, MODEL, 1_000, 16_000)
    assert isinstance(begun, Hold)
    await inbox.release(claim, bill=bill(begun, cost(USAGE)))
    assert await budgets.spent(sandbox.team, "user:U1", MONTH) == cost(USAGE)

    again = await inbox.claim(message.thread)
    assert again
    begun = await spending.begin(message, MODEL, 1_000, 16_000)
    assert isinstance(begun, Hold)
    end = bill(begun, 2 * (cost(USAGE) or 0))
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, bill=end)
    await inbox.release(claim, bill=end)
    await inbox.acknowledge(again, bill=end)
    assert await budgets.spent(sandbox.team, "user:U1", MONTH) == 3 * (cost(USAGE) or 0)
    assert await redis.hget(keys.spent(sandbox.team, MONTH), "held user:U1") == "0"
    producer.close()

"""A bill as it waits with a reply, and as it is paid."""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import keys
from bot.store.counts.bills import Bill, pay
from bot.store.counts.usage import BilledPiece, Counted
from bot.store.rules.budgets import Reservation, Settled

PIECES = (BilledPiece("claude-a", 1, 2, 3, 4, 5, 6, 7, 8, True), BilledPiece("claude-b", cost=None, saved=None))
COUNTED = Counted("T1", "C1", "U1", 1_795_000_000.5, "claude-a", "answer", PIECES, 0.5, None, True, 30)
SETTLED = Settled(Reservation("C1:1.1", "T1", "C1", "U1", "2026-11-21", "2026-11"), 7)


def test_it_reads_back_as_it_was_written() -> None:
    for bill in (Bill(COUNTED), Bill(COUNTED, SETTLED)):
        assert Bill.from_json(bill.to_json()) == bill


async def test_it_is_counted_and_settled(redis: AsyncRedis, redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, client.pipeline() as pipe:
        pay(pipe, Bill(COUNTED, SETTLED))
        pipe.execute()
    assert await redis.hget(keys.spent("T1", "2026-11"), "user:U1") == "7"
    assert [name async for name in redis.scan_iter("T1:usage:*:user")]

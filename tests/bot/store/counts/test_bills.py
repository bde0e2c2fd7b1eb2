"""A bill as it waits with a reply, and as it is paid."""

from dataclasses import replace

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import keys
from bot.store.counts.bills import Bill, pay
from bot.store.counts.usage import BilledPiece, Counted
from bot.store.rules.budgets import Hold, Settled

PIECES = (BilledPiece("claude-a", 1, 2, 3, 4, 5, 6, 7, 8, True), BilledPiece("claude-b", cost=None, saved=None))
COUNTED = Counted("T1", "C1", "U1", 1_795_000_000.5, "claude-a", "answer", PIECES, 0.5, None, True, 30)
SETTLED = Settled(Hold("C1:1.1", "T1", "C1", "U1", "2026-11-21", "2026-11"), 7)


def test_it_reads_back_as_it_was_written() -> None:
    for bill in (Bill(COUNTED), Bill(COUNTED, SETTLED)):
        assert Bill.from_json(bill.to_json()) == bill


async def test_it_is_counted_and_settled(redis: AsyncRedis, redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, client.pipeline() as pipe:
        pay(pipe, Bill(COUNTED, SETTLED))
        pipe.execute()
    assert await redis.hget(keys.spent("T1", "2026-11"), "user:U1") == "7"
    assert [name async for name in redis.scan_iter("T1:usage:*:user")]


def test_workers_of_other_versions_read_it() -> None:
    piece = (
        '{"model": "claude-a", "input": 1, "output": 2, "write_5m": 3, "write_1h": 4, "read": 5, "searches": 6, '
        '"cost": 7, "saved": 8, "estimated": true}'
    )
    counted = (
        '{"team": "T1", "channel": "C1", "user": "U1", "at": 1795000000.5, "model": "claude-a", "outcome": "answer", '
        f'"pieces": [{piece}], "first_text": 0.5, "total": null, "unread": true, "keep_days": 30}}'
    )
    held = '{"name": "C1:1.1", "team": "T1", "channel": "C1", "user": "U1", "day": "2026-11-21", "month": "2026-11"}'
    bill = Bill(replace(COUNTED, pieces=PIECES[:1]), SETTLED)
    stored = f'{{"counted": {counted}, "settled": {{"reservation": {held}, "cost": 7}}}}'
    assert bill.to_json() == stored
    assert Bill.from_json(stored) == bill

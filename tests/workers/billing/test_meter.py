"""What an attempt billed becomes one bill, at today's prices."""

from dataclasses import asdict

import pytest
from redis.asyncio import Redis

from bot.models import Usage
from bot.settings import Settings
from bot.store import keys
from bot.store.counts.usage import BilledPiece
from bot.store.rules.budgets import Hold, Settled
from bot.store.threads import replies
from bot.store.threads.replies import Final, Progress, Reply
from bot.talk.message import Message, Thread
from workers.billing.meter import Meter, priced

MESSAGE = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "a question")
SONNET = Usage("claude-sonnet-5-5", input=100, output=200, write_5m=300, read=1_000_000, searches=1)
CUT = Usage("claude-haiku-4-5", input=1_000, output=10, estimated=True)
HOLD = Hold("C1:1.2", "T1", "C1", "U1", "2026-11-21", "2026-11")


@pytest.fixture
async def meter(redis: Redis) -> Meter:
    await redis.hset(keys.messages(MESSAGE.thread), MESSAGE.ts, MESSAGE.to_json())
    return Meter(Settings(usage_days=7), redis, MESSAGE)


async def left(redis: Redis) -> Reply:
    return await replies.load(redis, MESSAGE.thread, MESSAGE.ts)


def test_each_billed_piece_has_its_model_and_price() -> None:
    sonnet, haiku, unknown = map(priced, (SONNET, CUT, Usage("a-model-of-tomorrow", input=7)))
    assert (sonnet.input, sonnet.output, sonnet.write_5m, sonnet.read, sonnet.searches) == (100, 200, 300, 10**6, 1)
    assert sonnet.cost is not None
    assert sonnet.saved is not None
    assert 0 < sonnet.cost < sonnet.saved
    assert (haiku.saved, haiku.estimated) == (0, True)
    assert unknown == BilledPiece("a-model-of-tomorrow", input=7, cost=None, saved=None)


async def test_an_answer_is_counted_with_all_that_was_billed_for_it(meter: Meter) -> None:
    meter.add([CUT])
    meter.show()
    meter.add([SONNET])
    meter.model, meter.unread, meter.hold = "claude-haiku-4-5", True, HOLD
    bill = meter.bill("answer")
    assert bill
    counted = bill.counted
    assert (counted.team, counted.channel, counted.user, counted.keep_days) == ("T1", "C1", "U1", 7)
    assert (counted.model, counted.outcome, counted.unread) == ("claude-haiku-4-5", "answer", True)
    assert [piece.model for piece in counted.pieces] == [CUT.model, SONNET.model]
    assert 0 < (counted.first_text or 0) < (counted.total or 0)
    assert bill.settled == Settled(HOLD, sum(piece.cost or 0 for piece in counted.pieces))


async def test_without_text_there_is_no_time_to_it(meter: Meter) -> None:
    bill = meter.bill("error")
    assert bill
    assert (bill.counted.first_text, bill.settled) == (None, None)


async def test_where_nothing_was_billed_or_held_there_is_no_bill(meter: Meter) -> None:
    assert meter.bill(None) is None
    meter.hold = HOLD
    bill = meter.bill(None)
    assert bill
    assert (bill.counted.outcome, bill.settled) == (None, Settled(HOLD, 0))


async def test_who_takes_over_counts_what_a_dead_worker_had_billed(redis: Redis, meter: Meter) -> None:
    meter.add([SONNET])
    await meter.began([CUT])
    await replies.save_progress(redis, MESSAGE.thread, MESSAGE.ts, Progress(("1.3",), 800, "x" * 800))
    other = Meter(Settings(), redis, MESSAGE)
    other.take_over(await left(redis))
    bill = other.bill(None)
    assert bill
    assert [(piece.model, piece.output, piece.estimated) for piece in bill.counted.pieces] == [
        (SONNET.model, 200, False),
        (CUT.model, 200, True),
    ]


async def test_what_is_in_the_bill_of_an_ending_is_not_counted_again(redis: Redis, meter: Meter) -> None:
    await meter.began([CUT])
    meter.add([CUT])
    await replies.save_final(redis, MESSAGE.thread, MESSAGE.ts, Final("Yes.", outcome="answer"), meter.bill("answer"))
    reply = await left(redis)
    assert reply.bill
    assert [asdict(piece) for piece in reply.bill.counted.pieces] == [asdict(priced(CUT))]
    assert reply.billed == ()


async def test_a_redis_that_is_away_costs_no_answer(meter: Meter, redis: Redis) -> None:
    await redis.set(keys.reply(MESSAGE.thread, MESSAGE.ts), "no hash")
    await meter.began([CUT])

"""The end of a turn: what is remembered, who is next, and who may say so (invariant 5)."""

import asyncio

import pytest
from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from bot.store import keys
from bot.store.threads import history
from bot.store.threads.claims import LeaseLost
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from tests.kit.mailbox import ANSWERED, THREAD, claimed, end_lease, said, waits, woken


async def test_an_acknowledged_message_is_gone_and_its_turns_are_remembered(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    await redis.hset(keys.files(THREAD), "F1", "{}")
    woken(queue)
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    assert await history.load(redis, THREAD) == ANSWERED
    assert await redis.zcard(keys.box(THREAD)) == 0
    assert woken(queue) == []
    assert not await redis.exists(*(name(THREAD) for name in (keys.lease, keys.box, keys.messages, keys.attempts)))
    assert await redis.zcard(keys.active("T1")) == 0
    for key in (keys.history(THREAD), keys.files(THREAD)):
        assert 29 * 24 * 3600 < await redis.ttl(key) <= 30 * 24 * 3600


async def test_the_next_message_of_the_thread_is_woken(inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("1.000002"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.acknowledge(claim)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).message.ts == "1.000002"


async def test_a_message_that_comes_in_while_another_is_acknowledged_is_looked_after(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    for n in range(1, 101):
        await inbox.put(said(f"{n}.000001"))
        claim = await claimed(inbox)
        woken(queue)
        await asyncio.gather(inbox.acknowledge(claim), inbox.put(said(f"{n}.000002")))
        assert woken(queue)
        assert await redis.zcard(keys.active("T1")) == 1
        await inbox.acknowledge(await claimed(inbox))


async def test_only_as_much_history_stays_as_is_to_be_kept(redis: AsyncRedis, inbox: Inbox) -> None:
    for n in range(1, 4):
        await inbox.put(said(f"{n}.000001"))
        entries = [Entry("user", str(n), "1.1"), Entry("assistant", "a", "1.1")]
        await inbox.acknowledge(await claimed(inbox), HistoryUpdate(entries, 4, 1))
    assert [entry.text for entry in await history.load(redis, THREAD)] == ["2", "a", "3", "a"]


async def test_a_message_given_back_is_claimed_again_at_once(inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.release(claim)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).attempts == 2


async def test_a_message_given_back_for_later_is_woken_when_it_is_due(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.release(claim, 30.0)
    assert await inbox.sweep(["T1"]) == 0
    assert woken(queue) == []
    await redis.zincrby(keys.active("T1"), -30.0, "C1:1.000001")
    assert await inbox.sweep(["T1"]) == 1
    assert woken(queue) == [["T1", "C1", "1.000001"]]


# Who lost the lease


async def test_a_worker_without_the_lease_changes_nothing(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    """Invariant 5, and the message stays to be answered."""
    await inbox.put(said("1.000001"))
    lost = await claimed(inbox)
    await end_lease(redis)
    taken = await claimed(inbox)
    woken(queue)
    with pytest.raises(LeaseLost):
        await inbox.renew(lost)
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(lost, HistoryUpdate(ANSWERED, 2, 30))
    await inbox.release(lost)
    assert await history.load(redis, THREAD) == []
    assert await waits(redis) == ["1.000001"]
    assert woken(queue) == []
    await inbox.renew(taken)
    await inbox.acknowledge(taken, HistoryUpdate(ANSWERED, 2, 30))
    assert await history.load(redis, THREAD) == ANSWERED


async def test_a_lease_that_nobody_took_is_lost_all_the_same(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    await redis.delete(keys.lease(THREAD))
    with pytest.raises(LeaseLost):
        await inbox.renew(claim)
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, HistoryUpdate(ANSWERED, 2, 30))


async def test_an_answer_is_acknowledged_once_however_often_it_is_tried(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    tries = [inbox.acknowledge(claim, HistoryUpdate(ANSWERED, 2, 30)) for _ in range(8)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["LeaseLost"] * 7 + ["NoneType"]
    assert await history.load(redis, THREAD) == ANSWERED

"""The mailbox of a thread: kept once, answered in order and alone (invariants 1 to 3 and 13)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError
from rq import Queue

from bot.store import keys
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread
from tests.kit.mailbox import ANSWERED, OTHER, THREAD, claimed, end_lease, said, unreachable_inbox, woken


@pytest.fixture
async def absent() -> AsyncIterator[Inbox]:
    async with unreachable_inbox(60.0) as inbox:
        yield inbox


# Putting


async def test_a_message_is_kept_and_a_worker_woken(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    message = said("1.000001")
    assert await inbox.put(message)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).message == message


async def test_a_second_delivery_of_the_same_event_is_seen_and_not_kept_again(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    assert await inbox.put(said("1.000001"))
    assert not await inbox.put(said("1.000001"))
    assert await redis.zcard(keys.box(THREAD)) == len(woken(queue)) == 1


async def test_the_twin_of_a_mention_is_seen_although_its_event_is_another(inbox: Inbox, queue: Queue) -> None:
    assert await inbox.put(said("1.000001", event_id="Ev-message"))
    assert not await inbox.put(said("1.000001", event_id="Ev-mention"))
    assert len(woken(queue)) == 1


async def test_a_modal_that_is_submitted_twice_is_one_question(inbox: Inbox, queue: Queue) -> None:
    """Its event is the modal, and its time is ours."""
    assert await inbox.put(said("1.000001", event_id="view:V1"))
    assert not await inbox.put(said("1.000002", event_id="view:V1"))
    assert len(woken(queue)) == 1


async def test_an_answered_message_that_is_delivered_again_is_seen(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    assert not await inbox.put(said("1.000001"))
    assert await inbox.claim(THREAD) is None


async def test_of_many_deliveries_at_once_one_is_kept(inbox: Inbox, queue: Queue) -> None:
    for moment in range(1, 41):
        ts = f"{moment}.000001"
        kept = await asyncio.gather(*(inbox.put(said(ts, event_id=f"Ev{moment}-{n % 3}")) for n in range(12)))
        assert kept.count(True) == 1
        assert len(woken(queue)) == 1


async def test_the_same_moment_in_another_channel_or_team_is_another_message(inbox: Inbox) -> None:
    for thread in (THREAD, Thread("T1", "C2", "1.000001"), Thread("T2", "C1", "1.000001")):
        assert await inbox.put(said("1.000001", thread, event_id=str(thread)))


async def test_without_redis_nothing_counts_as_kept(absent: Inbox) -> None:
    """Invariant 1: the listener sees the error, and Slack gets no acknowledgement."""
    with pytest.raises(RedisError):
        await absent.put(said("1.000001"))
    with pytest.raises(RedisError):
        await absent.takes_part(THREAD, "1.000002")


# Claiming


async def test_messages_are_claimed_in_the_order_of_their_times_however_they_arrived(inbox: Inbox) -> None:
    for ts in ("10.000003", "9.000001", "10.000001", "10.000002"):
        await inbox.put(said(ts))
    order = []
    while claim := await inbox.claim(THREAD):
        order.append(claim.message.ts)
        await inbox.acknowledge(claim)
    assert order == ["9.000001", "10.000001", "10.000002", "10.000003"]


async def test_a_thread_is_answered_by_one_at_a_time(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("1.000002"))
    claims = await asyncio.gather(*(inbox.claim(THREAD) for _ in range(10)))
    assert sum(claim is not None for claim in claims) == 1


async def test_threads_do_not_wait_for_each_other(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("2.000001", OTHER))
    assert (await claimed(inbox)).message.ts == "1.000001"
    assert (await claimed(inbox, OTHER)).message.ts == "2.000001"


async def test_an_empty_mailbox_gives_nothing_and_leaves_nothing(redis: AsyncRedis, inbox: Inbox) -> None:
    assert await inbox.claim(THREAD) is None
    assert [key async for key in redis.scan_iter()] == []


async def test_each_claim_counts_as_an_attempt_of_its_message(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("1.000002"))
    for attempt in (1, 2, 3):
        claim = await claimed(inbox)
        assert (claim.message.ts, claim.attempts) == ("1.000001", attempt)
        await end_lease(redis)
    await inbox.acknowledge(await claimed(inbox))
    assert (await claimed(inbox)).attempts == 1


async def test_a_lease_ends_by_itself(redis: AsyncRedis, queue: Queue) -> None:
    inbox = Inbox(redis, queue, 0.05)
    await inbox.put(said("1.000001"))
    first = await claimed(inbox)
    async with asyncio.timeout(5):
        while not (second := await inbox.claim(THREAD)):
            await asyncio.sleep(0.01)
    assert second.message == first.message
    assert second.token != first.token


async def test_a_renewed_lease_lasts_longer(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    await redis.pexpire(keys.lease(THREAD), 500)
    await inbox.renew(claim)
    assert await redis.pttl(keys.lease(THREAD)) > 50_000


async def test_who_came_late_to_a_claimed_thread_is_noticed(inbox: Inbox) -> None:
    await inbox.put(said("1.000002"))
    claim = await claimed(inbox)
    assert not await inbox.is_overtaken(claim)
    await inbox.put(said("1.000003"))
    assert not await inbox.is_overtaken(claim)
    await inbox.put(said("1.000001"))
    assert await inbox.is_overtaken(claim)


async def test_an_attempt_that_was_not_begun_is_not_counted(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    for _ in range(3):
        claim = await claimed(inbox)
        assert claim.attempts == 1
        await inbox.release(claim, begun=False)
    await inbox.release(await claimed(inbox))
    assert (await claimed(inbox)).attempts == 2


async def test_a_stored_message_that_cannot_be_read_is_dropped_and_the_next_one_is_answered(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("2.000001"))
    await redis.hset(keys.messages(THREAD), "1.000001", '{"from": "another version"}')
    assert await inbox.claim(THREAD) is None
    assert (await claimed(inbox)).message.ts == "2.000001"


# Whose thread it is


async def test_we_take_part_in_a_thread_once_somebody_spoke_to_us(inbox: Inbox) -> None:
    later = "1.2"
    assert not await inbox.takes_part(THREAD, later)
    await inbox.put(said("1.000001"))
    assert await inbox.takes_part(THREAD, later)
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    assert await inbox.takes_part(THREAD, later)
    assert not await inbox.takes_part(OTHER, later)
    assert not await inbox.takes_part(Thread("T2", THREAD.channel, THREAD.ts), later)


async def test_what_was_said_before_somebody_spoke_to_us_is_not_said_to_us_however_late_it_arrives(
    inbox: Inbox,
) -> None:
    """Slack delivers in any order, and again after minutes what we did not acknowledge."""
    await inbox.put(said("1.000005"))
    assert not await inbox.takes_part(THREAD, "1.000003")
    assert not await inbox.takes_part(THREAD, "1.000005")
    assert await inbox.takes_part(THREAD, "1.000006")
    read = [Entry("user", "to each other", "1.000003")]
    answered = [Entry("user", "a question", "1.000005"), Entry("assistant", "an answer", "1.000005")]
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate([*read, *answered], 9, 30))
    assert not await inbox.takes_part(THREAD, "1.000003")
    assert not await inbox.takes_part(THREAD, "1.000004")
    assert await inbox.takes_part(THREAD, "1.000006")


async def test_every_key_starts_with_the_team(redis: AsyncRedis, inbox: Inbox) -> None:
    """Invariant 13. RQ's own keys and the list of teams belong to nobody."""
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    await inbox.put(said("1.000002"))
    await claimed(inbox)
    found = {key async for key in redis.scan_iter() if not key.startswith("rq:")}
    assert all(key.startswith("T1:") for key in found - {keys.TEAMS})


async def test_nothing_is_kept_for_ever(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    await inbox.put(said("1.000002"))
    await claimed(inbox)
    for key in [key async for key in redis.scan_iter("T1:*")]:
        assert key == keys.active("T1") or await redis.ttl(key) > 0, key

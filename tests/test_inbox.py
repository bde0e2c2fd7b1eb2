"""The mailbox of a thread: kept once, answered in order and alone, never lost (invariants 1 to 5 and 13)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError
from rq import Queue

from bot.files import File
from bot.incoming import Message, Thread
from bot.store import connections, history, keys, stops
from bot.store.history import Entry
from bot.store.inbox import GRACE_SECONDS, Claim, Inbox, LeaseLost
from bot.store.wakeups import JOB

THREAD = Thread("T1", "C1", "1.000001")
OTHER = Thread("T1", "C1", "2.000001")
ANSWERED = [Entry("user", "question", "1.1", "U1", "Ada"), Entry("assistant", "answer", "1.1")]


def said(ts: str, thread: Thread = THREAD, event_id: str | None = None) -> Message:
    return Message(thread, ts, "U1", f"text of {ts}", event_id or f"Ev{ts}", direct=True)


@pytest.fixture
def producer(redis_url: str) -> "Iterator[Redis]":
    client = connections.producer(redis_url)
    yield client
    client.close()


@pytest.fixture
def queue(producer: "Redis") -> Queue:
    return connections.queue("test", producer)


@pytest.fixture
def inbox(redis: "AsyncRedis", queue: Queue) -> Inbox:
    return Inbox(redis, queue, 60.0)


@pytest.fixture
async def absent() -> AsyncIterator[Inbox]:
    """An inbox whose Redis refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}"
        redis, producer = connections.shared(url), connections.producer(url)
        yield Inbox(redis, connections.queue("test", producer), 60.0)
        await redis.aclose()
        producer.close()


async def claimed(inbox: Inbox, thread: Thread = THREAD) -> Claim:
    claim = await inbox.claim(thread)
    assert claim is not None
    return claim


async def waits(redis: "AsyncRedis", thread: Thread = THREAD) -> list[str]:
    return [str(ts) for ts in await redis.zrange(keys.box(thread), 0, -1)]


async def end_lease(redis: "AsyncRedis", thread: Thread = THREAD) -> None:
    """What is left when a worker was killed and its time is over."""
    await redis.delete(keys.lease(thread))
    await redis.zadd(keys.active(thread.team), {f"{thread.channel}:{thread.ts}": 0})


def woken(queue: Queue) -> list[list[str]]:
    """The threads of the wake-up jobs, and no job afterwards."""
    jobs = [job for job in queue.get_jobs() if job.func_name == JOB]
    queue.empty()
    return [list(job.args) for job in jobs]


# Putting


async def test_a_message_is_kept_and_a_worker_woken(redis: "AsyncRedis", inbox: Inbox, queue: Queue) -> None:
    message = said("1.000001")
    assert await inbox.put(message)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).message == message


async def test_a_second_delivery_of_the_same_event_is_seen_and_not_kept_again(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue
) -> None:
    assert await inbox.put(said("1.000001"))
    assert not await inbox.put(said("1.000001"))
    assert await redis.zcard(keys.box(THREAD)) == len(woken(queue)) == 1


async def test_the_twin_of_a_mention_is_seen_although_its_event_is_another(inbox: Inbox, queue: Queue) -> None:
    assert await inbox.put(said("1.000001", event_id="Ev-message"))
    assert not await inbox.put(said("1.000001", event_id="Ev-mention"))
    assert len(woken(queue)) == 1


async def test_an_answered_message_that_is_delivered_again_is_seen(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
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
        await absent.takes_part(THREAD)


# Claiming


async def test_messages_are_claimed_in_the_order_of_their_times_however_they_arrived(inbox: Inbox) -> None:
    for ts in ("10.000003", "9.000001", "10.000001", "10.000002"):
        await inbox.put(said(ts))
    order = []
    while claim := await inbox.claim(THREAD):
        order.append(claim.message.ts)
        await inbox.acknowledge(claim, [], 0, 30)
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


async def test_an_empty_mailbox_gives_nothing_and_leaves_nothing(redis: "AsyncRedis", inbox: Inbox) -> None:
    assert await inbox.claim(THREAD) is None
    assert [key async for key in redis.scan_iter()] == []


async def test_each_claim_counts_as_an_attempt_of_its_message(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("1.000002"))
    for attempt in (1, 2, 3):
        claim = await claimed(inbox)
        assert (claim.message.ts, claim.attempts) == ("1.000001", attempt)
        await end_lease(redis)
    await inbox.acknowledge(await claimed(inbox), [], 0, 30)
    assert (await claimed(inbox)).attempts == 1


async def test_a_lease_ends_by_itself(redis: "AsyncRedis", queue: Queue) -> None:
    inbox = Inbox(redis, queue, 0.05)
    await inbox.put(said("1.000001"))
    first = await claimed(inbox)
    async with asyncio.timeout(5):
        while not (second := await inbox.claim(THREAD)):
            await asyncio.sleep(0.01)
    assert second.message == first.message
    assert second.token != first.token


async def test_a_renewed_lease_lasts_longer(redis: "AsyncRedis", inbox: Inbox) -> None:
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


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_files_that_only_the_second_delivery_tells_of_are_kept(inbox: Inbox, is_claimed: bool) -> None:
    first, files = said("1.000001"), (File("F1", "a.png"),)
    await inbox.put(first)
    claim = await claimed(inbox) if is_claimed else None
    assert not await inbox.put(replace(first, event_id="Ev-twin", files=files))
    assert not await inbox.put(replace(first, event_id="Ev-third"))
    assert await inbox.files(claim or await claimed(inbox)) == files


async def test_a_second_delivery_of_an_answered_message_leaves_nothing(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
    assert not await inbox.put(replace(said("1.000001"), files=(File("F1", "a.png"),)))
    assert not await redis.exists(keys.messages(THREAD))


# Final a turn


async def test_an_acknowledged_message_is_gone_and_its_turns_are_remembered(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    await redis.hset(keys.files(THREAD), "F1", "{}")
    woken(queue)
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
    assert await history.load(redis, THREAD) == ANSWERED
    assert await redis.zcard(keys.box(THREAD)) == 0
    assert woken(queue) == []
    assert not await redis.exists(*(name(THREAD) for name in (keys.lease, keys.box, keys.messages, keys.attempts)))
    assert await redis.zcard(keys.active("T1")) == 0
    for key in (keys.history(THREAD), keys.files(THREAD)):
        assert 29 * 24 * 3600 < await redis.ttl(key) <= 30 * 24 * 3600


async def test_an_answer_given_anew_takes_the_place_of_the_old_one(redis: "AsyncRedis", inbox: Inbox) -> None:
    later = [Entry("user", "more", "1.2", "U1"), Entry("assistant", "said", "1.2")]
    for message, entries in ((said("1.1"), ANSWERED), (said("1.2"), later)):
        await inbox.put(message)
        await inbox.acknowledge(await claimed(inbox), entries, 100, 30)
    anew = [later[0], Entry("assistant", "said better", "1.2")]
    await inbox.put(Message(THREAD, "1.3", "U2", "", again="1.2"))
    claim = await claimed(inbox)
    assert claim.message.again == "1.2"
    await inbox.acknowledge(claim, anew, 100, 30, replaces="1.2")
    assert await history.load(redis, THREAD) == [*ANSWERED, *anew]


async def test_a_turn_to_replace_that_is_gone_is_no_hindrance(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.1"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 100, 30, replaces="0.9")
    assert await history.load(redis, THREAD) == ANSWERED


async def test_without_the_lease_nothing_is_replaced(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.1"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 100, 30)
    await inbox.put(said("1.2"))
    claim = await claimed(inbox)
    await redis.set(keys.lease(THREAD), "another")
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, [], 100, 30, replaces="1.1")
    assert await history.load(redis, THREAD) == ANSWERED


async def test_an_answered_message_leaves_no_wish_to_stop_it(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.1"))
    await stops.ask(redis, THREAD, ["1.1", "1.2"], "U1")
    await inbox.acknowledge(await claimed(inbox), [], 0, 30)
    assert await stops.asked(redis, THREAD, "1.1") is None
    assert await stops.asked(redis, THREAD, "1.2") == "U1"


async def test_what_waits_is_told_in_order_until_it_is_answered(redis: "AsyncRedis", inbox: Inbox) -> None:
    for ts in ("10.1", "9.1"):
        await inbox.put(said(ts))
    await redis.hset(keys.messages(THREAD), "11.1", "{")
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["9.1", "10.1"]
    claim = await claimed(inbox)
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["9.1", "10.1"]
    await inbox.acknowledge(claim, [], 0, 30)
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["10.1"]


async def test_what_must_be_alone_is_kept_only_in_an_empty_mailbox(inbox: Inbox, queue: Queue) -> None:
    assert await inbox.put(said("1.1"), alone=True)
    assert not await inbox.put(said("1.2"), alone=True)
    claim = await claimed(inbox)
    assert not await inbox.put(said("1.3"), alone=True)
    assert await inbox.put(said("1.4", OTHER), alone=True)
    await inbox.acknowledge(claim, [], 0, 30)
    assert await inbox.put(said("1.3"), alone=True)
    assert await inbox.put(said("1.5"))


async def test_of_many_that_must_be_alone_at_once_one_is_kept(inbox: Inbox) -> None:
    kept = await asyncio.gather(*(inbox.put(said(f"1.{n}"), alone=True) for n in range(1, 9)))
    assert kept.count(True) == 1


async def test_the_next_message_of_the_thread_is_woken(inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("1.000002"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.acknowledge(claim, [], 0, 30)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).message.ts == "1.000002"


async def test_a_message_that_comes_in_while_another_is_acknowledged_is_looked_after(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue
) -> None:
    for n in range(1, 101):
        await inbox.put(said(f"{n}.000001"))
        claim = await claimed(inbox)
        woken(queue)
        await asyncio.gather(inbox.acknowledge(claim, [], 0, 30), inbox.put(said(f"{n}.000002")))
        assert woken(queue)
        assert await redis.zcard(keys.active("T1")) == 1
        await inbox.acknowledge(await claimed(inbox), [], 0, 30)


async def test_only_as_much_history_stays_as_is_to_be_kept(redis: "AsyncRedis", inbox: Inbox) -> None:
    for n in range(1, 4):
        await inbox.put(said(f"{n}.000001"))
        await inbox.acknowledge(
            await claimed(inbox), [Entry("user", str(n), "1.1"), Entry("assistant", "a", "1.1")], 4, 1
        )
    assert [entry.text for entry in await history.load(redis, THREAD)] == ["2", "a", "3", "a"]


async def test_a_message_given_back_is_claimed_again_at_once(inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.release(claim)
    assert woken(queue) == [["T1", "C1", "1.000001"]]
    assert (await claimed(inbox)).attempts == 2


async def test_a_message_given_back_for_later_is_woken_when_it_is_due(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    woken(queue)
    await inbox.release(claim, 30.0)
    assert await inbox.sweep() == 0
    assert woken(queue) == []
    await redis.zincrby(keys.active("T1"), -30.0, "C1:1.000001")
    assert await inbox.sweep() == 1
    assert woken(queue) == [["T1", "C1", "1.000001"]]


# Who lost the lease


async def test_a_worker_without_the_lease_changes_nothing(redis: "AsyncRedis", inbox: Inbox, queue: Queue) -> None:
    """Invariant 5, and the message stays to be answered."""
    await inbox.put(said("1.000001"))
    lost = await claimed(inbox)
    await end_lease(redis)
    taken = await claimed(inbox)
    woken(queue)
    with pytest.raises(LeaseLost):
        await inbox.renew(lost)
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(lost, ANSWERED, 2, 30)
    await inbox.release(lost)
    assert await history.load(redis, THREAD) == []
    assert await waits(redis) == ["1.000001"]
    assert woken(queue) == []
    await inbox.renew(taken)
    await inbox.acknowledge(taken, ANSWERED, 2, 30)
    assert await history.load(redis, THREAD) == ANSWERED


async def test_a_lease_that_nobody_took_is_lost_all_the_same(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    await redis.delete(keys.lease(THREAD))
    with pytest.raises(LeaseLost):
        await inbox.renew(claim)
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, ANSWERED, 2, 30)


async def test_an_answer_is_acknowledged_once_however_often_it_is_tried(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    tries = [inbox.acknowledge(claim, ANSWERED, 2, 30) for _ in range(8)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["LeaseLost"] * 7 + ["NoneType"]
    assert await history.load(redis, THREAD) == ANSWERED


# Sweeping


async def test_a_thread_left_behind_is_woken_once(redis: "AsyncRedis", inbox: Inbox, queue: Queue) -> None:
    """Invariant 4: its worker was killed, so its lease is over."""
    await inbox.put(said("1.000001"))
    await claimed(inbox)
    woken(queue)
    assert await inbox.sweep() == 0
    await end_lease(redis)
    assert [await inbox.sweep() for _ in range(3)] == [1, 0, 0]
    assert woken(queue) == [["T1", "C1", "1.000001"]]


async def test_a_wake_up_that_got_lost_is_made_up_for(redis: "AsyncRedis", inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    queue.empty()
    assert await inbox.sweep() == 0
    await redis.zincrby(keys.active("T1"), -GRACE_SECONDS, "C1:1.000001")
    assert await inbox.sweep() == 1
    assert woken(queue) == [["T1", "C1", "1.000001"]]


async def test_a_claimed_thread_is_left_alone_until_its_lease_would_be_over(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    await redis.zadd(keys.active("T1"), {"C1:1.000001": 0})
    await claimed(inbox)
    assert await inbox.sweep() == 0
    lease = await redis.pttl(keys.lease(THREAD)) / 1000
    await redis.zincrby(keys.active("T1"), -lease - 0.1, "C1:1.000001")
    assert await inbox.sweep() == 1


async def test_a_renewed_thread_is_left_alone(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    await redis.zadd(keys.active("T1"), {"C1:1.000001": 0})
    await inbox.renew(claim)
    assert await inbox.sweep() == 0


async def test_a_sweep_takes_the_oldest_and_leaves_the_rest_for_the_next(redis: "AsyncRedis", inbox: Inbox) -> None:
    for n in range(1, 6):
        thread = Thread("T1", "C1", f"{n}.000001")
        await inbox.put(said(thread.ts, thread))
        await redis.zadd(keys.active("T1"), {f"C1:{n}.000001": n})
    assert [await inbox.sweep(most=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_every_team_is_swept(redis: "AsyncRedis", inbox: Inbox, queue: Queue) -> None:
    for team in ("T1", "T2"):
        thread = Thread(team, "C1", "1.000001")
        await inbox.put(said("1.000001", thread))
        await end_lease(redis, thread)
    woken(queue)
    assert await inbox.sweep() == 2
    assert sorted(woken(queue)) == [["T1", "C1", "1.000001"], ["T2", "C1", "1.000001"]]


async def test_sweepers_of_many_workers_wake_a_thread_once(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await end_lease(redis)
    assert sum(await asyncio.gather(*(inbox.sweep() for _ in range(8)))) == 1


# Whose thread it is


async def test_we_take_part_in_a_thread_once_somebody_spoke_to_us(inbox: Inbox) -> None:
    assert not await inbox.takes_part(THREAD)
    await inbox.put(said("1.000001"))
    assert await inbox.takes_part(THREAD)
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
    assert await inbox.takes_part(THREAD)
    assert not await inbox.takes_part(OTHER)
    assert not await inbox.takes_part(Thread("T2", THREAD.channel, THREAD.ts))


async def test_every_key_starts_with_the_team(redis: "AsyncRedis", inbox: Inbox) -> None:
    """Invariant 13. RQ's own keys and the list of teams belong to nobody."""
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
    await inbox.put(said("1.000002"))
    await claimed(inbox)
    found = {key async for key in redis.scan_iter() if not key.startswith("rq:")}
    assert all(key.startswith("T1:") for key in found - {keys.TEAMS})


async def test_nothing_is_kept_for_ever(redis: "AsyncRedis", inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), ANSWERED, 2, 30)
    await inbox.put(said("1.000002"))
    await claimed(inbox)
    for key in [key async for key in redis.scan_iter("T1:*")]:
        assert key == keys.active("T1") or await redis.ttl(key) > 0, key


# All of it, in any order

TIMES = [f"1.00000{n}" for n in range(1, 7)]
acts = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "claim", "acknowledge", "release", "kill", "sweep", "late"]),
        st.sampled_from(TIMES),
    ),
    max_size=40,
)


@settings(
    max_examples=max(25, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=acts)
async def test_whatever_happens_each_message_is_answered_once_and_the_oldest_first(
    redis: "AsyncRedis", inbox: Inbox, queue: Queue, acts: list[tuple[str, str]]
) -> None:
    await redis.flushall()
    waiting: set[str] = set()
    seen: set[str] = set()
    answered: list[str] = []
    holder: Claim | None = None
    lost: list[Claim] = []

    async def answer(claim: Claim) -> None:
        await inbox.acknowledge(claim, [Entry("user", claim.message.ts, claim.message.ts)], 100, 30)
        waiting.remove(claim.message.ts)
        answered.append(claim.message.ts)

    for act, ts in acts:
        match act:
            case "put":
                assert await inbox.put(said(ts)) == (ts not in seen)
                waiting |= {ts} - seen
                seen.add(ts)
            case "claim":
                claim = await inbox.claim(THREAD)
                assert (claim is not None) == bool(waiting and holder is None)
                if claim:
                    assert claim.message.ts == min(waiting)
                    holder = claim
            case "acknowledge" if holder:
                await answer(holder)
                lost.append(holder)
                holder = None
            case "release" if holder:
                await inbox.release(holder)
                lost.append(holder)
                holder = None
            case "kill" if holder:
                await end_lease(redis)
                lost.append(holder)
                holder = None
            case "sweep":
                await inbox.sweep()
            case "late" if lost:
                with pytest.raises(LeaseLost):
                    await inbox.acknowledge(lost[-1], ANSWERED, 100, 30)
                await inbox.release(lost[-1])
        assert await waits(redis) == sorted(waiting)
        assert bool(await redis.zcard(keys.active("T1"))) == bool(waiting), "the sweeper looks after what waits"
    if holder:
        await answer(holder)
    while claim := await inbox.claim(THREAD):
        await answer(claim)
    assert sorted(answered) == sorted(seen)
    assert [entry.text for entry in await history.load(redis, THREAD)] == answered


async def test_an_attempt_that_was_not_begun_is_not_counted(inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    for _ in range(3):
        claim = await claimed(inbox)
        assert claim.attempts == 1
        await inbox.release(claim, begun=False)
    await inbox.release(await claimed(inbox))
    assert (await claimed(inbox)).attempts == 2


async def test_a_stored_message_that_cannot_be_read_is_dropped_and_the_next_one_is_answered(
    redis: "AsyncRedis", inbox: Inbox
) -> None:
    await inbox.put(said("1.000001"))
    await inbox.put(said("2.000001"))
    await redis.hset(keys.messages(THREAD), "1.000001", '{"from": "another version"}')
    assert await inbox.claim(THREAD) is None
    assert (await claimed(inbox)).message.ts == "2.000001"

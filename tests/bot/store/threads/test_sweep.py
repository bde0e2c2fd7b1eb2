"""What is left behind is woken, and whatever happens nothing is lost (invariant 4)."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from bot.store import keys
from bot.store.threads import history
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from bot.store.threads.sweep import GRACE_SECONDS
from bot.talk.message import Thread
from tests.kit.mailbox import ANSWERED, THREAD, claimed, end_lease, said, waits, woken


async def test_a_thread_left_behind_is_woken_once(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    """Invariant 4: its worker was killed, so its lease is over."""
    await inbox.put(said("1.000001"))
    await claimed(inbox)
    woken(queue)
    assert await inbox.sweep(["T1"]) == 0
    await end_lease(redis)
    assert [await inbox.sweep(["T1"]) for _ in range(3)] == [1, 0, 0]
    assert woken(queue) == [["T1", "C1", "1.000001"]]


async def test_a_wake_up_that_got_lost_is_made_up_for(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said("1.000001"))
    queue.empty()
    assert await inbox.sweep(["T1"]) == 0
    await redis.zincrby(keys.active("T1"), -GRACE_SECONDS, "C1:1.000001")
    assert await inbox.sweep(["T1"]) == 1
    assert woken(queue) == [["T1", "C1", "1.000001"]]


async def test_a_claimed_thread_is_left_alone_until_its_lease_would_be_over(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    await inbox.put(said("1.000001"))
    await redis.zadd(keys.active("T1"), {"C1:1.000001": 0})
    await claimed(inbox)
    assert await inbox.sweep(["T1"]) == 0
    lease = await redis.pttl(keys.lease(THREAD)) / 1000
    await redis.zincrby(keys.active("T1"), -lease - 0.1, "C1:1.000001")
    assert await inbox.sweep(["T1"]) == 1


async def test_a_message_that_comes_in_does_not_change_when_somebody_looks_again(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    await inbox.put(said("1.000001"))
    for due in (0, 9_999_999_999):
        await redis.zadd(keys.active("T1"), {"C1:1.000001": due})
        await inbox.put(said(f"1.{due}1"))
        assert await redis.zscore(keys.active("T1"), "C1:1.000001") == due


async def test_a_renewed_thread_is_left_alone(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    claim = await claimed(inbox)
    await redis.zadd(keys.active("T1"), {"C1:1.000001": 0})
    await inbox.renew(claim)
    assert await inbox.sweep(["T1"]) == 0


async def test_a_sweep_takes_the_oldest_and_leaves_the_rest_for_the_next(redis: AsyncRedis, inbox: Inbox) -> None:
    for n in range(1, 6):
        thread = Thread("T1", "C1", f"{n}.000001")
        await inbox.put(said(thread.ts, thread))
        await redis.zadd(keys.active("T1"), {f"C1:{n}.000001": n})
    assert [await inbox.sweep(["T1"], most=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_the_teams_that_are_named_are_swept_and_no_others(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    for team in ("T1", "T2", "T3"):
        thread = Thread(team, "C1", "1.000001")
        await inbox.put(said("1.000001", thread))
        await end_lease(redis, thread)
    woken(queue)
    assert await inbox.teams() == {"T1", "T2", "T3"}
    assert await inbox.sweep(["T1", "T2"]) == 2
    assert sorted(woken(queue)) == [["T1", "C1", "1.000001"], ["T2", "C1", "1.000001"]]


async def test_sweepers_of_many_workers_wake_a_thread_once(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await end_lease(redis)
    assert sum(await asyncio.gather(*(inbox.sweep(["T1"]) for _ in range(8)))) == 1


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
    redis: AsyncRedis, inbox: Inbox, queue: Queue, acts: list[tuple[str, str]]
) -> None:
    await redis.flushall()
    waiting: set[str] = set()
    seen: set[str] = set()
    answered: list[str] = []
    holder: Claim | None = None
    lost: list[Claim] = []

    async def answer(claim: Claim) -> None:
        await inbox.acknowledge(claim, HistoryUpdate([Entry("user", claim.message.ts, claim.message.ts)], 100, 30))
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
                await inbox.sweep(["T1"])
            case "late" if lost:
                with pytest.raises(LeaseLost):
                    await inbox.acknowledge(lost[-1], HistoryUpdate(ANSWERED, 100, 30))
                await inbox.release(lost[-1])
        assert await waits(redis) == sorted(waiting)
        assert bool(await redis.zcard(keys.active("T1"))) == bool(waiting), "the sweeper looks after what waits"
    if holder:
        await answer(holder)
    while claim := await inbox.claim(THREAD):
        await answer(claim)
    assert sorted(answered) == sorted(seen)
    assert [entry.text for entry in await history.load(redis, THREAD)] == answered

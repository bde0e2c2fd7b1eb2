"""A lease that is kept up, lost, and never trusted for longer than it lasts (invariant 5)."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.loop_watch import boot_time
from bot.store import connections, keys
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread
from tests.kit.mailbox import unreachable_inbox
from workers.process.lease import Lease

THREAD = Thread("T1", "C1", "1.1")
SECONDS = 0.8


def hold(seconds: float) -> None:
    """Let everything on the event loop wait."""
    time.sleep(seconds)


@pytest.fixture
async def inbox(redis: Redis, redis_url: str) -> AsyncIterator[Inbox]:
    producer = connections.producer(redis_url)
    yield Inbox(redis, connections.queue("test", producer), SECONDS)
    producer.close()


@pytest.fixture
async def claim(inbox: Inbox) -> Claim:
    await inbox.put(Message(THREAD, "1.1", "U1", "hello", "Ev1"))
    claim = await inbox.claim(THREAD)
    assert claim is not None
    return claim


@pytest.fixture
async def absent() -> AsyncIterator[Inbox]:
    async with unreachable_inbox(SECONDS) as inbox:
        yield inbox


def test_a_call_may_begin_while_the_lease_outlasts_it(inbox: Inbox, claim: Claim) -> None:
    Lease(inbox, claim, boot_time(), 12.0, 6.0).check()
    Lease(inbox, claim, boot_time() - 5.0, 12.0, 6.0).check()


def test_no_call_may_begin_that_could_outlast_the_lease(inbox: Inbox, claim: Claim) -> None:
    for age in (6.1, 12.0, 100.0):
        with pytest.raises(LeaseLost):
            Lease(inbox, claim, boot_time() - age, 12.0, 6.0).check()


async def test_a_lease_that_is_kept_lasts(redis: Redis, inbox: Inbox, claim: Claim) -> None:
    began = boot_time()
    lease = Lease(inbox, claim, began, SECONDS, 0.1)
    keeping = asyncio.create_task(lease.keep())
    while boot_time() < began + 2 * SECONDS:
        lease.check()
        assert await redis.get(keys.lease(THREAD)) == claim.token
        await asyncio.sleep(0.02)
    keeping.cancel()


async def test_a_lease_that_another_took_is_lost_at_the_next_renewal(redis: Redis, inbox: Inbox, claim: Claim) -> None:
    await redis.set(keys.lease(THREAD), "another's")
    async with asyncio.timeout(5):
        with pytest.raises(LeaseLost):
            await Lease(inbox, claim, boot_time(), SECONDS, 0.1).keep()
    assert await redis.get(keys.lease(THREAD)) == "another's"


async def test_without_redis_a_lease_is_lost_once_it_is_over_and_not_before(absent: Inbox, claim: Claim) -> None:
    began = boot_time()
    lease = Lease(absent, claim, began, SECONDS, 0.1)
    async with asyncio.timeout(10):
        with pytest.raises(LeaseLost):
            await lease.keep()
    assert boot_time() >= began + SECONDS
    with pytest.raises(LeaseLost):
        lease.check()


async def test_a_process_that_stood_still_for_longer_than_the_lease_gives_it_up_without_asking_for_it(
    redis: Redis, inbox: Inbox, claim: Claim
) -> None:
    lease = Lease(inbox, claim, boot_time(), SECONDS, 0.1)
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0)
    # As long as a Redis that slept with this process may keep the lease.
    await redis.persist(keys.lease(THREAD))
    hold(SECONDS + 0.2)
    with pytest.raises(LeaseLost):
        lease.check()
    async with asyncio.timeout(5):
        with pytest.raises(LeaseLost):
            await keeping
    assert await redis.ttl(keys.lease(THREAD)) == -1

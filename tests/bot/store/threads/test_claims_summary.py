"""A summary in place of a thread's oldest turns."""

import pytest
from redis.asyncio import Redis as AsyncRedis

from bot.store import keys
from bot.store.threads import history, prompt_record
from bot.store.threads.claims import LeaseLost
from bot.store.threads.history import Entry
from bot.store.threads.inbox import Inbox
from bot.store.threads.prompt_record import Instructions, LastRequest
from tests.kit.mailbox import ANSWERED, THREAD, claimed, said

SUMMARY = Entry("summary", "They said hello.", "2.1")


async def remembered(redis: AsyncRedis, *entries: Entry) -> None:
    await redis.rpush(keys.history(THREAD), *(entry.to_json() for entry in entries))


@pytest.mark.parametrize("count", [2, 3, 4])
async def test_a_summary_stands_for_the_oldest_turns(redis: AsyncRedis, inbox: Inbox, count: int) -> None:
    entries = [Entry("user", str(n), f"{n}.1") for n in range(4)]
    await remembered(redis, *entries)
    await inbox.put(said("5.000001"))
    await inbox.compact(await claimed(inbox), count, SUMMARY, 30)
    assert await history.load(redis, THREAD) == [SUMMARY, *entries[count:]]
    assert await redis.ttl(keys.history(THREAD)) > 29 * 24 * 3600


async def test_a_summary_that_is_sent_twice_is_put_there_once(redis: AsyncRedis, inbox: Inbox) -> None:
    entries = [Entry("user", str(n), f"{n}.1") for n in range(4)]
    await remembered(redis, *entries)
    await inbox.put(said("5.000001"))
    claim = await claimed(inbox)
    for _ in range(2):
        await inbox.compact(claim, 2, SUMMARY, 30)
    assert await history.load(redis, THREAD) == [SUMMARY, *entries[2:]]


async def test_after_a_summary_nothing_is_due_from_the_cache(redis: AsyncRedis, inbox: Inbox) -> None:
    await remembered(redis, *ANSWERED)
    await prompt_record.load(redis, THREAD, Instructions("", ""), 30)
    await prompt_record.save_last_request(redis, THREAD, LastRequest("claude-a", 1.0, 5_000))
    await inbox.put(said("5.000001"))
    await inbox.compact(await claimed(inbox), 2, SUMMARY, 30)
    assert (await prompt_record.load(redis, THREAD, Instructions("", ""), 30)).last_request is None


async def test_who_lost_the_lease_sums_nothing_up(redis: AsyncRedis, inbox: Inbox) -> None:
    """Invariant 5."""
    await remembered(redis, *ANSWERED)
    await inbox.put(said("5.000001"))
    claim = await claimed(inbox)
    await redis.delete(keys.lease(THREAD))
    with pytest.raises(LeaseLost):
        await inbox.compact(claim, 2, SUMMARY, 30)
    await claimed(inbox)
    with pytest.raises(LeaseLost):
        await inbox.compact(claim, 2, SUMMARY, 30)
    assert await history.load(redis, THREAD) == ANSWERED

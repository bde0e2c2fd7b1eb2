"""Which threads Slack shows as worked on, and which of those are over."""

from redis.asyncio import Redis

from bot.slack import sessions
from bot.slack.rate_limits import PER_MINUTE
from bot.store import keys
from bot.talk.message import Thread

THREAD = Thread("T1", "C1", "1.1")


async def begun(redis: Redis, thread: Thread) -> bool:
    await redis.sadd(keys.TEAMS, thread.team)
    began = await sessions.begin(redis, thread)
    await sessions.began(redis, thread)
    return began


async def test_one_is_over_when_nothing_waits_in_its_thread_and_told_to_one_only(redis: Redis) -> None:
    await redis.zadd(keys.box(THREAD), {"1.1": 1.1})
    assert await begun(redis, THREAD)
    assert await sessions.over(redis, "T1") == []
    await redis.delete(keys.box(THREAD))
    [(thread, mark)] = await sessions.over(redis, "T1")
    assert thread == THREAD
    assert await sessions.over(redis, "T1") == []
    await sessions.ended(redis, thread, mark)
    assert not await redis.exists(keys.sessions("T1"))


async def test_one_that_slack_may_not_show_yet_is_not_over(redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, "T1")
    assert await sessions.begin(redis, THREAD)
    assert await sessions.over(redis, "T1") == []


async def test_there_are_only_as_many_as_can_end(redis: Redis) -> None:
    found = [await begun(redis, Thread("T1", "C1", f"{n}.1")) for n in range(60)]
    assert sum(found) == PER_MINUTE[sessions.METHOD] - 1

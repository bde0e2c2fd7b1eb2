import time

from redis.asyncio import Redis

from bot.store import connections, keys, load
from bot.store.load import Activity
from bot.store.threads.inbox import Inbox

TEAM = "T1"


async def test_what_is_over_does_not_count(redis: Redis) -> None:
    now = time.time() * 1000
    await redis.zadd(keys.active(TEAM), {"C1:1.0": 1, "C1:2.0": 2})
    await redis.zadd(keys.drafts(TEAM), {"over": now - 1_000, "open": now + 10_000})
    await redis.zadd(keys.CALLS, {"over": now - 1_000, "one": now + 10_000, "two": now + 10_000})
    assert await load.read(redis, TEAM) == Activity(threads=2, live_replies=1, claude_calls=2)
    assert await load.read(redis, "T2") == Activity(threads=0, live_replies=0, claude_calls=2)


async def test_the_oldest_job_of_the_queue_has_an_age(redis: Redis, redis_url: str) -> None:
    producer = connections.producer(redis_url)
    queue = connections.queue("parley", producer)
    inbox = Inbox(redis, queue, 8.0)
    assert (await inbox.load()).oldest == 0
    first = queue.enqueue("workers.reply.reply", "T1", "C1", "1.0")
    queue.enqueue("workers.reply.reply", "T1", "C1", "2.0")
    assert first.enqueued_at
    await redis.hset(first.key, "enqueued_at", "2026-01-01T00:00:00.000000Z")
    assert (await inbox.load()).oldest > 24 * 3600
    producer.close()

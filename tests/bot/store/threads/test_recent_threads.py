"""The threads in which somebody spoke to us."""

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import connections, keys
from bot.store.threads.erase import forget
from bot.store.threads.inbox import RECENT_THREADS, Inbox
from bot.store.threads.recent_threads import newest
from bot.talk.message import Message, Thread


async def test_the_newest_come_first_and_the_forgotten_not_at_all(redis: AsyncRedis, redis_url: str) -> None:
    inbox = Inbox(redis, connections.queue("test", Redis.from_url(redis_url)), 60.0)
    threads = [Thread("T1", f"C{n % 2}", f"{n}.1") for n in range(1, 15)]
    for thread in threads:
        await inbox.put(Message(thread, thread.ts, "U1", "hello"))
    await inbox.put(Message(Thread("T1", "C1", "99.1"), "99.1", "U2", "hello"))
    assert await newest(redis, "T1", "U1", 3) == threads[:-4:-1]
    assert len(await newest(redis, "T1", "U1", 50)) == RECENT_THREADS
    await forget(redis, "T1", "C1")
    assert {thread.channel for thread in await newest(redis, "T1", "U1", 50)} == {"C0"}
    assert await newest(redis, "T2", "U1", 3) == []
    assert await redis.ttl(keys.talks("T1", "U1")) > 0

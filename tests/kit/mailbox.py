"""A thread's mailbox: messages for it, claims of it, and what Redis has of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from bot.store import connections, keys
from bot.store.threads.claims import Claim
from bot.store.threads.history import Entry
from bot.store.threads.inbox import Inbox
from bot.store.threads.jobs import JOB
from bot.talk.message import Message, Thread
from tests.kit.sockets import refusing

THREAD = Thread("T1", "C1", "1.000001")
OTHER = Thread("T1", "C1", "2.000001")
ANSWERED = [Entry("user", "question", "1.1", "U1", "Ada"), Entry("assistant", "answer", "1.1")]


def said(ts: str, thread: Thread = THREAD, event_id: str | None = None) -> Message:
    return Message(thread, ts, "U1", f"text of {ts}", event_id or f"Ev{ts}", direct=True)


async def claimed(inbox: Inbox, thread: Thread = THREAD) -> Claim:
    claim = await inbox.claim(thread)
    assert claim is not None
    return claim


async def waits(redis: AsyncRedis, thread: Thread = THREAD) -> list[str]:
    return [str(ts) for ts in await redis.zrange(keys.box(thread), 0, -1)]


async def end_lease(redis: AsyncRedis, thread: Thread = THREAD) -> None:
    """Leave what a killed worker leaves once its lease is over."""
    await redis.delete(keys.lease(thread))
    await redis.zadd(keys.active(thread.team), {f"{thread.channel}:{thread.ts}": 0})


def woken(queue: Queue) -> list[list[str]]:
    """The threads of the wake-up jobs; the queue is empty afterwards."""
    jobs = [job for job in queue.get_jobs() if job.func_name == JOB]
    queue.empty()
    return [list(job.args) for job in jobs]


@asynccontextmanager
async def unreachable_inbox(lease_seconds: float) -> AsyncIterator[Inbox]:
    """An inbox whose Redis refuses connections."""
    with refusing() as port:
        url = f"redis://127.0.0.1:{port}"
        redis, producer = connections.shared(url), connections.producer(url)
        yield Inbox(redis, connections.queue("test", producer), lease_seconds)
        await redis.aclose()
        producer.close()

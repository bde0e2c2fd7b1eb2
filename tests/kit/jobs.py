"""Jobs for the worker's tests. They write what they do into lists in Redis, so that any process can read it."""

import asyncio
import os

from redis import Redis as SyncRedis
from redis.asyncio import Redis
from rq.job import Job

URL = "PARLEY_TEST_REDIS_URL"
CALLED = "called"


async def note(name: str, text: str) -> None:
    async with Redis.from_url(os.environ[URL]) as redis:
        await redis.rpush(name, text)


async def nap(name: str, seconds: float, together: int = 1) -> None:
    """Note that it begins, wait until so many have begun, sleep, and note that it ended or was cancelled."""
    await note(name, "begun")
    try:
        async with Redis.from_url(os.environ[URL], decode_responses=True) as redis:
            while (await redis.lrange(name, 0, -1)).count("begun") < together:
                await asyncio.sleep(0.02)
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await note(name, "cancelled")
        raise
    await note(name, "ended")


async def fail() -> None:
    raise ValueError("as told")


def plain(text: str) -> str:
    return text


def called(job: Job, connection: SyncRedis, *about: object) -> None:
    """A callback."""
    connection.rpush(CALLED, job.id)

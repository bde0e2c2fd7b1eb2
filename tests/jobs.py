"""Jobs for the worker's tests: they leave their traces in Redis lists, so that any process can read them."""

import asyncio
import os

from redis.asyncio import Redis

URL = "PARLEY_TEST_REDIS_URL"


async def note(name: str, text: str) -> None:
    async with Redis.from_url(os.environ[URL]) as redis:
        await redis.rpush(name, text)


async def nap(name: str, seconds: float) -> None:
    """Notes that it begins, sleeps, and notes that it ended or was cancelled."""
    await note(name, "begun")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        await note(name, "cancelled")
        raise
    await note(name, "ended")


async def fail() -> None:
    raise ValueError("as told")


def plain(text: str) -> str:
    return text

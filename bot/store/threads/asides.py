"""Asides: what people in our threads say to each other, from a mention of somebody else until they mention us.

Three ts are kept: of the newest message that mentions somebody else, of the newest that mentions us, and, if follow-ups
are off, of the newest that mentions nobody. So the next question is read with what was said since our last answer.
"""

from collections.abc import Awaitable
from typing import Literal, cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import Script
from bot.talk.message import Thread

# KEYS asides; ARGV whom, ts, seconds to keep
NOTE = Script(
    """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
""",
    keys=1,
)


async def note(redis: Redis, thread: Thread, whom: Literal["others", "us", "nobody"], ts: str) -> None:
    """Note whom the message `ts` mentions, `nobody` if it was not for us either. Raises redis.RedisError."""
    await NOTE.run(redis, [keys.asides(thread)], whom, ts, keys.asides.seconds)


async def is_one(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether the message `ts`, which mentions nobody, was said after somebody else was mentioned."""
    others, us = await cast("Awaitable[list[str | None]]", redis.hmget(keys.asides(thread), ["others", "us"]))
    return others is not None and float(us or 0) < float(others) < float(ts)


async def were_after(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether people said something to each other after the message `ts`."""
    stamps = await cast("Awaitable[list[str | None]]", redis.hmget(keys.asides(thread), ["others", "nobody"]))
    return any(float(stamp or 0) > float(ts) for stamp in stamps)

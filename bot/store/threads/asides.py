"""Threads of ours in which people turned to somebody else: what they say there is for each other until they mention us.

By its ts the newest message is kept that mentions somebody else, that mentions us, and, where follow-ups are off, that
mentions nobody: what was said after our last answer is read with the next question.
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
    """The message `ts` mentions them; one that mentions nobody was not for us either. Raises redis.RedisError."""
    await NOTE.run(redis, [keys.asides(thread)], whom, ts, keys.asides.seconds)


async def is_one(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether the message `ts`, which mentions nobody, was said after somebody else was mentioned."""
    others, us = await cast("Awaitable[list[str | None]]", redis.hmget(keys.asides(thread), ["others", "us"]))
    return others is not None and float(us or 0) < float(others) < float(ts)


async def were_after(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether people said something to each other after the message `ts`."""
    said = await cast("Awaitable[list[str | None]]", redis.hmget(keys.asides(thread), ["others", "nobody"]))
    return any(float(each or 0) > float(ts) for each in said)

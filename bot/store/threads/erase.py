"""Forgetting: all of a team that removes us, or all that was said in one channel."""

import re
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread

BATCH = 1_000
PASSES = 5


async def erase(redis: Redis, inbox: Inbox, team: str) -> int:
    """Delete everything of the team and its wake-ups; how many keys there were.

    Workers that answer it at this moment lose their leases, and with them the right to write (invariant 5).
    """
    await redis.srem(keys.TEAMS, team)
    deleted = 0
    for _ in range(PASSES):
        found = 0
        async for names in _found(redis, f"{team}:"):
            found += await redis.unlink(*names)
        deleted += found
        if not found:
            break
    await inbox.cancel(team)
    return deleted


async def forget(redis: Redis, team: str, channel: str) -> int:
    """Delete all conversations of a channel and what waits there; how many there were.

    Leases stay: an answer that is being written ends as it would, and nothing of it is kept.
    """
    conversations = set()
    async for names in _found(redis, f"{team}:{channel}:"):
        gone = [name for name in names if not name.endswith(":lease")]
        if gone:
            await redis.unlink(*gone)
        conversations |= {Thread(*name.split(":")[:3]) for name in gone}
    for thread in conversations:
        await redis.set(keys.forgotten(thread), 1, ex=keys.forgotten.seconds)
    return len(conversations)


async def _found(redis: Redis, prefix: str) -> AsyncIterator[list[str]]:
    """The keys that begin so, some at a time, some perhaps twice."""
    cursor, pattern = 0, re.sub(r"([*?\[\]\\^-])", r"\\\1", prefix) + "*"
    while True:
        cursor, names = await redis.scan(cursor, match=pattern, count=BATCH)
        if names:
            yield [str(name) for name in names]
        if not cursor:
            return

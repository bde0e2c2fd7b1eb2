"""Deletes what is kept: all of a team that removes Parley, or all conversations of a channel."""

import re
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread

BATCH = 1_000
PASSES = 5


async def erase(redis: Redis, inbox: Inbox, team: str) -> int:
    """Delete everything of the team, and its wake-ups; the number of keys.

    Workers that answer it at this moment lose their leases, and with them the right to write (invariant 5).
    """
    await redis.srem(keys.TEAMS, team)
    deleted = 0
    for _ in range(PASSES):
        before = deleted
        async for names in _names(redis, f"{team}:"):
            deleted += await redis.unlink(*names)
        if deleted == before:
            break
    await inbox.cancel(team)
    return deleted


async def forget(redis: Redis, team: str, channel: str) -> int:
    """Delete all conversations of a channel and what waits there; the number of conversations.

    Leases stay: an answer that is being written ends as it would, and nothing of it is kept.
    """
    conversations = set()
    async for names in _names(redis, f"{team}:{channel}:"):
        gone = [name for name in names if not name.endswith(":lease")]
        if gone:
            await redis.unlink(*gone)
        conversations |= {Thread(*name.split(":")[:3]) for name in gone}
    for thread in conversations:
        await redis.set(keys.forgotten(thread), 1, ex=keys.forgotten.seconds)
    return len(conversations)


async def _names(redis: Redis, prefix: str) -> AsyncIterator[list[str]]:
    """The names of all keys with this prefix, in batches. A name may come twice."""
    cursor = 0
    pattern = re.sub(r"([*?\[\]\\^-])", r"\\\1", prefix) + "*"
    while True:
        cursor, names = await redis.scan(cursor, match=pattern, count=BATCH)
        if names:
            yield [str(name) for name in names]
        if not cursor:
            return

"""Deletes what is kept: all of a team that removes Parley, all conversations of a channel, or somebody's own."""

import json
import re
from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

from redis import WatchError
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


async def count(redis: Redis, team: str, channel: str, asked_by: str | None = None) -> int:
    """How many conversations `forget` would delete."""
    threads = await _conversations(redis, team, channel)
    if asked_by is None:
        return len(threads)
    return sum([await _is_only_of(redis, thread, asked_by) for thread in threads])


async def forget(redis: Redis, team: str, channel: str, asked_by: str | None = None) -> int:
    """Delete all conversations of a channel and what waits there; the number of conversations.

    With `asked_by` only those are deleted in which nobody else asked, as far as is still known. Leases stay: an answer
    that is being written ends as it would, and nothing of it is kept.
    """
    deleted = 0
    for thread, names in (await _conversations(redis, team, channel)).items():
        deleted += await _forget(redis, thread, names, asked_by)
    return deleted


async def _conversations(redis: Redis, team: str, channel: str) -> dict[Thread, set[str]]:
    """The keys of each conversation of the channel, without leases."""
    found: dict[Thread, set[str]] = {}
    async for names in _names(redis, f"{team}:{channel}:"):
        for name in names:
            if not name.endswith(":lease"):
                found.setdefault(Thread(*name.split(":")[:3]), set()).add(name)
    return found


async def _forget(redis: Redis, thread: Thread, names: set[str], asked_by: str | None) -> bool:
    """Delete a conversation, unless it is not only theirs: a question that comes in meanwhile is not lost."""
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(keys.history(thread), keys.messages(thread))
                if asked_by is not None and not await _is_only_of(pipe, thread, asked_by):
                    return False
                pipe.multi()
                pipe.set(keys.forgotten(thread), 1, ex=keys.forgotten.seconds)
                pipe.unlink(*names)
                await pipe.execute()
                return True
            except WatchError:
                continue


async def _is_only_of(redis: Redis, thread: Thread, user: str) -> bool:
    """Whether nobody else asked in the conversation. False where that is not known, as in what was summed up."""
    lines = await cast("Awaitable[list[str]]", redis.lrange(keys.history(thread), 0, -1))
    messages = await cast("Awaitable[list[str]]", redis.hvals(keys.messages(thread)))
    try:
        return _askers(list(map(json.loads, lines)), list(map(json.loads, messages))) == {user}
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _askers(entries: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> set[str | None]:
    """Who asked what is answered or waits; with None if somebody did of whom that is not known any more."""
    questions = {entry["ts"]: entry.get("user") for entry in entries if entry["role"] == "user"}
    # An answer that was read from Slack is there without its question.
    askers = {questions.get(entry["ts"]) for entry in entries if entry["role"] == "assistant"}
    if any(entry["role"] == "summary" for entry in entries):
        askers.add(None)
    return askers | {message.get("user") for message in waiting}


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

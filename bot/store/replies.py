"""How far each reply is, so that whoever takes over goes on with the same Slack message."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import keys

KEEP_SECONDS = 7 * 24 * 3600

# KEYS messages reply; ARGV ts, seconds to keep, fields and values. Nothing is kept of a message that is no longer in
# the mailbox: it was deleted or forgotten, or the team has removed us.
SAVE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""


# KEYS messages reply; ARGV ts, seconds to keep
SEE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local new = redis.call('HSETNX', KEYS[2], 'seen', 1)
redis.call('EXPIRE', KEYS[2], ARGV[2])
return new
"""


@dataclass(frozen=True)
class Reply:
    """`parts` are the timestamps of its Slack messages; `shown` is how many characters people see of it.

    `final` is what Claude answered in the end, there from the moment it is known. `streamed` says that a native stream
    was begun, `file` is the id of the file with the rest of the text.
    """

    parts: tuple[str, ...] = ()
    shown: int = 0
    final: dict[str, Any] | None = None
    streamed: bool = False
    file: str | None = None


async def load(redis: "Redis", thread: Thread, ts: str) -> Reply:
    fields = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.reply(thread, ts)))
    return Reply(
        parts=tuple(json.loads(fields.get("parts", "[]"))),
        shown=int(fields.get("shown", 0)),
        final=json.loads(fields["final"]) if "final" in fields else None,
        streamed="streamed" in fields,
        file=fields.get("file"),
    )


async def save_shown(redis: "Redis", thread: Thread, ts: str, parts: tuple[str, ...], shown: int) -> None:
    await _save(redis, thread, ts, {"parts": json.dumps(parts), "shown": shown})


async def save_final(redis: "Redis", thread: Thread, ts: str, final: dict[str, Any]) -> None:
    await _save(redis, thread, ts, {"final": json.dumps(final, ensure_ascii=False)})


async def save_streamed(redis: "Redis", thread: Thread, ts: str) -> None:
    await _save(redis, thread, ts, {"streamed": 1})


async def save_file(redis: "Redis", thread: Thread, ts: str, file: str) -> None:
    await _save(redis, thread, ts, {"file": file})


async def mark_seen(redis: "Redis", thread: Thread, ts: str) -> bool:
    """Note that our eyes are on the question; False if they were before, or if it waits no more."""
    names = (keys.messages(thread), keys.reply(thread, ts))
    return bool(await cast("Awaitable[int]", redis.eval(SEE, len(names), *names, ts, KEEP_SECONDS)))


async def is_seen(redis: "Redis", thread: Thread, ts: str) -> bool:
    return bool(await redis.hexists(keys.reply(thread, ts), "seen"))


async def unmark_seen(redis: "Redis", thread: Thread, ts: str) -> bool:
    """False if they were not."""
    return bool(await redis.hdel(keys.reply(thread, ts), "seen"))


async def _save(redis: "Redis", thread: Thread, ts: str, fields: Mapping[str, str | int]) -> None:
    pairs = [each for pair in fields.items() for each in pair]
    names = (keys.messages(thread), keys.reply(thread, ts))
    await cast("Awaitable[int]", redis.eval(SAVE, len(names), *names, ts, KEEP_SECONDS, *pairs))

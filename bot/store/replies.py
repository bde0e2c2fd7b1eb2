"""How far each reply is, so that whoever takes over goes on with the same Slack message."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import keys

KEEP_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class Reply:
    """`parts` are the timestamps of its Slack messages; `shown` is how many characters people see of `text`.

    `final` is what Claude answered in the end, there from the moment it is known. `streamed` says that a native stream
    was begun, `file` is the id of the file with the rest of the text.
    """

    parts: tuple[str, ...] = ()
    shown: int = 0
    text: str = ""
    final: dict[str, Any] | None = None
    streamed: bool = False
    file: str | None = None


async def load(redis: "Redis", thread: Thread, ts: str) -> Reply:
    fields = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.reply(thread, ts)))
    return Reply(
        parts=tuple(json.loads(fields.get("parts", "[]"))),
        shown=int(fields.get("shown", 0)),
        text=fields.get("text", ""),
        final=json.loads(fields["final"]) if "final" in fields else None,
        streamed="streamed" in fields,
        file=fields.get("file"),
    )


async def save_shown(
    redis: "Redis", thread: Thread, ts: str, parts: tuple[str, ...], shown: int, text: str = ""
) -> None:
    await _save(redis, keys.reply(thread, ts), {"parts": json.dumps(parts), "shown": shown, "text": text})


async def save_final(redis: "Redis", thread: Thread, ts: str, final: dict[str, Any]) -> None:
    await _save(redis, keys.reply(thread, ts), {"final": json.dumps(final, ensure_ascii=False)})


async def save_streamed(redis: "Redis", thread: Thread, ts: str) -> None:
    await _save(redis, keys.reply(thread, ts), {"streamed": 1})


async def save_file(redis: "Redis", thread: Thread, ts: str, file: str) -> None:
    await _save(redis, keys.reply(thread, ts), {"file": file})


async def mark_seen(redis: "Redis", thread: Thread, ts: str) -> bool:
    """Note that our eyes are on the question; False if they were before."""
    async with redis.pipeline() as pipe:
        pipe.hsetnx(keys.reply(thread, ts), "seen", "1")
        pipe.expire(keys.reply(thread, ts), KEEP_SECONDS)
        return bool((await pipe.execute())[0])


async def unmark_seen(redis: "Redis", thread: Thread, ts: str) -> bool:
    """False if they were not."""
    return bool(await redis.hdel(keys.reply(thread, ts), "seen"))


async def _save(redis: "Redis", key: str, fields: Mapping[Any, Any]) -> None:
    async with redis.pipeline() as pipe:
        pipe.hset(key, mapping=fields)
        pipe.expire(key, KEEP_SECONDS)
        await pipe.execute()

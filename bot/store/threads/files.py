"""What Claude is sent of the files of a thread, kept so that later turns send the same bytes (invariant 11).

The file may be deleted from Slack long before. What was forgotten here, or has expired, never comes back: every later
prompt has the same note in its place.
"""

import json
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import Script
from bot.talk.message import Thread

ContentBlock = dict[str, Any]
FileKind = Literal["image", "document", "text", "link"]

# KEYS messages files; ARGV id, value, seconds to keep. No question is open in a thread that was forgotten meanwhile.
KEEP = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local new = redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return new
""",
    keys=2,
)


@dataclass(frozen=True)
class Attachment:
    """A file of a turn. `tokens` is an estimate, `size` counts the characters that it has in a request."""

    id: str
    name: str
    kind: FileKind
    media_type: str
    tokens: int
    size: int


async def keep(
    redis: Redis, thread: Thread, attachment: Attachment, blocks: Sequence[ContentBlock], days: int
) -> Attachment:
    """Keep the file's content blocks unless some are kept already; what is kept now."""
    names = [keys.messages(thread), keys.files(thread)]
    value = json.dumps({"file": asdict(attachment), "blocks": blocks})
    if await KEEP.run(redis, names, attachment.id, value, days * keys.DAY):
        return attachment
    kept = await find(redis, thread, [attachment.id])
    return kept.get(attachment.id, attachment)


async def find(redis: Redis, thread: Thread, ids: Sequence[str]) -> dict[str, Attachment]:
    """Those of the files that are kept."""
    kept = await _load(redis, thread, ids)
    return {id: Attachment(**stored["file"]) for id, stored in kept.items()}


async def blocks(redis: Redis, thread: Thread, ids: Sequence[str]) -> dict[str, list[ContentBlock]]:
    """The content blocks of those files that are kept."""
    kept = await _load(redis, thread, ids)
    return {id: stored["blocks"] for id, stored in kept.items()}


async def forget_others(redis: Redis, thread: Thread, ids: Collection[str]) -> None:
    """Keep these files of the thread and no others."""
    kept = await cast("Awaitable[list[str]]", redis.hkeys(keys.files(thread)))
    others = [id for id in kept if id not in ids]
    if others:
        await redis.hdel(keys.files(thread), *others)


async def forget(redis: Redis, thread: Thread, ids: Sequence[str]) -> int:
    """Forget these files; the number of those that were kept until now."""
    return await redis.hdel(keys.files(thread), *ids) if ids else 0


async def _load(redis: Redis, thread: Thread, ids: Sequence[str]) -> dict[str, Any]:
    if not ids:
        return {}
    values = await cast("Awaitable[list[str | None]]", redis.hmget(keys.files(thread), list(ids)))
    return {id: json.loads(value) for id, value in zip(ids, values, strict=True) if value}

"""What Claude is sent of the files of a thread, kept so that later turns send the same bytes (invariant 11).

The file may be deleted from Slack long before. What was forgotten here, or has expired, never comes back: every later
prompt has the same note in its place.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import Script
from bot.talk.message import Thread

ContentBlock = dict[str, Any]
FileKind = Literal["image", "document", "text", "link"]

# What stands between a file and its blocks in what is kept of it. In no name of a file: there a quote has a backslash.
BLOCKS = ', "blocks": '

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

# KEYS files; ARGV what stands before the blocks, ids. The files without their blocks, which may have 28 MB.
FIND = Script(
    """
local found = {}
for n = 2, #ARGV do
    local value = redis.call('HGET', KEYS[1], ARGV[n])
    local at = value and string.find(value, ARGV[1], 1, true)
    found[n - 1] = at and string.sub(value, 1, at - 1) .. '}' or ''
end
return found
"""
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
    if await KEEP.run(redis, names, attachment.id, _stored(attachment, blocks), days * keys.DAY):
        return attachment
    kept = await find(redis, thread, [attachment.id])
    return kept.get(attachment.id, attachment)


async def find(redis: Redis, thread: Thread, ids: Sequence[str]) -> dict[str, Attachment]:
    """Those of the files that are kept."""
    if not ids:
        return {}
    kept = await FIND.run(redis, [keys.files(thread)], BLOCKS, *ids)
    return {id: Attachment(**json.loads(value)["file"]) for id, value in zip(ids, kept, strict=True) if value}


async def blocks(redis: Redis, thread: Thread, ids: Sequence[str]) -> dict[str, list[ContentBlock]]:
    """The content blocks of those files that are kept."""
    if not ids:
        return {}
    values = await cast("Awaitable[list[str | None]]", redis.hmget(keys.files(thread), list(ids)))
    found: dict[str, list[ContentBlock]] = {}
    for id, value in zip(ids, values, strict=True):
        # What reads many megabytes lets others have their turn between two files.
        await asyncio.sleep(0)
        if value:
            found[id] = json.loads(value)["blocks"]
    return found


async def forget_others(redis: Redis, thread: Thread, ids: Collection[str]) -> None:
    """Keep these files of the thread and no others."""
    kept = await cast("Awaitable[list[str]]", redis.hkeys(keys.files(thread)))
    others = [id for id in kept if id not in ids]
    if others:
        await redis.hdel(keys.files(thread), *others)


async def forget(redis: Redis, thread: Thread, ids: Sequence[str]) -> int:
    """Forget these files; the number of those that were kept until now."""
    return await redis.hdel(keys.files(thread), *ids) if ids else 0


def _stored(attachment: Attachment, blocks: Sequence[ContentBlock]) -> str:
    """The file and its blocks as JSON.

    The base64 in it is JSON as it stands; json.dumps would look at each of its characters, for 28 MB as long as 50 ms.
    """
    put_in: dict[str, str] = {}
    light: list[ContentBlock] = []
    for block in blocks:
        source = block.get("source") or {}
        if source.get("type") == "base64":
            name = secrets.token_hex(16)
            put_in[name] = source["data"]
            block = {**block, "source": {**source, "data": name}}
        light.append(block)
    stored = json.dumps({"file": asdict(attachment)})[:-1] + BLOCKS + json.dumps(light) + "}"
    for name, data in put_in.items():
        stored = stored.replace(name, data, 1)
    return stored

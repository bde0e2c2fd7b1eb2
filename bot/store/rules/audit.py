"""How admins change settings. Each setting is a field of a hash; each change is recorded for 400 days."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import NOW_SECONDS, Script

# KEYS hash audit; ARGV field, value, whether it is set, who, what, how long the record is kept in seconds, and as JSON
# a list of what may be set before, empty for whatever it is
CHANGE = Script(
    NOW_SECONDS
    + """
local before = redis.call('HGET', KEYS[1], ARGV[1])
local is_set = ARGV[3] == '1'
local wanted = cjson.decode(ARGV[7])[1]
if wanted ~= nil and wanted ~= (before or cjson.null) then return {0, before} end
if (is_set and before == ARGV[2]) or (not is_set and not before) then return {0, before} end
if is_set then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) else redis.call('HDEL', KEYS[1], ARGV[1]) end
local entry = {'by', ARGV[4], 'what', ARGV[5]}
if before then table.insert(entry, 'before') table.insert(entry, before) end
if is_set then table.insert(entry, 'after') table.insert(entry, ARGV[2]) end
local oldest = (now - ARGV[6]) * 1000
redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', oldest), '*', unpack(entry))
redis.call('EXPIRE', KEYS[2], ARGV[6])
return {1, before}
""",
    keys=2,
)

# KEYS audit; ARGV how long the record is kept in seconds, then the fields of the entry
NOTE = Script(
    NOW_SECONDS
    + """
local oldest = string.format('%.0f', (now - ARGV[1]) * 1000)
redis.call('XADD', KEYS[1], 'MINID', '~', oldest, '*', unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
""",
    keys=1,
)


@dataclass(frozen=True)
class SettingChange:
    """What an admin wants: the field of the hash `key` set to `value`, None to remove it.

    `what` names the setting and where it holds, such as `budget channel:C1 month`. With `only_after` nothing changes
    unless that is the current value, None for no value.
    """

    team: str
    by: str
    what: str
    key: str
    field: str
    value: str | None
    only_after: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class AuditEntry:
    """A change that was made; None stands for no value."""

    when: datetime
    by: str
    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Changed:
    """`is_new` says whether the change made a difference; `before` is the earlier value, None for no value."""

    is_new: bool
    before: str | None


async def change(redis: Redis, wanted: SettingChange) -> Changed:
    """Make the change and record it, both or neither. Raises redis.RedisError."""
    is_new, before = await CHANGE.run(
        redis,
        [wanted.key, keys.audit(wanted.team)],
        wanted.field,
        wanted.value or "",
        int(wanted.value is not None),
        wanted.by,
        wanted.what,
        keys.audit.seconds,
        json.dumps(wanted.only_after),
    )
    return Changed(bool(is_new), before)


async def note(redis: Redis, team: str, by: str, what: str, before: str) -> None:
    """Record a change that is no setting: `before` is gone from now on. Raises redis.RedisError."""
    await NOTE.run(redis, [keys.audit(team)], keys.audit.seconds, "by", by, "what", what, "before", before)


async def changes(redis: Redis, team: str, start: int, most: int) -> list[AuditEntry]:
    """The newest first, beginning with the one that has `start` newer ones."""
    stored = cast("list[tuple[str, dict[str, str]]]", await redis.xrevrange(keys.audit(team), count=start + most))
    return [
        AuditEntry(
            datetime.fromtimestamp(int(id.partition("-")[0]) / 1000, UTC),
            entry["by"],
            entry["what"],
            entry.get("before"),
            entry.get("after"),
        )
        for id, entry in stored[start:]
    ]


async def count(redis: Redis, team: str) -> int:
    return int(await redis.xlen(keys.audit(team)))

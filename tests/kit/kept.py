"""What is in Redis, held against the table of its keys."""

import re

from redis.asyncio import Redis

from bot.store import keys
from bot.store.keys import Key

ROWS: dict[str, Key[...]] = {name: row for name, row in vars(keys).items() if isinstance(row, Key)}
SHAPES = {
    "team": r"[TE]\w+",
    "channel": r"[CDG]\w+",
    "ts": r"\d+\.\d+",
    "question": r"\d+\.\d+",
    "answer": r"\d+\.\d+",
    "user": r"[UW]\w+",
    "day": r"\d{4}-\d\d-\d\d",
    "monday": r"\d{4}-\d\d-\d\d",
    "period": r"\d{4}-\d\d(-\d\d)?",
    "scope": r".+",
    "event": r"Ev\w+|view:.+",
}


def shown(row: Key[...]) -> str:
    """Its pattern as people read it."""
    return re.sub(r"\{thread\.(\w+)\}", r"{\1}", row.pattern).replace("{thread}", "{team}:{channel}:{ts}")


def row_of(key: str) -> Key[...]:
    [row] = [row for row in ROWS.values() if _expression(row).fullmatch(key)]
    return row


async def broken(redis: Redis, days: dict[str, int]) -> list[str]:
    """The keys of Parley that are not as the table says; `days` are the settings that it names."""
    found = []
    for key in [str(key) async for key in redis.scan_iter() if not str(key).startswith("rq:")]:
        row = row_of(key)
        kind, ttl = await redis.type(key), await redis.ttl(key)
        if kind == "none":
            continue
        setting = str(row.kept).partition(" ")[0]
        if isinstance(row.kept, int):
            is_right = 0 <= ttl <= row.kept
        elif setting in days:
            is_right = 0 <= ttl <= days[setting] * keys.DAY
        elif row.kept in (keys.ALWAYS, keys.NEEDED):
            is_right = ttl == -1
        else:
            is_right = ttl >= 0
        if not is_right or kind != ("zset" if row.type == "sorted set" else row.type):
            found.append(f"{key} is a {kind!s} for {ttl} s, not a {row.type} for {row.kept}")
    return found


def _expression(row: Key[...]) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", shown(row))
    shapes = [SHAPES.get(part, "[^:]+") if n % 2 else re.escape(part) for n, part in enumerate(parts)]
    return re.compile("".join(f"({shape})" for shape in shapes))

"""Who used how much: counted by day, by hour, person, channel and model (invariant 12), and read back.

Days are UTC. Each cell is a field of a hash; beside them a sorted set of each day holds what each person, channel and
model cost, and one of each week, so that Redis itself adds up who cost most and only their cells are read.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, cast

from redis.asyncio import Redis

from bot.store import keys
from bot.store.counts.cells import Counts, bucket
from bot.store.lua import Script

UsageKind = Literal["user", "channel", "model"]
Outcome = Literal["answer", "refusal", "error", "stop"]

KINDS: tuple[UsageKind, ...] = ("user", "channel", "model")
KEEP_DAYS = 400
# All direct messages count as one channel: each person is counted anyway.
DIRECT = "direct"

_OUTCOMES: Mapping[Outcome, str] = {"answer": "answers", "refusal": "refusals", "error": "errors", "stop": "stops"}

# KEYS for each cell its hash, and the sorted sets of its day and week; ARGV seconds to keep, whether the expiry is set
# anew, then for each cell its field, what is added to it as `name:number` pairs, and what is added to its cost (empty:
# nothing). Lua computes exactly up to 2^53, which is nine billion dollars.
ADD = Script(
    """
local function keep(key)
    if ARGV[2] == '1' or redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, ARGV[1]) end
end
for n = 0, #KEYS / 3 - 1 do
    local cells, day, week = KEYS[3 * n + 1], KEYS[3 * n + 2], KEYS[3 * n + 3]
    local field, added, cost = ARGV[3 * n + 3], ARGV[3 * n + 4], ARGV[3 * n + 5]
    local sums, order = {}, {}
    local function add(pairs)
        for name, number in string.gmatch(pairs, '(%w+):(-?%d+)') do
            if not sums[name] then order[#order + 1] = name end
            sums[name] = (sums[name] or 0) + number
        end
    end
    add(redis.call('HGET', cells, field) or '')
    add(added)
    local cell = {}
    for _, name in ipairs(order) do
        if sums[name] ~= 0 then cell[#cell + 1] = name .. ':' .. string.format('%.0f', sums[name]) end
    end
    redis.call('HSET', cells, field, table.concat(cell, ' '))
    keep(cells)
    if cost ~= '' then
        redis.call('ZINCRBY', day, cost, field)
        redis.call('ZINCRBY', week, cost, field)
        keep(day)
        keep(week)
    end
end
""",
    keys=None,
)


@dataclass(frozen=True)
class BilledPiece:
    """One billed piece of a call, in tokens. `cost` and `saved` are micro-dollars, None where prices are unknown."""

    model: str
    input: int = 0
    output: int = 0
    write_5m: int = 0
    write_1h: int = 0
    read: int = 0
    searches: int = 0
    cost: int | None = 0
    saved: int | None = 0
    estimated: bool = False


@dataclass(frozen=True)
class Counted:
    """One question and what became of it, `at` seconds since the epoch.

    `outcome` is None for an attempt that will be repeated: only what it billed counts. `first_text` and `total` are
    seconds, None if no text came; they count for answers only.
    """

    team: str
    channel: str
    user: str
    at: float
    model: str
    outcome: Outcome | None
    pieces: tuple[BilledPiece, ...] = ()
    first_text: float | None = None
    total: float | None = None
    unread: bool = False
    keep_days: int = KEEP_DAYS


@dataclass(frozen=True)
class DayCounts:
    """What is added to the counts of a day: `cells` are kind, name and numbers.

    They are kept for `keep_days` from now on; without `renews` only if nothing was counted there before.
    """

    team: str
    day: date
    cells: Sequence[tuple[str, str, Counts]]
    keep_days: int = KEEP_DAYS
    renews: bool = True


@dataclass(frozen=True)
class Top:
    """The rows that cost most, the highest cost first, and the `number` of all rows."""

    rows: Sequence[tuple[str, Counts]]
    number: int


def count(pipe: Any, counted: Counted) -> None:
    """Add it to a pipeline of any kind. It must be the transaction that ends the attempt, which happens once."""
    hour = datetime.fromtimestamp(counted.at, UTC)
    whole = sum_of(counted.pieces)
    _add_outcome(whole, counted)
    by_model = {model: sum_of(p for p in counted.pieces if p.model == model) for model in _models(counted)}
    if counted.model in by_model:
        _add_outcome(by_model[counted.model], counted)
    cells = [
        ("hour", f"{hour:%H}", whole),
        ("user", counted.user, whole),
        ("channel", channel_name(counted.channel), whole),
    ]
    cells += [("model", model, counts) for model, counts in by_model.items()]
    add(pipe, DayCounts(counted.team, hour.date(), cells, counted.keep_days))


def add(pipe: Any, added: DayCounts) -> None:
    """Add it in a pipeline, synchronous or not. Somebody who only voted used nothing: no cost is added."""
    team, day = added.team, added.day
    monday = day - timedelta(days=day.weekday())
    names: list[str] = []
    arguments: list[str | int] = [added.keep_days * keys.DAY, int(added.renews)]
    for kind, name, counts in added.cells:
        names += [keys.usage(team, day, kind), keys.usage_costs(team, day, kind), keys.usage_week(team, monday, kind)]
        is_ranked = kind != "hour" and (counts.requests or counts.tokens)
        arguments += [name, counts.to_cell(), counts.cost if is_ranked else ""]
    ADD.send(pipe, names, *arguments)


def channel_name(channel: str) -> str:
    """Under which name a channel is counted."""
    return DIRECT if channel.startswith("D") else channel


def sum_of(pieces: Iterable[BilledPiece]) -> Counts:
    counts = Counts()
    for piece in pieces:
        for name in ("input", "output", "write_5m", "write_1h", "read", "searches"):
            setattr(counts, name, getattr(counts, name) + getattr(piece, name))
        counts.cost += piece.cost or 0
        counts.saved += piece.saved or 0
        if piece.estimated:
            counts.estimated += piece.cost or 0
        if piece.cost is None:
            counts.unpriced += 1
    return counts


async def by_hour(redis: Redis, team: str, days: Sequence[date]) -> dict[date, dict[int, Counts]]:
    """What the whole workspace used; every day is there."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hgetall(keys.usage(team, day, "hour"))
    by_day = {}
    for day, cells in zip(days, await pipe.execute(), strict=True):
        by_day[day] = {int(hour): Counts.from_cell(cell) for hour, cell in cells.items()}
    return by_day


async def of_one(redis: Redis, team: str, kind: UsageKind, name: str, days: Sequence[date]) -> dict[date, Counts]:
    """What one person, channel or model used; every day is there."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hget(keys.usage(team, day, kind), name)
    cells = await pipe.execute()
    return {day: Counts.from_cell(cell or "") for day, cell in zip(days, cells, strict=True)}


async def top(redis: Redis, team: str, kind: UsageKind, days: Sequence[date], most: int) -> Top:
    """The `most` that cost most on these days, which are consecutive. Raises redis.RedisError."""
    sums = f"{keys.usage_costs(team, days[0], kind)}:{secrets.token_hex(8)}"
    async with redis.pipeline(transaction=True) as pipe:
        pipe.zunionstore(sums, [key(team, day, kind) for day, key in _covered(days)])
        pipe.zrevrange(sums, 0, most - 1)
        pipe.zcard(sums)
        pipe.delete(sums)
        _, names, number, _ = await pipe.execute()
    if not names:
        return Top([], 0)
    rows = {name: Counts() for name in names}
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hmget(keys.usage(team, day, kind), names)
    for cells in await pipe.execute():
        for name, cell in zip(names, cells, strict=True):
            rows[name].add(Counts.from_cell(cell or ""))
    return Top(sorted(rows.items(), key=lambda row: (-row[1].cost, -row[1].requests, row[0])), number)


async def all_of(redis: Redis, team: str, kind: UsageKind, day: date) -> dict[str, Counts]:
    """Everybody who used something on that day."""
    cells = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.usage(team, day, kind)))
    return {name: Counts.from_cell(cell) for name, cell in sorted(cells.items())}


async def models(redis: Redis, team: str, days: Sequence[date]) -> set[str]:
    """The models that were asked."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hkeys(keys.usage(team, day, "model"))
    return {str(name) for names in await pipe.execute() for name in names}


def _covered(days: Sequence[date]) -> Iterator[tuple[date, Callable[[str, date, str], str]]]:
    """The sorted sets that cover the days: of whole weeks as far as possible, else of single days.

    For a month this is a third of the sets.
    """
    rest = list(days)
    while rest:
        if rest[0].weekday() == 0 and len(rest) >= 7:
            yield rest[0], keys.usage_week
            rest = rest[7:]
        else:
            yield rest[0], keys.usage_costs
            rest = rest[1:]


def _models(counted: Counted) -> list[str]:
    """The models of the pieces; first the one that was to answer, where the question itself is counted."""
    models = [piece.model for piece in counted.pieces]
    if counted.outcome:
        models.insert(0, counted.model)
    return list(dict.fromkeys(models))


def _add_outcome(counts: Counts, counted: Counted) -> None:
    counts.unread += counted.unread
    if counted.outcome is None:
        return
    name = _OUTCOMES[counted.outcome]
    counts.requests += 1
    setattr(counts, name, getattr(counts, name) + 1)
    if counted.outcome != "answer":
        return
    if counted.first_text is not None:
        counts.first = {bucket(counted.first_text): 1}
    if counted.total is not None:
        counts.total = {bucket(counted.total): 1}

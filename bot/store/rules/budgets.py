"""What may be spent: caps in micro-dollars for a day and a month (UTC) of a workspace, a channel, and a person.

A call holds back its estimate before it begins and gives its cost when it is over; all processes share both. Calls are
begun while what was spent and what is held are below each cap, so a cap is overrun by no more than what is in flight.
What a dead worker held becomes free when its time is over. A call counts in the day and month in which it began.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import uuid4

from redis.asyncio import Redis
from redis.client import Pipeline

from bot.store import keys
from bot.store.lua import NOW_MS, Script

BudgetPeriod = Literal["day", "month"]
BUDGET_PERIODS: tuple[BudgetPeriod, ...] = ("day", "month")

WORKSPACE = "workspace"
# Each person who has no cap of their own.
EACH = "each"

WARN_AT = (95, 75)

# KEYS caps holds holds_until; ARGV prefix of spent, day, month, channel, user
PRELUDE = f"""
local prefix, periods = ARGV[1], {{day = ARGV[2], month = ARGV[3]}}
local channel, user = 'channel:' .. ARGV[4], 'user:' .. ARGV[5]
local function add(day, month, scopes, held, amount)
    for period, seconds in pairs({{[day] = {keys.OF_A_DAY}, [month] = {keys.spent.seconds}}}) do
        for _, scope in ipairs(scopes) do redis.call('HINCRBY', prefix .. period, held .. scope, amount) end
        redis.call('EXPIRE', prefix .. period, seconds)
    end
end
local function let_go(name)
    local stored = redis.call('HGET', KEYS[2], name)
    if not stored then return end
    local hold = cjson.decode(stored)
    add(hold[1], hold[2], {{'{WORKSPACE}', hold[3], hold[4]}}, 'held ', 0 - hold[5])
    redis.call('HDEL', KEYS[2], name)
    redis.call('ZREM', KEYS[3], name)
end
local function caps()
    local found = {{}}
    for _, period in ipairs({{'month', 'day'}}) do
        for _, scope in ipairs({{'{WORKSPACE}', channel, user}}) do
            local name = scope
            local cap = redis.call('HGET', KEYS[1], name .. ' ' .. period)
            if not cap and scope == user then
                name = '{EACH}'
                cap = redis.call('HGET', KEYS[1], name .. ' ' .. period)
            end
            if cap then table.insert(found, {{name, period, cap, scope}}) end
        end
    end
    return found
end
"""

# KEYS further: teams; ARGV further: name, amount, ms, team. Of a team that has removed us nothing is kept.
RESERVE = Script(
    PRELUDE
    + NOW_MS
    + f"""
if redis.call('SISMEMBER', KEYS[4], ARGV[9]) == 0 then return false end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do let_go(name) end
let_go(ARGV[6])
for _, each in ipairs(caps()) do
    local spent, held = unpack(redis.call('HMGET', prefix .. periods[each[2]], each[4], 'held ' .. each[4]))
    spent, held = tonumber(spent or 0), tonumber(held or 0)
    if spent + held >= tonumber(each[3]) then return {{each[1], each[2], each[3], spent}} end
end
add(periods.day, periods.month, {{'{WORKSPACE}', channel, user}}, 'held ', ARGV[7])
redis.call('HSET', KEYS[2], ARGV[6], cjson.encode({{periods.day, periods.month, channel, user, ARGV[7]}}))
redis.call('ZADD', KEYS[3], now + ARGV[8], ARGV[6])
redis.call('EXPIRE', KEYS[2], {keys.holds.seconds})
redis.call('EXPIRE', KEYS[3], {keys.holds_until.seconds})
return false
""",
    keys=4,
)

# KEYS further: warned (day), warned (month), warnings; ARGV further: name, cost, shares in percent, the highest first
SETTLE = Script(
    PRELUDE
    + f"""
let_go(ARGV[6])
if ARGV[7] == '0' then return end
add(periods.day, periods.month, {{'{WORKSPACE}', channel, user}}, '', ARGV[7])
local marks = {{day = {{KEYS[4], {keys.OF_A_DAY}}}, month = {{KEYS[5], {keys.warned.seconds}}}}}
for _, each in ipairs(caps()) do
    local period, told = periods[each[2]], false
    local spent = redis.call('HGET', prefix .. period, each[4])
    local mark, seconds = unpack(marks[each[2]])
    for level = 8, #ARGV do
        if spent * 100 >= each[3] * ARGV[level] then
            local is_new = redis.call('HSETNX', mark, each[4] .. ' ' .. each[3] .. ' ' .. ARGV[level], 1) == 1
            if is_new and not told then
                local found = {{each[1], each[2], each[3], each[4], spent, ARGV[level], period}}
                redis.call('RPUSH', KEYS[6], cjson.encode(found))
                redis.call('EXPIRE', KEYS[6], {keys.warnings.seconds})
            end
            redis.call('EXPIRE', mark, seconds)
            told = true
        end
    end
end
""",
    keys=6,
)


@dataclass(frozen=True)
class Cap:
    """`scope` is `workspace`, `each` (person), `channel:C…` or `user:U…`; `amount` is in micro-dollars."""

    scope: str
    period: BudgetPeriod
    amount: int


@dataclass(frozen=True)
class Reservation:
    """A call that may be made: what it may cost is held back until it is settled."""

    name: str
    team: str
    channel: str
    user: str
    day: str
    month: str


@dataclass(frozen=True)
class Settled:
    """A call that is over, and its cost in micro-dollars."""

    reservation: Reservation
    cost: int


@dataclass(frozen=True)
class Refused:
    """The cap that is reached. `in_flight`: by calls that are under way, so it may be free again in a moment."""

    cap: Cap
    spent: int
    resets: datetime
    in_flight: bool


@dataclass(frozen=True)
class Warned:
    """`level` percent of a cap are spent by `whose`: the cap's scope, or the person where it holds for each."""

    cap: Cap
    whose: str
    spent: int
    level: int
    period: str


@dataclass(frozen=True)
class Spent:
    """A cap, and what was spent of it by now; None where it holds for each person."""

    cap: Cap
    spent: int | None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Caps:
    """A reservation that is not settled within `hold_seconds` is free again."""

    def __init__(self, redis: Redis, hold_seconds: float, clock: Callable[[], datetime] = utc_now) -> None:
        self._redis, self._hold_ms, self._clock = redis, int(hold_seconds * 1000), clock

    async def reserve(
        self, team: str, channel: str, user: str, estimate: int, name: str | None = None
    ) -> Reservation | Refused:
        """Hold back the estimate, in place of what is held under this `name`, if no cap is reached."""
        now = self._clock()
        given = Reservation(name or uuid4().hex, team, channel, user, _name(now, "day"), _name(now, "month"))
        names = [keys.caps(team), keys.holds(team), keys.holds_until(team), keys.TEAMS]
        about: tuple[Any, ...] = (*_about(given), given.name, max(0, estimate), self._hold_ms, team)
        reached = await RESERVE.run(self._redis, names, *about)
        if reached is None:
            return given
        scope, period, amount, spent = reached
        cap = Cap(str(scope), period, int(amount))
        return Refused(cap, int(spent), resets(now, cap.period), in_flight=int(spent) < cap.amount)

    async def spending(self, team: str) -> list[Spent]:
        """Every cap, and how far it is spent, by scope."""
        stored = await cast("Awaitable[dict[str, str]]", self._redis.hgetall(keys.caps(team)))
        now, found = self._clock(), []
        for field, amount in sorted(stored.items()):
            scope, _, period = field.partition(" ")
            cap = Cap(scope, cast("BudgetPeriod", period), int(amount))
            spent = None if scope == EACH else await self.spent(team, scope, _name(now, cap.period))
            found.append(Spent(cap, spent))
        return found

    async def spent(self, team: str, scope: str, period: str) -> int:
        """Micro-dollars that were spent in the `period`, `2026-11-21` or `2026-11`."""
        found = await cast("Awaitable[str | None]", self._redis.hget(keys.spent(team, period), scope))
        return int(found or 0)


def settle(pipe: "Pipeline", settled: Settled) -> None:
    """Say in a transaction that the call is over, whether it cost more or less than was held."""
    call, team = settled.reservation, settled.reservation.team
    names = [keys.caps(team), keys.holds(team), keys.holds_until(team)]
    names += [keys.warned(team, call.day), keys.warned(team, call.month), keys.warnings(team)]
    SETTLE.send(pipe, names, *_about(call), call.name, max(0, settled.cost), *WARN_AT)


async def warnings(redis: Redis, team: str, most: int = 50) -> list[Warned]:
    """What admins are still to be warned of, oldest first; it stays until it is `warned`."""
    stored = await cast("Awaitable[list[str]]", redis.lrange(keys.warnings(team), 0, most - 1))
    found = []
    for line in stored:
        scope, period, amount, whose, spent, level, when = json.loads(line)
        found.append(Warned(Cap(scope, period, int(amount)), whose, int(spent), int(level), when))
    return found


async def warned(redis: Redis, team: str, count: int) -> None:
    """The first `count` of the warnings were told."""
    await cast("Awaitable[Any]", redis.ltrim(keys.warnings(team), count, -1))


def resets(now: datetime, period: BudgetPeriod) -> datetime:
    """When the day or month is over, UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def cap_field(scope: str, period: BudgetPeriod) -> str:
    """Where a cap stands in `keys.caps`."""
    return f"{scope} {period}"


def _name(now: datetime, period: BudgetPeriod) -> str:
    return now.strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def _about(call: Reservation) -> tuple[str, ...]:
    return (keys.spent(call.team, ""), call.day, call.month, call.channel, call.user)

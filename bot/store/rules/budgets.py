"""What may be spent: budgets in micro-dollars for a day and a month (UTC) of a workspace, a channel, and a person.

A call holds back its estimate before it begins and gives its cost when it is over; all processes share both. Calls are
begun while what was spent and what is held are below each budget, so it is overrun by what is in flight at the most.
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
# Each person who has no budget of their own.
EACH = "each"

WARN_AT = (95, 75)

# KEYS budgets holds holds_until; ARGV prefix of spent, day, month, channel, user
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
local function budgets()
    local entries = {{}}
    for _, period in ipairs({{'month', 'day'}}) do
        for _, scope in ipairs({{'{WORKSPACE}', channel, user}}) do
            local name = scope
            local budget = redis.call('HGET', KEYS[1], name .. ' ' .. period)
            if not budget and scope == user then
                name = '{EACH}'
                budget = redis.call('HGET', KEYS[1], name .. ' ' .. period)
            end
            if budget then table.insert(entries, {{name, period, budget, scope}}) end
        end
    end
    return entries
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
for _, entry in ipairs(budgets()) do
    local spent, held = unpack(redis.call('HMGET', prefix .. periods[entry[2]], entry[4], 'held ' .. entry[4]))
    spent, held = tonumber(spent or 0), tonumber(held or 0)
    if spent + held >= tonumber(entry[3]) then return {{entry[1], entry[2], entry[3], spent}} end
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
for _, entry in ipairs(budgets()) do
    local period, told = periods[entry[2]], false
    local spent = redis.call('HGET', prefix .. period, entry[4])
    local mark, seconds = unpack(marks[entry[2]])
    for level = 8, #ARGV do
        if spent * 100 >= entry[3] * ARGV[level] then
            local is_new = redis.call('HSETNX', mark, entry[4] .. ' ' .. entry[3] .. ' ' .. ARGV[level], 1) == 1
            if is_new and not told then
                local warning = {{entry[1], entry[2], entry[3], entry[4], spent, ARGV[level], period}}
                redis.call('RPUSH', KEYS[6], cjson.encode(warning))
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
class Budget:
    """`scope` is `workspace`, `each` (person), `channel:C…` or `user:U…`; `amount` is in micro-dollars."""

    scope: str
    period: BudgetPeriod
    amount: int


@dataclass(frozen=True)
class Hold:
    """Money held for a call that may be made, until the call is settled."""

    name: str
    team: str
    channel: str
    user: str
    day: str
    month: str


@dataclass(frozen=True)
class Settled:
    """A call that is over, and its cost in micro-dollars."""

    hold: Hold
    cost: int


@dataclass(frozen=True)
class OverBudget:
    """The budget that is reached. With `in_flight`, calls under way hold the rest of it and may soon free some."""

    budget: Budget
    spent: int
    resets: datetime
    in_flight: bool


@dataclass(frozen=True)
class Warned:
    """`level` percent of a budget are spent, by `whose`: its scope, or the person if it holds for each person."""

    budget: Budget
    whose: str
    spent: int
    level: int
    period: str


@dataclass(frozen=True)
class Spent:
    """A budget, and what was spent of it until now; None if it holds for each person."""

    budget: Budget
    spent: int | None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Budgets:
    """A hold that is not settled within `hold_seconds` is free again."""

    def __init__(self, redis: Redis, hold_seconds: float, clock: Callable[[], datetime] = utc_now) -> None:
        self._redis, self._hold_ms, self._clock = redis, int(hold_seconds * 1000), clock

    async def reserve(
        self, team: str, channel: str, user: str, estimate: int, name: str | None = None
    ) -> Hold | OverBudget:
        """Hold the estimate unless a budget is reached. It replaces what is held under the same `name`."""
        now = self._clock()
        hold = Hold(name or uuid4().hex, team, channel, user, _name(now, "day"), _name(now, "month"))
        names = [keys.caps(team), keys.holds(team), keys.holds_until(team), keys.TEAMS]
        reached = await RESERVE.run(
            self._redis, names, *_arguments(hold), hold.name, max(0, estimate), self._hold_ms, team
        )
        if reached is None:
            return hold
        scope, period, amount, spent = reached
        budget = Budget(str(scope), period, int(amount))
        return OverBudget(budget, int(spent), resets(now, budget.period), in_flight=int(spent) < budget.amount)

    async def spending(self, team: str) -> list[Spent]:
        """Every budget and what is spent of it, by scope."""
        stored = await cast("Awaitable[dict[str, str]]", self._redis.hgetall(keys.caps(team)))
        now = self._clock()
        spending = []
        for field, amount in sorted(stored.items()):
            scope, _, period = field.partition(" ")
            budget = Budget(scope, cast("BudgetPeriod", period), int(amount))
            spent = None if scope == EACH else await self.spent(team, scope, _name(now, budget.period))
            spending.append(Spent(budget, spent))
        return spending

    async def spent(self, team: str, scope: str, period: str) -> int:
        """Micro-dollars that were spent in the `period`, `2026-11-21` or `2026-11`."""
        spent = await cast("Awaitable[str | None]", self._redis.hget(keys.spent(team, period), scope))
        return int(spent or 0)


def settle(pipe: "Pipeline", settled: Settled) -> None:
    """Add to a transaction that the call is over. It may have cost more or less than was held."""
    call, team = settled.hold, settled.hold.team
    names = [keys.caps(team), keys.holds(team), keys.holds_until(team)]
    names += [keys.warned(team, call.day), keys.warned(team, call.month), keys.warnings(team)]
    SETTLE.send(pipe, names, *_arguments(call), call.name, max(0, settled.cost), *WARN_AT)


async def warnings(redis: Redis, team: str, most: int = 50) -> list[Warned]:
    """The warnings that admins have not got yet, oldest first. They stay until `warned` drops them."""
    stored = await cast("Awaitable[list[str]]", redis.lrange(keys.warnings(team), 0, most - 1))
    unsent = []
    for line in stored:
        scope, period, amount, whose, spent, level, when = json.loads(line)
        unsent.append(Warned(Budget(scope, period, int(amount)), whose, int(spent), int(level), when))
    return unsent


async def warned(redis: Redis, team: str, count: int) -> None:
    """Drop the first `count` of the warnings: admins got them."""
    await cast("Awaitable[Any]", redis.ltrim(keys.warnings(team), count, -1))


def resets(now: datetime, period: BudgetPeriod) -> datetime:
    """When the day or month is over, UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def budget_field(scope: str, period: BudgetPeriod) -> str:
    """The field of a budget in `keys.caps`."""
    return f"{scope} {period}"


def _name(now: datetime, period: BudgetPeriod) -> str:
    return now.strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def _arguments(call: Hold) -> tuple[str, ...]:
    """What every script is given first."""
    return (keys.spent(call.team, ""), call.day, call.month, call.channel, call.user)

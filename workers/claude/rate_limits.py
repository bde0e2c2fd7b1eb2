"""Claude's rate limits, as all processes know them: a call that Claude would refuse waits before it is made.

Claude limits each family of models by the minute, in buckets that refill all the time, and every response says how full
they are (https://platform.claude.com/docs/en/api/rate-limits). A call counts from the moment it asks until a response
includes it. Without Redis, and as long as nothing is known, no call waits: this never costs an answer.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import keys
from bot.store.lua import NOW_MS, Script

log = logging.getLogger("parley.headroom")

KINDS = ("requests", "input-tokens", "output-tokens", "tokens")
# Headers round the remaining tokens to thousands (documented), so up to 500 of them may not be there.
ROUNDED_TO = 1_000
KNOWN_MS = keys.rates.seconds * 1000
# A call counts no more if neither its process nor Claude was heard of for so long.
HEARD_MS = 60_000
# Re-check at least this much later when running calls leave no room.
LEAST_MS = 1_000
# Re-check at most this much later: there may be room sooner than estimated.
LONGEST_POLL = 2.0

# KEYS rates taken heard pause; ARGV call, its input tokens. Returns how long to wait; the call counts already.
TAKE = Script(
    NOW_MS
    + f"""
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('ZREM', KEYS[2], gone)
    redis.call('ZREM', KEYS[3], gone)
end
redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000000 + time[2], ARGV[1])
redis.call('ZADD', KEYS[3], now + {HEARD_MS}, ARGV[1])
redis.call('PEXPIRE', KEYS[2], {HEARD_MS})
redis.call('PEXPIRE', KEYS[3], {HEARD_MS})
local rank = redis.call('ZRANK', KEYS[2], ARGV[1])
local input = 0
if rank > 0 then
    for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, rank - 1)) do
        input = input + string.match(other, '%d+$')
    end
end
local wait = math.max(0, redis.call('PTTL', KEYS[4]))
local function check(kind, taken, needed)
    local name = kind .. ':'
    local known = redis.call('HMGET', KEYS[1], name .. 'limit', name .. 'remaining', name .. 'at', name .. 'full')
    local limit = tonumber(known[1])
    if not limit or limit <= 0 then return false end
    local full = tonumber(known[4]) or math.huge
    local level = math.min(limit, known[2] + (now - known[3]) * limit / 60000)
    local wanted = taken + math.min(needed, limit)
    if wanted > level then
        local ms = (wanted - level) * 60000 / limit
        if wanted <= limit then ms = math.min(ms, full - now) else ms = math.max(ms, {LEAST_MS}) end
        wait = math.max(wait, ms)
    end
    return true
end
check('requests', rank, 1)
local knows_input = check('input-tokens', input, tonumber(ARGV[2]))
local knows_output = check('output-tokens', 0, 1)
if not knows_input and not knows_output then check('tokens', input, tonumber(ARGV[2])) end
return math.ceil(wait)
""",
    keys=4,
)

# KEYS rates taken heard; ARGV call, then kind, limit, remaining, ms until full or '' for each
SAW = Script(
    NOW_MS
    + f"""
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
for i = 2, #ARGV, 4 do
    local name = ARGV[i] .. ':'
    redis.call('HSET', KEYS[1], name .. 'limit', ARGV[i + 1], name .. 'remaining', ARGV[i + 2], name .. 'at', now)
    if ARGV[i + 3] == '' then redis.call('HDEL', KEYS[1], name .. 'full')
    else redis.call('HSET', KEYS[1], name .. 'full', now + ARGV[i + 3]) end
    redis.call('PEXPIRE', KEYS[1], {KNOWN_MS})
end
""",
    keys=3,
)

# KEYS pause; ARGV ms
PAUSE = Script(
    "if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], 1, 'PX', ARGV[1]) end",
    keys=1,
)


@dataclass(frozen=True)
class RateLimit:
    """One kind of limit, as headers tell it. `full_in` is in seconds, None if they do not tell it."""

    kind: str
    limit: int
    remaining: int
    full_in: float | None


class Allowance:
    """A call's part of its family's limits. Its process must report the headers of the response."""

    def __init__(self, rate_limits: "ClaudeRateLimits", family: str, call: str) -> None:
        self._rate_limits, self._family, self._call = rate_limits, family, call
        self.is_told = False

    async def saw(self, headers: Mapping[str, str]) -> None:
        """Report the headers of the response as soon as they arrive, whether it is a success or a refusal."""
        self.is_told = True
        await self._rate_limits.saw(self._family, self._call, headers)

    async def pause(self, seconds: float) -> None:
        """Claude answered 429: make no call to this family for so long. The caller caps the seconds."""
        await self._rate_limits.pause(self._family, seconds)


class ClaudeRateLimits:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @asynccontextmanager
    async def allowance(
        self, family: str, input_tokens: int, waiting: Callable[[float], None] = lambda seconds: None
    ) -> AsyncIterator[Allowance]:
        """Wait until the limits leave room for a call. `input_tokens` is an estimate without those read from the cache.

        `waiting` gets, time and again, how many seconds it may still take.
        """
        call = f"{uuid4().hex}:{input_tokens}"
        allowance = Allowance(self, family, call)
        try:
            while wait := await self.take(family, call):
                waiting(wait)
                await asyncio.sleep(min(wait, LONGEST_POLL))
            yield allowance
        finally:
            if not allowance.is_told:
                await allowance.saw({})

    async def take(self, family: str, call: str) -> float:
        """0 if the call may be made, else an estimate of the seconds to wait. Calls are made in the order of asking.

        `call` ends in `:` and its input tokens.
        """
        wait = await self._run(TAKE, self._names(family), call, call.rpartition(":")[2])
        return float(wait or 0) / 1000

    async def saw(self, family: str, call: str, headers: Mapping[str, str]) -> None:
        """Keep the limits in these headers, which include the call. Without such headers it just counts no more."""
        args: list[str | int] = []
        tokens = int(call.rpartition(":")[2])
        for limit in limits(headers, datetime.now(UTC)):
            full_ms = "" if limit.full_in is None else int(limit.full_in * 1000)
            remaining = limit.remaining
            if limit.kind in ("input-tokens", "tokens"):
                # A call larger than the limit passes when all of it is there. Headers tell the debt it leaves as 0.
                remaining = min(remaining, limit.limit - tokens)
            args += [limit.kind, limit.limit, remaining, full_ms]
        await self._run(SAW, self._names(family)[:3], call, *args)

    async def pause(self, family: str, seconds: float) -> None:
        await self._run(PAUSE, [keys.rates_pause(family)], max(1, int(seconds * 1000)))

    def _names(self, family: str) -> list[str]:
        return [keys.rates(family), keys.rates_taken(family), keys.rates_heard(family), keys.rates_pause(family)]

    async def _run(self, script: Script, names: list[str], *arguments: str | int) -> Any:
        """The script's result, None if Redis does not answer."""
        try:
            return await script.run(self._redis, names, *arguments)
        except RedisError as error:
            log.warning("headroom not asked error=%s", type(error).__name__)
            return None


def limits(headers: Mapping[str, str], now: datetime) -> list[RateLimit]:
    """The limits in the `anthropic-ratelimit-*` headers that can be read; `now` counts only without a `date`."""
    known = {name.lower(): value for name, value in headers.items()}
    with suppress(KeyError, ValueError, OverflowError):
        now = parsedate_to_datetime(known["date"]).astimezone(UTC)
    known_limits = []
    for kind in KINDS:
        name = f"anthropic-ratelimit-{kind}"
        try:
            limit, remaining = int(known[f"{name}-limit"]), int(known[f"{name}-remaining"])
        except (KeyError, ValueError):
            continue
        if kind != "requests" and remaining % ROUNDED_TO == 0:
            remaining -= ROUNDED_TO // 2
        known_limits.append(RateLimit(kind, limit, max(0, remaining), _seconds_until(known.get(f"{name}-reset"), now)))
    return known_limits


def _seconds_until(reset: str | None, now: datetime) -> float | None:
    """The time until an RFC 3339 moment, plus one second, because both times leave out their fractions."""
    try:
        moment = datetime.fromisoformat(reset or "")
        return max(0.0, (moment - now).total_seconds()) + 1
    except (ValueError, TypeError):
        return None

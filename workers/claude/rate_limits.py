"""Room in Claude's rate limits, which all processes share: who would be refused waits before asking.

Limits are by minute and family of models, in buckets that fill again all the time; every response says how full they
are (https://platform.claude.com/docs/en/api/rate-limits). A call counts as taken from when it asks for room until
Claude has told of it. It never costs an answer: without Redis, and while nothing is known, every call has room.
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
# Tokens that remain are told in thousands (documented), so half of one may not be there.
ROUNDED_TO = 1_000
KNOWN_MS = keys.rates.seconds * 1000
# A call of which nothing was heard for so long, neither from its process nor from Claude, is taken for dead.
HEARD_MS = 60_000
# What does not fit beside the calls under way waits for news of them, and asks again after so long at the earliest.
LEAST_MS = 1_000
# Who waits asks again after so many seconds: it may be possible sooner than it seemed.
LONGEST_POLL = 2.0

# KEYS rates taken heard pause; ARGV call, its input tokens. Gives how long to wait; what it takes counts already.
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
    """What headers say of one kind of limit. `full_in` is in seconds, None if they do not say."""

    kind: str
    limit: int
    remaining: int
    full_in: float | None


class Allowance:
    """A call's part of its family's limits. Its process must tell what Claude said of them, good news or bad."""

    def __init__(self, rate_limits: "ClaudeRateLimits", family: str, call: str) -> None:
        self._rate_limits, self._family, self._call = rate_limits, family, call
        self.is_told = False

    async def saw(self, headers: Mapping[str, str]) -> None:
        """The headers of the response, as soon as they are there: of a success and of a refusal."""
        self.is_told = True
        await self._rate_limits.saw(self._family, self._call, headers)

    async def pause(self, seconds: float) -> None:
        """Claude refused the call, for too many: nobody asks for this family until then. The caller caps it."""
        await self._rate_limits.pause(self._family, seconds)


class ClaudeRateLimits:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @asynccontextmanager
    async def allowance(
        self, family: str, input_tokens: int, waiting: Callable[[float], None] = lambda seconds: None
    ) -> AsyncIterator[Allowance]:
        """Wait until a call fits. `input_tokens`: an estimate of those that are not read from the cache.

        `waiting` hears time and again how many seconds it may still take.
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
        """0 when the call may be made, else after how many seconds, as far as is known; those that came first go first.

        `call` ends in `:` and its input tokens.
        """
        wait = await self._run(TAKE, self._names(family), call, call.rpartition(":")[2])
        return float(wait or 0) / 1000

    async def saw(self, family: str, call: str, headers: Mapping[str, str]) -> None:
        """Claude told of its limits, the call counted in; without such headers the call takes nothing any more."""
        given: list[str | int] = []
        for each in limits(headers, datetime.now(UTC)):
            full_ms = "" if each.full_in is None else int(each.full_in * 1000)
            given += [each.kind, each.limit, each.remaining, full_ms]
        await self._run(SAW, self._names(family)[:3], call, *given)

    async def pause(self, family: str, seconds: float) -> None:
        await self._run(PAUSE, [keys.rates_pause(family)], max(1, int(seconds * 1000)))

    def _names(self, family: str) -> list[str]:
        return [keys.rates(family), keys.rates_taken(family), keys.rates_heard(family), keys.rates_pause(family)]

    async def _run(self, script: Script, names: list[str], *given: str | int) -> Any:
        """What the script gives, None if Redis does not answer."""
        try:
            return await script.run(self._redis, names, *given)
        except RedisError as error:
            log.warning("headroom not asked error=%s", type(error).__name__)
            return None


def limits(headers: Mapping[str, str], now: datetime) -> list[RateLimit]:
    """What `anthropic-ratelimit-*` say, as far as it can be read; the server's `date` goes before `now`."""
    known = {name.lower(): value for name, value in headers.items()}
    with suppress(KeyError, ValueError, OverflowError):
        now = parsedate_to_datetime(known["date"]).astimezone(UTC)
    found = []
    for kind in KINDS:
        name = f"anthropic-ratelimit-{kind}"
        try:
            limit, remaining = int(known[f"{name}-limit"]), int(known[f"{name}-remaining"])
        except (KeyError, ValueError):
            continue
        if kind != "requests" and remaining % ROUNDED_TO == 0:
            remaining -= ROUNDED_TO // 2
        found.append(RateLimit(kind, limit, max(0, remaining), _seconds_until(known.get(f"{name}-reset"), now)))
    return found


def _seconds_until(reset: str | None, now: datetime) -> float | None:
    """From an RFC 3339 time, rounded up to the next second, which both times leave out."""
    try:
        moment = datetime.fromisoformat(reset or "")
        return max(0.0, (moment - now).total_seconds()) + 1
    except (ValueError, TypeError):
        return None

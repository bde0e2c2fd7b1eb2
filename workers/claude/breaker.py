"""A circuit breaker for each model, shared by every process through Redis.

A run of outages, which are overloads and 5xx but neither 429s nor what is wrong with a request, opens it: nobody asks
for a while. Then one call at a time is let through to try. If that fails too the next while is twice as long; if its
answer begins, everybody may ask again. It never costs an answer: without Redis all calls pass.
"""

import logging
import random
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import keys
from bot.store.lua import NOW_MS, Script

log = logging.getLogger("parley.breaker")

OUTAGES, WINDOW_MS = 5, 60_000
FIRST_MS, LONGEST_MS = 5_000, 60_000
TRYING_MS = 30_000
RULE = (OUTAGES, WINDOW_MS, FIRST_MS, LONGEST_MS)
# How long to wait for the one that tries, at most, before asking again.
POLL_MS = 1_000
# An open breaker of which nobody has asked for so long is forgotten; one that closed remembers how often it was open.
OPEN_KEPT_MS = 600_000
CLOSED_KEPT_MS = 120_000
# Those that wait come back at different moments.
SPREAD = 0.25

# KEYS breaker; ARGV token, ms for trying. Gives now, how long to wait, whether this one tries.
ENTER = Script(
    NOW_MS
    + f"""
local open, trying = unpack(redis.call('HMGET', KEYS[1], 'open_until', 'trying_until'))
if not open then return {{now, 0, 0}} end
if tonumber(open) > now then return {{now, open - now, 0}} end
if trying and tonumber(trying) > now then return {{now, math.min(trying - now, {POLL_MS}), 0}} end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'trying_until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2] + {OPEN_KEPT_MS})
return {{now, 0, 1}}
""",
    keys=1,
)

# KEYS breaker outages; ARGV when it entered, token, most outages, window, first and longest time open. All in ms.
FAILED = Script(
    NOW_MS
    + f"""
local open, token, times, closed = unpack(redis.call('HMGET', KEYS[1], 'open_until', 'token', 'times', 'closed'))
if open then
    -- It was under way when the breaker opened.
    if token ~= ARGV[2] then return 0 end
else
    -- It is of an outage that is over.
    if closed and tonumber(closed) >= tonumber(ARGV[1]) then return 0 end
    redis.call('LPUSH', KEYS[2], now)
    redis.call('LTRIM', KEYS[2], 0, ARGV[3] - 1)
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
    local oldest = redis.call('LINDEX', KEYS[2], ARGV[3] - 1)
    if not oldest or now - oldest > tonumber(ARGV[4]) then return 0 end
end
times = (times or 0) + 1
local ms = math.min(ARGV[5] * 2 ^ (times - 1), ARGV[6])
redis.call('HSET', KEYS[1], 'open_until', now + ms, 'times', times)
redis.call('HDEL', KEYS[1], 'token', 'trying_until', 'closed')
redis.call('PEXPIRE', KEYS[1], ms + {OPEN_KEPT_MS})
redis.call('DEL', KEYS[2])
return ms
""",
    keys=2,
)

# KEYS breaker outages; ARGV when it entered, token
SUCCEEDED = Script(
    NOW_MS
    + f"""
if ARGV[2] ~= '' and redis.call('HGET', KEYS[1], 'token') == ARGV[2] then
    redis.call('HDEL', KEYS[1], 'open_until', 'token', 'trying_until')
    redis.call('HSET', KEYS[1], 'closed', now)
    redis.call('PEXPIRE', KEYS[1], {CLOSED_KEPT_MS})
    return 1
end
-- One that entered before the run says nothing of how it is now.
local oldest = redis.call('LINDEX', KEYS[2], -1)
if oldest and tonumber(ARGV[1]) >= tonumber(oldest) then redis.call('DEL', KEYS[2]) end
return 0
""",
    keys=2,
)

# KEYS breaker; ARGV token
LEFT = Script(
    """
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('HDEL', KEYS[1], 'token', 'trying_until') end
""",
    keys=1,
)


@dataclass(frozen=True)
class BreakerPass:
    """A call that may be made. `token` is that of one that tries, empty for all others; `entered` in ms of Redis."""

    model: str
    entered: int = 0
    token: str = ""


class Breaker:
    """Opens after a run of OUTAGES within WINDOW_MS, for FIRST_MS, then twice as long each time up to LONGEST_MS.

    One that tries and says nothing for TRYING_MS is taken for dead: another may try.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def enter(self, model: str) -> BreakerPass | float:
        """A pass for a call, of which the breaker must hear how it ended; or in how many seconds to ask again."""
        token = uuid4().hex
        found = await self._run(ENTER, [keys.breaker(model)], token, TRYING_MS)
        if found is None:
            return BreakerPass(model)
        entered, wait, tries = found
        if wait:
            return float(wait) / 1000 * random.uniform(1, 1 + SPREAD)
        return BreakerPass(model, entered, token if tries else "")

    async def began(self, call: BreakerPass) -> None:
        """The answer has begun. That is all that must be known of one that tries."""
        if call.token:
            await self.succeeded(call)

    async def succeeded(self, call: BreakerPass) -> None:
        """The answer is complete: a run of outages that began before this call is over."""
        names = [keys.breaker(call.model), keys.outages(call.model)]
        if await self._run(SUCCEEDED, names, call.entered, call.token):
            log.info("breaker closed model=%s", call.model)

    async def failed(self, call: BreakerPass) -> None:
        """The call ended in an outage."""
        names = [keys.breaker(call.model), keys.outages(call.model)]
        if ms := await self._run(FAILED, names, call.entered, call.token, *RULE):
            log.warning("breaker open model=%s seconds=%.0f", call.model, int(ms) / 1000)

    async def left(self, call: BreakerPass) -> None:
        """The call ended in some other way, which says nothing of the model: stopped, refused, a limit reached."""
        if call.token:
            await self._run(LEFT, [keys.breaker(call.model)], call.token)

    async def _run(self, script: Script, names: list[str], *given: str | int) -> Any:
        """What the script gives, None if Redis does not answer."""
        try:
            return await script.run(self._redis, names, *given)
        except RedisError as error:
            log.warning("breaker not asked error=%s", type(error).__name__)
            return None

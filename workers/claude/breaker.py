"""A circuit breaker for each model, shared by all processes through Redis.

A run of outages opens it, and no call is made for a while. Overloads and 5xx are outages; a 429 or a refused request is
not. Then one call at a time is let through as a trial. If the trial fails, the next while is twice as long; if its
answer begins, all calls may be made again. Without Redis all calls pass: this never costs an answer.
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
# While another call is the trial, ask again after at most this long.
POLL_MS = 1_000
# An open breaker is forgotten if nobody asked for so long. A closed one remembers for so long how often it was open.
OPEN_KEPT_MS = 600_000
CLOSED_KEPT_MS = 120_000
# Spreads the moments at which waiting calls ask again.
SPREAD = 0.25

# KEYS breaker; ARGV token, ms for trying. Returns now, how long to wait, whether this is the trial.
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
    -- This call was under way when the breaker opened.
    if token ~= ARGV[2] then return 0 end
else
    -- This call began before the last outage was over.
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
-- A call that entered before the run of outages says nothing about the model's state now.
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
    """Leave to make a call. Only a trial has a `token`. `entered` is Redis's time in milliseconds."""

    model: str
    entered: int = 0
    token: str = ""


class Breaker:
    """Opens after a run of OUTAGES within WINDOW_MS, for FIRST_MS, then twice as long each time up to LONGEST_MS.

    A trial that reports nothing for TRYING_MS counts as dead, and another call becomes the trial.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def enter(self, model: str) -> BreakerPass | float:
        """A pass, whose holder must report how the call ended; or the seconds after which to ask again."""
        token = uuid4().hex
        state = await self._run(ENTER, [keys.breaker(model)], token, TRYING_MS)
        if state is None:
            return BreakerPass(model)
        entered, wait, is_trial = state
        if wait:
            return float(wait) / 1000 * random.uniform(1, 1 + SPREAD)
        return BreakerPass(model, entered, token if is_trial else "")

    async def began(self, call: BreakerPass) -> None:
        """The answer has begun, which is enough for a trial to succeed."""
        if call.token:
            await self.succeeded(call)

    async def succeeded(self, call: BreakerPass) -> None:
        """The answer is complete. It ends a run of outages that began before this call."""
        names = [keys.breaker(call.model), keys.outages(call.model)]
        if await self._run(SUCCEEDED, names, call.entered, call.token):
            log.info("breaker closed model=%s", call.model)

    async def failed(self, call: BreakerPass) -> None:
        """The call ended in an outage."""
        names = [keys.breaker(call.model), keys.outages(call.model)]
        ms = await self._run(FAILED, names, call.entered, call.token, *RULE)
        if ms:
            log.warning("breaker open model=%s seconds=%.0f", call.model, int(ms) / 1000)

    async def left(self, call: BreakerPass) -> None:
        """The call ended in a way that says nothing about the model: stopped, refused, or over a rate limit."""
        if call.token:
            await self._run(LEFT, [keys.breaker(call.model)], call.token)

    async def _run(self, script: Script, names: list[str], *arguments: str | int) -> Any:
        """The script's result, None if Redis does not answer."""
        try:
            return await script.run(self._redis, names, *arguments)
        except RedisError as error:
            log.warning("breaker not asked error=%s", type(error).__name__)
            return None

"""How many calls to Claude may run at once, over every process: first come, first served.

A call runs with a permit. Permits and positions in the queue are kept only while their process renews them every few
seconds, so a killed process blocks nobody. Without Redis every call gets a permit: this never costs an answer.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import keys
from bot.store.lua import NOW_MS, Script

log = logging.getLogger("parley.places")

# The first in the queue asks again after POLL seconds. Those behind it ask less often: a call takes seconds, so within
# one second only some of the permits are given back.
POLL = 0.05
LONGEST_POLL = 1.5

# KEYS calls waiting heard; ARGV token, most, lease and patience in ms. Returns 0 with a permit, else the position.
ASK = Script(
    NOW_MS
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('ZREM', KEYS[2], gone)
    redis.call('ZREM', KEYS[3], gone)
end
redis.call('ZADD', KEYS[2], 'NX', time[1] * 1000000 + time[2], ARGV[1])
local before = redis.call('ZRANK', KEYS[2], ARGV[1]) - (ARGV[2] - redis.call('ZCARD', KEYS[1]))
if before >= 0 then
    redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[4])
    redis.call('PEXPIRE', KEYS[3], ARGV[4])
    return before + 1
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
""",
    keys=3,
)

# KEYS calls; ARGV token, lease in ms
RENEW = Script(
    NOW_MS
    + """
redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
""",
    keys=1,
)

# KEYS calls waiting heard; ARGV token
LEAVE = Script(
    "for _, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end",
    keys=3,
)


class Concurrency:
    """At most `most` calls at once; 0 means any number.

    A running call loses its permit after `lease` seconds without renewal, a waiting one its position after `patience`.
    """

    def __init__(self, redis: Redis, most: int, *, lease: float = 30.0, patience: float = 5.0) -> None:
        self._redis, self._most = redis, most
        self._lease, self._patience = lease, patience

    @asynccontextmanager
    async def permit(self, waiting: Callable[[float], None] = lambda seconds: None) -> AsyncIterator[None]:
        """Wait for a permit and hold it while entered. `waiting` gets the seconds waited so far, time and again."""
        if self._most == 0:
            yield
            return
        token = uuid4().hex
        keeper = None
        try:
            began = time.monotonic()
            while position := await self.ask(token):
                waiting(time.monotonic() - began)
                await asyncio.sleep(min(LONGEST_POLL, max(POLL, position / self._most)))
            keeper = asyncio.create_task(self._keep(token))
            yield
        finally:
            if keeper:
                keeper.cancel()
            await self.leave(token)

    async def ask(self, token: str) -> int:
        """0 if `token` has a permit now, else its position in the queue; it must ask again within the patience."""
        lease, patience = int(self._lease * 1000), int(self._patience * 1000)
        names = [keys.CALLS, keys.CALLS_WAITING, keys.CALLS_HEARD]
        return int(await self._run(ASK, names, token, self._most, lease, patience) or 0)

    async def leave(self, token: str) -> None:
        """Give back the permit, or leave the queue for one."""
        await self._run(LEAVE, [keys.CALLS, keys.CALLS_WAITING, keys.CALLS_HEARD], token)

    async def _keep(self, token: str) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            await self._run(RENEW, [keys.CALLS], token, int(self._lease * 1000))

    async def _run(self, script: Script, names: list[str], *arguments: str | int) -> Any:
        """The script's result, None if Redis does not answer."""
        try:
            return await script.run(self._redis, names, *arguments)
        except RedisError as error:
            log.warning("places not asked error=%s", type(error).__name__)
            return None

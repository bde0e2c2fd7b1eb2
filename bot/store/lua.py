"""Lua scripts, which Redis runs as one step each, by the clock of Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

# What a script begins with that needs the time: `time` is what Redis says, `now` are milliseconds since the epoch.
NOW_MS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# The same, with `now` in seconds.
NOW_SECONDS = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""


@dataclass(frozen=True)
class Script:
    """`keys` is how many keys it takes, None for any number of them."""

    text: str
    keys: int | None = 1

    async def run(self, redis: Redis, keys: Sequence[str], *arguments: str | int | float) -> Any:
        """What it returns. Raises redis.RedisError."""
        return await self.send(redis, keys, *arguments)

    def send(self, client: Any, keys: Sequence[str], *arguments: str | int | float) -> Any:
        """The same by a synchronous client, or as one command of a pipeline of any kind."""
        if self.keys is not None and len(keys) != self.keys:
            raise ValueError(f"the script takes {self.keys} keys and not {len(keys)}")
        return client.eval(self.text, len(keys), *keys, *arguments)

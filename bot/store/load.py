"""How much is going on at this moment, as Redis knows it."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from bot.store import keys


@dataclass(frozen=True)
class Activity:
    """How many threads have work, how many replies are edited live, how many calls to Claude are under way."""

    threads: int
    live_replies: int
    claude_calls: int


async def read(redis: Redis, team: str) -> Activity:
    """Raises redis.RedisError."""
    now = await _now_ms(redis)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zcard(keys.active(team))
        pipe.zcount(keys.drafts(team), now, "+inf")
        pipe.zcount(keys.CALLS, now, "+inf")
        return Activity(*await pipe.execute())


async def breakers(redis: Redis, models: Sequence[str]) -> dict[str, bool]:
    """Whether the circuit breaker of each model is open. It still is while a single call tries the model."""
    is_open = {}
    for model in models:
        until = await cast("Awaitable[str | None]", redis.hget(keys.breaker(model), "open_until"))
        is_open[model] = until is not None
    return is_open


async def _now_ms(redis: Redis) -> int:
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000

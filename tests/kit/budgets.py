"""What a call held of a budget, settled as the store does it: in a transaction."""

from typing import Any, cast

from redis.asyncio import Redis

from bot.store.rules import budgets
from bot.store.rules.budgets import Hold, Settled


async def settle(redis: Redis, hold: Hold, cost: int) -> None:
    async with redis.pipeline() as pipe:
        budgets.settle(cast("Any", pipe), Settled(hold, cost))
        await pipe.execute()

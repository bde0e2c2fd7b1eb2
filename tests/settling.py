"""A call that is over, settled as the store does it: in a transaction."""

from typing import Any, cast

from redis.asyncio import Redis

from bot.store import caps
from bot.store.caps import Reservation, Settled


async def settle(redis: Redis, reservation: Reservation, cost: int) -> None:
    async with redis.pipeline() as pipe:
        caps.settle(cast("Any", pipe), Settled(reservation, cost))
        await pipe.execute()

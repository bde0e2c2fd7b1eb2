"""Wishes to stop an answer: kept until the question is done, and published at once to the worker that answers."""

from collections.abc import Iterable

from redis.asyncio import Redis

from bot.store import keys
from bot.talk.message import Thread


async def ask(redis: Redis, thread: Thread, stamps: Iterable[str], by: str, said_in: str | None = None) -> None:
    """Ask that the answers to the questions `stamps` (their ts) be stopped. The first who asks is remembered.

    `said_in` is the ts of the message that asks for it. It is marked seen, so its duplicate event does nothing.
    """
    async with redis.pipeline() as pipe:
        for ts in stamps:
            key = keys.stop(thread, ts)
            pipe.set(key, by, nx=True, ex=keys.stop.seconds)
            pipe.publish(keys.STOPS, key)
        if said_in:
            pipe.set(keys.seen_message(thread.team, thread.channel, said_in), 1, ex=keys.seen_message.seconds)
        await pipe.execute()


async def hear(redis: Redis, thread: Thread, said_in: str) -> bool:
    """Mark the message with this ts as seen; False if it was seen before."""
    return bool(
        await redis.set(
            keys.seen_message(thread.team, thread.channel, said_in), 1, nx=True, ex=keys.seen_message.seconds
        )
    )


async def asked(redis: Redis, thread: Thread, ts: str) -> str | None:
    """Who wants the answer to the question `ts` stopped, if anybody."""
    by = await redis.get(keys.stop(thread, ts))
    return None if by is None else str(by)

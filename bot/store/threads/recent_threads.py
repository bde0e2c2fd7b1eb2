"""The threads in which somebody spoke to us last."""

from redis.asyncio import Redis

from bot.store import keys
from bot.talk.message import Thread


async def newest(redis: Redis, team: str, user: str, most: int) -> list[Thread]:
    """The newest first. A thread without history in which nothing waits is left out."""
    members = await redis.zrevrange(keys.talks(team, user), 0, -1)
    threads = [Thread(team, *str(member).rsplit(":", 1)) for member in members]
    async with redis.pipeline(transaction=False) as pipe:
        for thread in threads:
            pipe.exists(keys.history(thread), keys.box(thread))
        known = await pipe.execute()
    return [thread for thread, is_known in zip(threads, known, strict=True) if is_known][:most]

"""The pacing of edits, on a real Redis: its records are set back in time, so that no test waits for minutes."""

import math
from typing import cast

from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from bot.store import keys
from workers.draft.pacing import Pacing

TEAM, CHANNEL = "T1", "C1"
ALL_CHANNELS = keys.posts(TEAM)
on_redis = settings(
    max_examples=max(25, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def now_ms(redis: Redis) -> int:
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


async def scores(redis: Redis, key: str) -> list[tuple[str, float]]:
    return cast("list[tuple[str, float]]", await redis.zrange(key, 0, -1, withscores=True))


async def pass_by(redis: Redis, seconds: float) -> None:
    """Let time pass as far as the pacing knows: everything that it has recorded moves into the past."""
    ms = math.ceil(seconds * 1000)
    methods = ("chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
    sets = [*(keys.calls(TEAM, method) for method in methods), keys.drafts(TEAM), keys.streams(TEAM), ALL_CHANNELS]
    for key in sets:
        for member, score in await scores(redis, key):
            await redis.zadd(key, {member: score - ms})
    next_posts = [key async for key in redis.scan_iter(f"{TEAM}:next-post:*") if key != ALL_CHANNELS]
    for key in next_posts:
        await redis.incrby(key, -ms)
    pauses = [key async for key in redis.scan_iter(f"{TEAM}:pause:*")]
    pauses += [key async for key in redis.scan_iter(f"{TEAM}:slower:*")]
    for key in [*next_posts, *pauses, *sets]:
        left = await redis.pttl(key)
        if left > ms:
            await redis.pexpire(key, left - ms)
        elif left >= 0:
            await redis.delete(key)


async def edit(pacing: Pacing, draft: str, since_last: float, *, final: bool) -> float:
    """Ask for an edit, and if it may be made now, say that Slack has answered it; how long to wait otherwise."""
    wait = await pacing.edit(TEAM, draft, since_last, final=final)
    if not wait:
        await pacing.edited(TEAM, draft)
    return wait

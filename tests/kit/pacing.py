"""The edit budget on a real Redis whose past is moved, so that minutes need not pass."""

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
    """Let time pass for what the budget knows: all that it did lies further back."""
    ms = math.ceil(seconds * 1000)
    methods = ("chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
    sets = [*(keys.calls(TEAM, method) for method in methods), keys.drafts(TEAM), keys.streams(TEAM), ALL_CHANNELS]
    for key in sets:
        for member, score in await scores(redis, key):
            await redis.zadd(key, {member: score - ms})
    places = [key async for key in redis.scan_iter(f"{TEAM}:next-post:*") if key != ALL_CHANNELS]
    for key in places:
        await redis.incrby(key, -ms)
    strings = [key async for key in redis.scan_iter(f"{TEAM}:pause:*")] + [
        key async for key in redis.scan_iter(f"{TEAM}:slower:*")
    ]
    for key in [*places, *strings, *sets]:
        left = await redis.pttl(key)
        if left > ms:
            await redis.pexpire(key, left - ms)
        elif left >= 0:
            await redis.delete(key)


async def edit(pacing: Pacing, draft: str, since_last: float, *, final: bool) -> float:
    """Ask for an edit; if it is allowed, Slack answers at once."""
    if not (wait := await pacing.edit(TEAM, draft, since_last, final=final)):
        await pacing.edited(TEAM, draft)
    return wait

"""Whom admins let us answer, and where: what holds in a channel counts before what holds in the workspace."""

from redis.asyncio import Redis

from bot.store import keys

FIELDS = ("guests", "external", "follow_ups", "bots", "channels")


async def rules(redis: Redis, team: str, channel: str) -> dict[str, str]:
    """What is set of `FIELDS`. Raises redis.RedisError."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hmget(keys.workspace_policy(team), *FIELDS)
        pipe.hmget(keys.channel_policy(team, channel), *FIELDS)
        workspace, own = await pipe.execute()
    found = {}
    for name, general, special in zip(FIELDS, workspace, own, strict=True):
        if (value := general if special is None else special) is not None:
            found[name] = str(value)
    return found

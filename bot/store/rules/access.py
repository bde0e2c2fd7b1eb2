"""Whom admins let Parley answer, and where. A rule of the channel goes before the same rule of the workspace."""

from redis.asyncio import Redis

from bot.store import keys

FIELDS = ("guests", "external", "follow_ups", "bots", "channels")


async def rules(redis: Redis, team: str, channel: str) -> dict[str, str]:
    """The rules that are set, by field. Raises redis.RedisError."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hmget(keys.workspace_policy(team), *FIELDS)
        pipe.hmget(keys.channel_policy(team, channel), *FIELDS)
        workspace, own = await pipe.execute()
    values = {}
    for field, general, special in zip(FIELDS, workspace, own, strict=True):
        value = general if special is None else special
        if value is not None:
            values[field] = str(value)
    return values

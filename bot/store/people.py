"""What we know of people without asking Slack."""

from collections.abc import Iterable

from redis.asyncio import Redis

from bot.store import keys


async def known(redis: "Redis", team: str, users: Iterable[str]) -> dict[str, str]:
    """The display names that are kept, by user id."""
    asked = sorted(users)
    found = await redis.mget([keys.person(team, user) for user in asked]) if asked else []
    return {user: str(name) for user, name in zip(asked, found, strict=True) if name}

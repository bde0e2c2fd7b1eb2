"""What we know of people without asking Slack."""

from collections.abc import Awaitable, Iterable
from typing import cast

from redis.asyncio import Redis

from bot.store import keys

KEEP_SECONDS = 3600

# KEYS teams person; ARGV team, name, seconds to keep. Of a team that has removed us nothing is kept.
REMEMBER = """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1
"""


async def known(redis: Redis, team: str, users: Iterable[str]) -> dict[str, str]:
    """The display names that are kept, by user id."""
    asked = sorted(users)
    found = await redis.mget([keys.person(team, user) for user in asked]) if asked else []
    return {user: str(name) for user, name in zip(asked, found, strict=True) if name}


async def remember(redis: Redis, team: str, user: str, name: str) -> None:
    await cast("Awaitable[int]", redis.eval(REMEMBER, 2, keys.TEAMS, keys.person(team, user), team, name, KEEP_SECONDS))

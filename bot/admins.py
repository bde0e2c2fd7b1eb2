"""Who may steer Parley in a workspace: its admins and owners."""

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import CALL_ERRORS, error_name
from bot.store import keys

log = logging.getLogger("parley.admins")

KEEP_SECONDS = 300
# Slack waits three seconds for the answer to a click.
ASK_SECONDS = 2.0


async def is_admin(web: AsyncWebClient, redis: "Redis", team: str, user: str) -> bool:
    """Whether Slack calls them an admin or owner of this workspace; False where it cannot be told.

    Asked once in five minutes (https://docs.slack.dev/reference/methods/users.info). Raises redis.RedisError.
    """
    known = await redis.get(keys.admin(team, user))
    if known is not None:
        return bool(known == "1")
    try:
        async with asyncio.timeout(ASK_SECONDS):
            person = (await web.users_info(user=user)).get("user")
    except CALL_ERRORS as error:
        log.warning("not told whether an admin team=%s user=%s error=%s", team, user, error_name(error))
        return False
    answer = isinstance(person, dict) and _is_one(person, team)
    await redis.set(keys.admin(team, user), int(answer), ex=KEEP_SECONDS)
    return answer


def _is_one(person: dict[str, Any], team: str) -> bool:
    """An admin of another workspace is none here: https://docs.slack.dev/reference/objects/user-object."""
    grid = person.get("enterprise_user")
    teams = grid.get("teams") if isinstance(grid, dict) else None
    if person.get("team_id") != team and team not in (teams or ()):
        return False
    if person.get("deleted") or person.get("is_stranger") or person.get("is_bot"):
        return False
    return any(person.get(right) is True for right in ("is_admin", "is_owner", "is_primary_owner"))

"""Who is a guest of the workspace."""

import asyncio
import logging

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_TROUBLE, describe, verdict
from bot.store import keys

log = logging.getLogger("parley.guests")

KEEP_SECONDS = 3600
# Slack waits three seconds for an acknowledgement, and this is only a part of what we do in that time.
ASKING_SECONDS = 1.0


async def is_guest(redis: Redis, web: AsyncWebClient, team: str, user: str) -> bool:
    """Of one channel or of several; somebody about whom Slack says nothing is none. Raises redis.RedisError.

    https://docs.slack.dev/reference/objects/user-object
    """
    if (known := await redis.get(keys.guest(team, user))) is not None:
        return bool(known == "1")
    try:
        async with asyncio.timeout(ASKING_SECONDS):
            person = (await web.users_info(user=user)).get("user") or {}
    except SLACK_TROUBLE as error:
        log.debug("not known user=%s error=%s", user, describe(error))
        if verdict(error) != "permanent":
            return False
        person = {}
    guest = bool(person.get("is_restricted") or person.get("is_ultra_restricted"))
    await redis.set(keys.guest(team, user), int(guest), ex=KEEP_SECONDS)
    return guest

"""Display names, for saying who wrote what."""

import asyncio
import logging
from collections.abc import Iterable

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_TROUBLE, describe
from bot.slack.people_store import remember
from bot.store import keys

log = logging.getLogger("parley.people")

MOST = 20


async def names(redis: Redis, slack: AsyncWebClient, team: str, users: Iterable[str]) -> dict[str, str]:
    """Display names by user id, of the first 20; a user whom Slack does not tell is left out.

    Raises redis.RedisError.
    """
    asked = list(dict.fromkeys(users))[:MOST]
    found = await asyncio.gather(*(_name(redis, slack, team, user) for user in asked))
    return {user: name for user, name in zip(asked, found, strict=True) if name}


async def _name(redis: Redis, slack: AsyncWebClient, team: str, user: str) -> str | None:
    known = await redis.get(keys.person(team, user))
    if known:
        return str(known)
    try:
        answer = await slack.users_info(user=user)
    except SLACK_TROUBLE as error:
        log.warning("no name user=%s error=%s", user, describe(error))
        return None
    person = answer.get("user") or {}
    profile = person.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or person.get("real_name") or person.get("name")
    if name:
        await remember(redis, team, user, str(name))
    return str(name) if name else None

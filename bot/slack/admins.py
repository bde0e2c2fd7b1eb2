"""Who may steer Parley in a workspace: its admins and owners, a user group, and whoever the operator lists."""

import asyncio
import json
import logging

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.slack.directory import ASK_SECONDS, Directory
from bot.slack.errors import SLACK_TROUBLE, describe, verdict
from bot.store import keys

log = logging.getLogger("parley.admins")

MOST_NAMED = 5
NOT_YOURS = "Sorry, that is for those who look after me here. Ask {whom}."
UNKNOWN = "Slack does not tell me right now whether you may do that, so I leave everything as it is. Please try again."


class Admins:
    """Slack is asked about a person or the group once in five minutes. All methods raise redis.RedisError."""

    def __init__(self, settings: Settings, web: AsyncWebClient, redis: Redis) -> None:
        self._listed = settings.admins or frozenset()
        self._group = settings.admin_group
        self._web, self._redis, self._directory = web, redis, Directory(redis, web)

    async def has(self, team: str, user: str) -> bool:
        """Whether somebody may steer Parley. False too if Slack does not say."""
        return await self.verdict(team, user) is True

    async def verdict(self, team: str, user: str) -> bool | None:
        """Whether somebody may steer Parley; None if Slack does not say."""
        if f"{team}:{user}" in self._listed:
            return True
        is_known = True
        for is_entitled in (self._is_member, self._directory.is_admin):
            try:
                if await is_entitled(team, user):
                    return True
            except SLACK_TROUBLE as error:
                log.warning("not told whether an admin team=%s user=%s error=%s", team, user, describe(error))
                is_known = False
        return False if is_known else None

    async def refusal(self, team: str, user: str) -> str | None:
        """The sentence for somebody who may not do what admins may; None for an admin."""
        is_admin = await self.verdict(team, user)
        if is_admin:
            return None
        if is_admin is None:
            return UNKNOWN
        return NOT_YOURS.format(whom=await self.whom(team))

    async def named(self, team: str) -> list[str]:
        """The admins whose ids we know: those in ADMINS, and the members of ADMIN_GROUP if Slack tells them."""
        prefix = f"{team}:"
        listed = sorted(entry.removeprefix(prefix) for entry in self._listed if entry.startswith(prefix))
        try:
            return list(dict.fromkeys([*listed, *await self._members(team)]))
        except SLACK_TROUBLE:
            return listed

    async def whom(self, team: str) -> str:
        """Whom to ask, for a sentence that only one person sees, for it mentions them."""
        mentions = [f"<@{user}>" for user in (await self.named(team))[:MOST_NAMED]]
        return " or ".join([*mentions, "an admin or owner of this workspace"])

    async def _is_member(self, team: str, user: str) -> bool:
        return user in await self._members(team)

    async def _members(self, team: str) -> list[str]:
        """The members of ADMIN_GROUP (https://docs.slack.dev/reference/methods/usergroups.users.list).

        Nobody if Slack refuses to name them. Raises SLACK_TROUBLE if it may name them later.
        """
        if self._group is None:
            return []
        known = await self._redis.get(keys.admin_group(team))
        if known is not None:
            return [str(user) for user in json.loads(known)]
        try:
            async with asyncio.timeout(ASK_SECONDS):
                users = (await self._web.usergroups_users_list(usergroup=self._group)).get("users")
        except SLACK_TROUBLE as error:
            if verdict(error) != "permanent":
                raise
            log.error("ADMIN_GROUP has no members that we may see team=%s error=%s", team, describe(error))
            users = []
        members = [user for user in users if isinstance(user, str)] if isinstance(users, list) else []
        await self._redis.set(keys.admin_group(team), json.dumps(members), ex=keys.admin_group.seconds)
        return members

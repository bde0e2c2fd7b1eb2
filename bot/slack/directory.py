"""Names of people and channels, who is a guest and who an admin: asked of Slack, and kept in Redis for all processes.

https://docs.slack.dev/reference/objects/user-object, https://docs.slack.dev/reference/objects/conversation-object
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_TROUBLE, describe, verdict
from bot.store import keys
from bot.store.lua import Script
from bot.talk.message import Message

log = logging.getLogger("parley.directory")

# For a channel whose name Slack does not tell: a scope may be missing for good.
RETRY_SECONDS = 300
# Slack waits three seconds for an acknowledgement, and these questions are only a part of what we do in that time.
ASK_SECONDS = 1.0
MOST_NAMES = 20
DIRECT = "a direct message"
GROUP = "a group direct message"

# KEYS teams, and what to set; ARGV team, then value and seconds to keep for each. Of a team that has removed us nothing
# is kept.
REMEMBER = Script(
    """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 0 end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 2], 'EX', ARGV[2 * i - 1]) end
return 1
""",
    keys=None,
)


@dataclass(frozen=True)
class Person:
    """What one answer of Slack's says about a person. A guest belongs to one channel of the workspace or to several."""

    name: str | None
    is_guest: bool
    is_admin: bool


class Directory:
    """All methods raise redis.RedisError. An answer about a person serves for all that is asked about them later."""

    def __init__(self, redis: Redis, web: AsyncWebClient) -> None:
        self._redis, self._web = redis, web

    async def names(self, team: str, users: Iterable[str]) -> dict[str, str]:
        """Display names by user id, of the first 20; a user whom Slack does not tell is left out."""
        first_users = list(dict.fromkeys(users))[:MOST_NAMES]
        names = await asyncio.gather(*(self._name(team, user) for user in first_users))
        return {user: name for user, name in zip(first_users, names, strict=True) if name}

    async def known_names(self, team: str, users: Iterable[str]) -> dict[str, str]:
        """The display names that are kept, by user id. Slack is not asked."""
        sorted_users = sorted(users)
        if not sorted_users:
            return {}
        names = await self._redis.mget([keys.person(team, user) for user in sorted_users])
        return {user: str(name) for user, name in zip(sorted_users, names, strict=True) if name}

    async def is_guest(self, team: str, user: str) -> bool | None:
        """What Slack says, or last said while it does not; None if it does not say now and never did.

        Where Slack never will (the scope `users:read` is missing, for example), somebody unknown counts as no guest:
        else nobody at all could ask.
        """
        known, last = await self._redis.mget([keys.guest(team, user), keys.last_guest(team, user)])
        if known is not None:
            return bool(known == "1")
        try:
            return (await self._ask(team, user, within=ASK_SECONDS)).is_guest
        except SLACK_TROUBLE as error:
            log.warning("not told whether a guest team=%s user=%s error=%s", team, user, describe(error))
            is_known = last is not None
            was_guest = bool(last == "1")
            if verdict(error) != "permanent":
                return was_guest if is_known else None
            await _keep(self._redis, team, {keys.guest(team, user): (int(was_guest), keys.guest.seconds)})
            return was_guest

    async def is_admin(self, team: str, user: str) -> bool:
        """Whether Slack calls them an admin or owner of this workspace. Raises SLACK_TROUBLE where it does not say."""
        known = await self._redis.get(keys.admin(team, user))
        if known is not None:
            return bool(known == "1")
        return (await self._ask(team, user, within=ASK_SECONDS)).is_admin

    async def channel_name(self, message: Message) -> str:
        """Where a message was written: `#name`, DIRECT or GROUP; the channel's id if Slack does not tell its name."""
        if message.direct:
            return DIRECT
        team, channel = message.thread.team, message.thread.channel
        known = await self._redis.get(keys.channel_name(team, channel))
        if known:
            return str(known)
        seconds = keys.channel_name.seconds
        try:
            answer = await self._web.conversations_info(channel=channel)
            name = _channel_name(answer.get("channel") or {}) or channel
        except SLACK_TROUBLE as error:
            log.warning("no name channel=%s error=%s", channel, describe(error))
            name, seconds = channel, RETRY_SECONDS
        await self._redis.set(keys.channel_name(team, channel), name, ex=seconds)
        return name

    async def _name(self, team: str, user: str) -> str | None:
        known = await self._redis.get(keys.person(team, user))
        if known:
            return str(known)
        try:
            return (await self._ask(team, user)).name
        except SLACK_TROUBLE as error:
            log.warning("no name user=%s error=%s", user, describe(error))
            return None

    async def _ask(self, team: str, user: str, within: float | None = None) -> Person:
        """Ask Slack, and keep all that it says. Raises SLACK_TROUBLE, TimeoutError after `within` seconds too."""
        async with asyncio.timeout(within):
            answer = await self._web.users_info(user=user)
        described = _fields(answer.get("user"))
        if not described.get("id"):
            raise SlackClientError("an answer about nobody")
        person = _person(described, team)
        await remember(self._redis, team, user, person)
        return person


async def remember(redis: Redis, team: str, user: str, person: Person) -> None:
    """Keep what is known of a person, unless the team has removed us. Raises redis.RedisError."""
    values: dict[str, tuple[str | int, int]] = {
        keys.guest(team, user): (int(person.is_guest), keys.guest.seconds),
        keys.last_guest(team, user): (int(person.is_guest), keys.last_guest.seconds),
        keys.admin(team, user): (int(person.is_admin), keys.admin.seconds),
    }
    if person.name:
        values[keys.person(team, user)] = (person.name, keys.person.seconds)
    await _keep(redis, team, values)


async def _keep(redis: Redis, team: str, values: dict[str, tuple[str | int, int]]) -> None:
    names = [keys.TEAMS, *values]
    arguments: list[str | int] = [team]
    for value, seconds in values.values():
        arguments += [value, seconds]
    await REMEMBER.run(redis, names, *arguments)


def _person(user: dict[str, Any], team: str) -> Person:
    profile = _fields(user.get("profile"))
    name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
    return Person(
        name=str(name) if name else None,
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_admin=_is_admin(user, team),
    )


def _is_admin(user: dict[str, Any], team: str) -> bool:
    """An admin of another workspace has no such right here."""
    teams = _fields(user.get("enterprise_user")).get("teams")
    if user.get("team_id") != team and team not in (teams or ()):
        return False
    if user.get("deleted") or user.get("is_stranger") or user.get("is_bot"):
        return False
    return any(user.get(right) is True for right in ("is_admin", "is_owner", "is_primary_owner"))


def _channel_name(channel: dict[str, Any]) -> str | None:
    if channel.get("is_im"):
        return DIRECT
    if channel.get("is_mpim"):
        return GROUP
    name = channel.get("name")
    return f"#{name}" if name else None


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

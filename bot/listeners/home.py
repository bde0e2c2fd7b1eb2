"""Somebody opened our Home tab, or our direct messages.

https://docs.slack.dev/reference/events/app_home_opened
"""

import asyncio
import hmac
import logging
from collections.abc import Awaitable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.commands.forget import forget
from bot.intake.admission import Where
from bot.intake.read_click import first_action
from bot.listeners import welcome
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, SLACK_TROUBLE, describe
from bot.store.threads.recent_threads import newest
from bot.talk.message import is_id
from bot.talk.payload import find, string
from bot.usage import month
from bot.usage.month import Overview
from bot.views.home import FORGET, MOST_THREADS, RecentThread, home

log = logging.getLogger("parley.listeners")

# After this long the client without rate limits publishes the tab.
PUBLISH_SECONDS = 2.0
HomePart = TypeVar("HomePart")


def register(app: AsyncApp) -> None:
    app.event("app_home_opened")(opened)
    app.action({"type": "block_actions", "action_id": FORGET})(pressed)


async def opened(event: dict[str, Any], services: Services, team: str) -> None:
    """Slack need not send it again: what fails here is only not shown."""
    user, channel, tab = event.get("user"), event.get("channel"), event.get("tab")
    if not is_id(user):
        return
    if tab == "home":
        direct = channel if is_id(channel) else None
        background.run(publish(services, team, user, direct))
    elif tab == "messages" and is_id(channel):
        welcome.suggest(services, channel)
        await welcome.greet(services, team, channel)


async def publish(services: Services, team: str, user: str, direct: str | None) -> None:
    """Show the tab; the parts that cannot be looked up are left out. `direct` is the channel of the direct messages."""
    today = datetime.now(UTC).date()
    talks, own, whole = await asyncio.gather(
        _part("talks", _talks(services, team, user)),
        _part("own", month.of_person(services.redis, team, user, today)),
        _part("whole", _whole(services, team, user, today)),
    )
    button = f"{direct} {_seal(services, user, direct)}" if direct else None
    view = home(talks, button, services.settings.history_days, own, whole)
    try:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await services.web.views_publish(user_id=user, view=view)
        except (RedisError, TimeoutError):
            await services.plain_web.views_publish(user_id=user, view=view)
    except SLACK_TROUBLE as error:
        log.debug("no home tab team=%s user=%s error=%s", team, user, describe(error))


async def pressed(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    """Forget the direct messages of whoever pressed it. If that fails, the tab stays as it is and so tells it."""
    await ack()
    user = find(body, "user", "id")
    direct, _, seal = string(first_action(body).get("value")).partition(" ")
    if not (is_id(user) and is_id(direct) and direct.startswith("D")):
        log.debug("ignored type=block_actions reason=nobody, or no direct message")
        return
    if not hmac.compare_digest(seal, _seal(services, user, direct)):
        # A tab that an earlier version published has no seal.
        log.debug("ignored type=block_actions reason=a button that was not made for its user")
        background.run(publish(services, team, user, None))
        return
    background.run(_forget(services, Where(team, direct, direct=True), user))


async def _forget(services: Services, where: Where, user: str) -> None:
    try:
        await forget(services.redis, where, user, "direct")
    except RedisError as error:
        log.warning("not forgotten team=%s channel=%s error=%s", where.team, where.channel, describe(error))
        return
    await publish(services, where.team, user, where.channel)


def _seal(services: Services, user: str, direct: str) -> str:
    """Shows that we made the button for this person and these direct messages: nobody else has our token."""
    token = services.settings.slack_bot_token or ""
    return hmac.new(token.encode(), f"forget {user} {direct}".encode(), "sha256").hexdigest()[:32]


async def _talks(services: Services, team: str, user: str) -> list[RecentThread]:
    threads = await newest(services.redis, team, user, MOST_THREADS)
    links = await asyncio.gather(*(_link(services.web, thread.channel, thread.ts) for thread in threads))
    return [RecentThread(thread.channel, thread.ts, link) for thread, link in zip(threads, links, strict=True)]


async def _whole(services: Services, team: str, user: str, today: date) -> Overview | None:
    """What all used; None for somebody who is no admin, as far as Slack says."""
    if not await services.admins.has(team, user):
        return None
    return await month.of_workspace(services.redis, team, today, services.settings.usage_days)


async def _part(name: str, lookup: Awaitable[HomePart]) -> HomePart | None:
    """None where Redis or Slack does not answer in time."""
    try:
        async with within_three_seconds("home tab", part=name):
            return await lookup
    except NotDone:
        return None


async def _link(web: AsyncWebClient, channel: str, ts: str) -> str | None:
    try:
        return str((await web.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
    except SLACK_OR_REDIS_TROUBLE:
        return None

"""Somebody opened our Home tab, or our direct messages.

https://docs.slack.dev/reference/events/app_home_opened
"""

import asyncio
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.listeners import welcome
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, SLACK_TROUBLE, describe
from bot.store.threads.erase import forget
from bot.store.threads.recent_threads import newest
from bot.talk.message import is_id
from bot.usage import month
from bot.usage.month import Overview
from bot.views.home import FORGET, MOST_THREADS, RecentThread, home

log = logging.getLogger("parley.listeners")

# Then Bolt's client publishes it.
PUBLISH_SECONDS = 2.0
Found = TypeVar("Found")


def register(app: AsyncApp) -> None:
    app.event("app_home_opened")(opened)
    app.action({"type": "block_actions", "action_id": FORGET})(pressed)


async def opened(
    event: dict[str, Any],
    redis: Redis,
    web: AsyncWebClient,
    client: AsyncWebClient,
    settings: Settings,
    admins: Admins,
    team: str,
) -> None:
    """Nothing of it matters enough to be sent again."""
    user, channel, tab = event.get("user"), event.get("channel"), event.get("tab")
    if not is_id(user):
        return
    if tab == "home":
        direct = channel if is_id(channel) else None
        background.run(publish(redis, web, client, settings, admins, team, user, direct))
    elif tab == "messages" and is_id(channel):
        welcome.suggest(web, channel)
        await welcome.greet(redis, web, team, channel)


async def publish(
    redis: Redis,
    web: AsyncWebClient,
    client: AsyncWebClient,
    settings: Settings,
    admins: Admins,
    team: str,
    user: str,
    direct: str | None,
) -> None:
    """Whatever cannot be looked up, the rest is shown. `client` is Bolt's: the other asks Redis before each call."""
    talks, own, whole = await asyncio.gather(
        _found("talks", _talks(redis, web, team, user)),
        _found("own", month.of_person(redis, team, user, datetime.now(UTC).date())),
        _found("whole", _whole(redis, admins, team, user, settings.usage_days)),
    )
    view = home(talks, direct, settings.history_days, own, whole)
    try:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await web.views_publish(user_id=user, view=view)
        except (RedisError, TimeoutError):
            await client.views_publish(user_id=user, view=view)
    except SLACK_TROUBLE as error:
        log.debug("no home tab team=%s user=%s error=%s", team, user, describe(error))


async def pressed(
    body: dict[str, Any],
    ack: AsyncAck,
    redis: Redis,
    web: AsyncWebClient,
    client: AsyncWebClient,
    settings: Settings,
    admins: Admins,
    team: str,
) -> None:
    """Forget the direct messages of whoever pressed it. That the tab looks as before says that it did not work."""
    await ack()
    actions, person = body.get("actions"), body.get("user")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    user = person.get("id") if isinstance(person, dict) else None
    direct = action.get("value")
    if not (is_id(user) and is_id(direct) and direct.startswith("D")):
        log.debug("ignored type=block_actions reason=nobody, or no direct message")
        return
    try:
        async with within_three_seconds("forget", team=team, channel=direct, user=user):
            count = await forget(redis, team, direct)
    except NotDone:
        return
    log.info("forgotten team=%s channel=%s user=%s threads=%d", team, direct, user, count)
    background.run(publish(redis, web, client, settings, admins, team, user, direct))


async def _talks(redis: Redis, web: AsyncWebClient, team: str, user: str) -> list[RecentThread]:
    threads = await newest(redis, team, user, MOST_THREADS)
    links = await asyncio.gather(*(_link(web, thread.channel, thread.ts) for thread in threads))
    return [RecentThread(thread.channel, thread.ts, link) for thread, link in zip(threads, links, strict=True)]


async def _whole(redis: Redis, admins: Admins, team: str, user: str, keep_days: int) -> Overview | None:
    """None for who is no admin, or cannot be told to be one."""
    if not await admins.has(team, user):
        return None
    return await month.of_workspace(redis, team, datetime.now(UTC).date(), keep_days)


async def _found(what: str, looking: Awaitable[Found]) -> Found | None:
    """None where Redis or Slack does not say in time."""
    try:
        async with within_three_seconds("home tab", part=what):
            return await looking
    except NotDone:
        return None


async def _link(web: AsyncWebClient, channel: str, ts: str) -> str | None:
    try:
        return str((await web.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
    except SLACK_OR_REDIS_TROUBLE:
        return None

"""Somebody opened our Home tab, or our direct messages.

https://docs.slack.dev/reference/events/app_home_opened
"""

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.listeners import welcome
from bot.settings import Settings
from bot.slack import CALL_ERRORS, error_name
from bot.store.erase import forget
from bot.store.talks import newest
from bot.views.home import FORGET, MOST_THREADS, Talk, home

log = logging.getLogger("parley.listeners")

MOST_SECONDS = 2.5


def register(app: AsyncApp) -> None:
    app.event("app_home_opened")(opened)
    app.action({"type": "block_actions", "action_id": FORGET})(pressed)


async def opened(event: dict[str, Any], redis: "Redis", web: AsyncWebClient, settings: Settings, team: str) -> None:
    """Nothing of it matters enough to be sent again."""
    user, channel, tab = event.get("user"), event.get("channel"), event.get("tab")
    if not (isinstance(user, str) and user):
        return
    if tab == "home":
        background.run(publish(redis, web, settings, team, user, channel if isinstance(channel, str) else None))
    elif tab == "messages" and isinstance(channel, str) and channel:
        welcome.suggest(web, channel)
        await welcome.greet(redis, web, team, channel)


async def publish(
    redis: "Redis", web: AsyncWebClient, settings: Settings, team: str, user: str, direct: str | None
) -> None:
    try:
        threads = await newest(redis, team, user, MOST_THREADS)
        links = await asyncio.gather(*(_link(web, thread.channel, thread.ts) for thread in threads))
        talks = [Talk(thread.channel, thread.ts, link) for thread, link in zip(threads, links, strict=True)]
        await web.views_publish(user_id=user, view=home(talks, direct, settings.history_days))
    except CALL_ERRORS as error:
        log.debug("no home tab team=%s user=%s error=%s", team, user, error_name(error) or type(error).__name__)


async def pressed(
    body: dict[str, Any], ack: AsyncAck, redis: "Redis", web: AsyncWebClient, settings: Settings, team: str
) -> None:
    """Forget the direct messages of whoever pressed it. That the tab looks as before says that it did not work."""
    await ack()
    actions, person = body.get("actions"), body.get("user")
    action = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    user = person.get("id") if isinstance(person, dict) else None
    direct = action.get("value")
    if not (isinstance(user, str) and isinstance(direct, str) and direct.startswith("D")):
        log.debug("ignored type=block_actions reason=nobody, or no direct message")
        return
    try:
        async with asyncio.timeout(MOST_SECONDS):
            count = await forget(redis, team, direct)
    except (RedisError, TimeoutError) as error:
        log.warning("not forgotten team=%s user=%s error=%s", team, user, type(error).__name__)
        return
    log.info("forgotten team=%s channel=%s user=%s threads=%d", team, direct, user, count)
    background.run(publish(redis, web, settings, team, user, direct))


async def _link(web: AsyncWebClient, channel: str, ts: str) -> str | None:
    try:
        return str((await web.chat_getPermalink(channel=channel, message_ts=ts))["permalink"])
    except CALL_ERRORS:
        return None

"""A message in a channel we are in, or to us."""

import logging
import textwrap
from collections.abc import Awaitable
from typing import Any, cast

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot import background, status
from bot.audience import Audience
from bot.guests import is_guest
from bot.incoming import Ignored, Message, Thread, read, spoken
from bot.listeners import stop, welcome
from bot.slack import CALL_ERRORS, Identity, error_name
from bot.store import keys
from bot.store.inbox import Inbox

log = logging.getLogger("parley.listeners")

FOLLOW_UPS = "follow_ups"
TITLE_LENGTH = 60


def register(app: AsyncApp) -> None:
    app.event("message")(receive)


async def receive(
    body: dict[str, Any],
    context: AsyncBoltContext,
    inbox: Inbox,
    redis: "Redis",
    web: AsyncWebClient,
    identity: Identity,
    team: str,
    audience: Audience,
) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    message = read(body, team, identity.user, context.enterprise_id, audience)
    if isinstance(message, Message):
        message = await unwelcome(message, audience, inbox, redis, web) or message
    if isinstance(message, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), message.reason)
        return
    if not await stop.say(message, inbox, redis, web, identity.user):
        await keep(message, inbox, redis, web)


async def keep(message: Message, inbox: Inbox, redis: "Redis", web: AsyncWebClient) -> None:
    """Put it into the mailbox. Raises redis.RedisError."""
    kept = await inbox.put(message)
    log.info("%s event_id=%s thread=%s ts=%s", "kept" if kept else "seen", message.event_id, message.thread, message.ts)
    if kept:
        # People see it at once, and Slack does not wait for it.
        background.run(status.show(web, redis, message.thread, message.ts))
        if message.direct:
            await welcome.greet(redis, web, message.thread.team, message.thread.channel)
            if message.ts == message.thread.ts:
                background.run(_title(web, message))


async def unwelcome(
    message: Message, audience: Audience, inbox: Inbox, redis: "Redis", web: AsyncWebClient
) -> Ignored | None:
    """The reason why a message that was read is not for us after all. Raises redis.RedisError."""
    thread = message.thread
    if not (message.direct or message.mentioned):
        if not await inbox.takes_part(thread):
            return Ignored("a thread that we have no part in")
        if not await _follows_up(redis, thread, audience):
            return Ignored("no mention, and no follow-ups in this channel")
    if not audience.guests and message.user[0] in "UW" and await is_guest(redis, web, thread.team, message.user):
        return Ignored("a guest")
    return None


async def _follows_up(redis: "Redis", thread: Thread, audience: Audience) -> bool:
    said = await cast("Awaitable[str | None]", redis.hget(keys.channel_policy(thread.team, thread.channel), FOLLOW_UPS))
    return audience.follow_ups if said is None else said == "on"


async def _title(web: AsyncWebClient, message: Message) -> None:
    """Call the conversation by its first words. https://docs.slack.dev/reference/methods/assistant.threads.setTitle"""
    words = " ".join(spoken(message.text, "", {}).split())
    title = textwrap.shorten(words, TITLE_LENGTH, placeholder="…") or words[:TITLE_LENGTH]
    if not title:
        return
    thread = message.thread
    try:
        await web.assistant_threads_setTitle(channel_id=thread.channel, thread_ts=thread.ts, title=title)
    except CALL_ERRORS as error:
        log.debug("no title thread=%s error=%s", thread, error_name(error) or type(error).__name__)

"""A message in a channel we are in, or to us."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.admins import Admins
from bot.audience import Audience
from bot.guests import is_guest
from bot.incoming import Aside, Ignored, Message, read
from bot.listeners import stop, welcome
from bot.reception import Reception
from bot.slack import Identity
from bot.store import asides
from bot.store.access import channel_of, rules
from bot.store.inbox import Inbox

log = logging.getLogger("parley.listeners")


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
    reception: Reception,
    admins: Admins,
) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    audience = audience.under(await rules(redis, team, channel_of(body)))
    message = read(body, team, identity.user, context.enterprise_id, audience)
    if isinstance(message, Message):
        # Who asked may stop that in a channel without follow-ups, too.
        if await stop.say(message, inbox, redis, web, admins, identity.user):
            return
        message = await unwelcome(message, audience, inbox, redis, web) or message
    if isinstance(message, Aside) and await inbox.takes_part(message.thread, message.ts):
        await asides.note(redis, message.thread, "others", message.ts)
    if isinstance(message, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), message.reason)
        return
    await reception.take(message)
    if message.direct:
        await welcome.greet(redis, web, team, message.thread.channel)


async def unwelcome(
    message: Message, audience: Audience, inbox: Inbox, redis: "Redis", web: AsyncWebClient
) -> Ignored | None:
    """The reason why a message that was read is not for us after all. Raises redis.RedisError."""
    thread = message.thread
    if not (message.direct or message.mentioned):
        if not await inbox.takes_part(thread, message.ts):
            return Ignored("a thread that we have no part in")
        if not audience.follow_ups:
            await asides.note(redis, thread, "nobody", message.ts)
            return Ignored("no mention, and no follow-ups in this channel")
        if await asides.is_one(redis, thread, message.ts):
            return Ignored("people speak to each other")
    if not audience.guests and await is_guest(redis, web, thread.team, message.user):
        return Ignored("a guest")
    return None

"""A message in a channel we are in, or to us."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot import background, status
from bot.incoming import Ignored, Message, read
from bot.listeners import stop
from bot.slack import Identity
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
) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    message = read(body, team, identity.user, context.enterprise_id)
    if isinstance(message, Message) and not await _is_for_us(message, inbox):
        message = Ignored("a thread that we have no part in")
    if isinstance(message, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), message.reason)
        return
    if await stop.say(message, inbox, redis, web, identity.user):
        return
    kept = await inbox.put(message)
    log.info("%s event_id=%s thread=%s ts=%s", "kept" if kept else "seen", message.event_id, message.thread, message.ts)
    if kept:
        # People see it at once, and Slack does not wait for it.
        background.run(status.show(web, redis, message.thread, message.ts))


async def _is_for_us(message: Message, inbox: Inbox) -> bool:
    return message.direct or message.mentioned or await inbox.takes_part(message.thread)

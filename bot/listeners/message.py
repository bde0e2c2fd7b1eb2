"""A message in a channel we are in, or to us."""

import asyncio
import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.incoming import Ignored, Message, read
from bot.slack import CALL_ERRORS, STATUS, Identity, error_name
from bot.store.inbox import Inbox

log = logging.getLogger("parley.listeners")

_statuses: set[asyncio.Task[None]] = set()


def register(app: AsyncApp) -> None:
    app.event("message")(receive)


async def receive(
    body: dict[str, Any], context: AsyncBoltContext, inbox: Inbox, web: AsyncWebClient, identity: Identity, team: str
) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    message = read(body, team, identity.user, context.enterprise_id)
    if isinstance(message, Message) and not await _is_for_us(message, inbox):
        message = Ignored("a thread that we have no part in")
    if isinstance(message, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), message.reason)
        return
    await keep(message, inbox, web)


async def keep(message: Message, inbox: Inbox, web: AsyncWebClient) -> None:
    """Put it into the mailbox. Raises redis.RedisError."""
    kept = await inbox.put(message)
    log.info("%s event_id=%s thread=%s ts=%s", "kept" if kept else "seen", message.event_id, message.thread, message.ts)
    if kept:
        # People see it at once, and Slack does not wait for it.
        status = asyncio.create_task(_say_thinking(web, message))
        _statuses.add(status)
        status.add_done_callback(_statuses.discard)


async def _is_for_us(message: Message, inbox: Inbox) -> bool:
    return message.direct or message.mentioned or await inbox.takes_part(message.thread)


async def _say_thinking(web: AsyncWebClient, message: Message) -> None:
    try:
        await web.assistant_threads_setStatus(
            channel_id=message.thread.channel, thread_ts=message.thread.ts, status=STATUS
        )
    except CALL_ERRORS as error:
        log.debug("no status thread=%s error=%s", message.thread, error_name(error))

"""Somebody edited or deleted a message."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.changes import SUBTYPES, Deleted, Edited, read_change
from bot.incoming import mentioned_people, spoken
from bot.listeners.message import keep
from bot.slack import Identity
from bot.store import changes, people
from bot.store.inbox import Inbox

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    for subtype in SUBTYPES:
        app.event({"type": "message", "subtype": subtype})(receive)


async def receive(
    body: dict[str, Any],
    context: AsyncBoltContext,
    inbox: Inbox,
    web: AsyncWebClient,
    identity: Identity,
    redis: "Redis",
    team: str,
) -> None:
    """Bring mailbox and history up to date. Raises redis.RedisError, and then Slack delivers it again."""
    change = read_change(body, team, identity.user, context.enterprise_id)
    match change:
        case Edited(message):
            names = await people.known(redis, team, mentioned_people(message.text))
            if await changes.edit(redis, message, spoken(message.text, identity.user, names)):
                log.info("edited thread=%s ts=%s", message.thread, message.ts)
            elif change.mentions_anew:
                await keep(message, inbox, web)
            else:
                log.debug("ignored event_id=%s reason=an edit of nothing we know", body.get("event_id"))
        case Deleted(thread, ts):
            question = await changes.question_of(redis, thread, ts) if change.ours else ts
            if question and await changes.remove(redis, thread, question):
                log.info("deleted thread=%s ts=%s ours=%s", thread, question, change.ours)
        case _:
            log.debug("ignored event_id=%s reason=%s", body.get("event_id"), change.reason)

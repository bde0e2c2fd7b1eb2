"""Somebody edited or deleted a message."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.audience import Audience
from bot.changes import SUBTYPES, Deleted, Edited, read_change
from bot.incoming import Ignored, mentioned_people, spoken
from bot.listeners.message import unwelcome
from bot.reception import Reception
from bot.slack import Identity
from bot.store import changes, people, stops
from bot.store.access import channel_of, rules
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
    audience: Audience,
    reception: Reception,
) -> None:
    """Bring mailbox and history up to date. Raises redis.RedisError, and then Slack delivers it again."""
    audience = audience.under(await rules(redis, team, channel_of(body)))
    change = read_change(body, team, identity.user, context.enterprise_id, audience)
    reason: Ignored | None
    match change:
        case Edited(message):
            names = await people.known(redis, team, mentioned_people(message.text))
            if await changes.edit(redis, message, spoken(message.text, identity.user, names)):
                log.info("edited thread=%s ts=%s", message.thread, message.ts)
                return
            reason = Ignored("an edit of nothing we know")
            if change.mentions_anew:
                reason = await unwelcome(message, audience, inbox, redis, web)
            if reason is None:
                await reception.take(message)
        case Deleted(thread, ts):
            # A question that was asked by shortcut stands in a message of ours.
            answered = await changes.question_of(redis, thread, ts) if change.ours else None
            reason = await _forget(redis, inbox, change, answered or ts)
        case Ignored():
            reason = change
    if reason:
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), reason.reason)


async def _forget(redis: "Redis", inbox: Inbox, change: Deleted, question: str) -> Ignored | None:
    thread = change.thread
    anew = [each.ts for each in await inbox.waiting(thread) if each.again == question]
    if change.ours and anew:
        return Ignored("the deletion of an answer that is given anew")
    found = await changes.remove(redis, thread, question)
    if found is None:
        return Ignored("the deletion of nothing we know")
    if found == "waiting" or anew:
        await stops.ask(redis, thread, [question, *anew], change.author)
    log.info("deleted thread=%s ts=%s %s ours=%s", thread, question, found, change.ours)
    return None

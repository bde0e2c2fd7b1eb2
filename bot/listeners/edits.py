"""Somebody edited or deleted a message."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

from bot.intake.admission import Way
from bot.intake.read_edit import SUBTYPES, Deletion, Edit, read
from bot.services import Services
from bot.store.threads import changes, stops
from bot.talk.markup import mentioned_people, spoken
from bot.talk.payload import Ignored

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    for subtype in SUBTYPES:
        app.event({"type": "message", "subtype": subtype})(receive)


async def receive(body: dict[str, Any], context: AsyncBoltContext, services: Services, team: str) -> None:
    """Bring mailbox and history up to date. Raises redis.RedisError, and then Slack delivers it again."""
    change = read(body, team, services.identity.user, context.enterprise_id)
    reason: str | None
    match change:
        case Edit():
            reason = await _edit(change, services)
        case Deletion():
            reason = await _forget(change, services)
        case Ignored():
            reason = change.reason
    if reason:
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), reason)


async def _edit(edit: Edit, services: Services) -> str | None:
    """Change what we know of the message, or take it in if only now it mentions us; else the reason why not."""
    heard, message = edit.heard, edit.message
    if refusal := await services.admission.refusal(heard.asker, Way.EDIT, heard.where):
        return refusal
    names = await services.directory.known_names(message.thread.team, mentioned_people(message.text))
    if await changes.edit(services.redis, message, spoken(message.text, services.identity.user, names)):
        log.info("edited thread=%s ts=%s", message.thread, message.ts)
        return None
    if not edit.mentions_anew:
        return "an edit of nothing we know"
    return await services.intake.take(heard)


async def _forget(deletion: Deletion, services: Services) -> str | None:
    """Forget the turn to which the deleted message belongs; else the reason why not."""
    redis, thread = services.redis, deletion.thread
    question = deletion.ts
    if deletion.ours:
        # A question that was asked by shortcut stands in a message of ours itself.
        question = await changes.question_of(redis, thread, deletion.ts) or deletion.ts
    again = [message.ts for message in await services.inbox.waiting(thread) if message.again == question]
    if deletion.ours and again:
        return "the deletion of an answer that is given anew"
    removed = await changes.remove(redis, thread, question)
    if removed is None:
        return "the deletion of nothing we know"
    if removed == "waiting" or again:
        await stops.ask(redis, thread, [question, *again], deletion.author)
    log.info("deleted thread=%s ts=%s %s ours=%s", thread, question, removed, deletion.ours)
    return None

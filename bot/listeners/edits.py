"""Somebody edited or deleted a message."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.admission import Admission, Way
from bot.intake.intake import Reception
from bot.intake.read_edit import SUBTYPES, Deletion, Edit, read
from bot.slack.directory import Directory
from bot.slack.identity import Identity
from bot.store.threads import changes, stops
from bot.store.threads.inbox import Inbox
from bot.talk.markup import mentioned_people, spoken
from bot.talk.payload import Ignored

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    for subtype in SUBTYPES:
        app.event({"type": "message", "subtype": subtype})(receive)


async def receive(
    body: dict[str, Any],
    context: AsyncBoltContext,
    inbox: Inbox,
    identity: Identity,
    redis: Redis,
    web: AsyncWebClient,
    team: str,
    admission: Admission,
    reception: Reception,
) -> None:
    """Bring mailbox and history up to date. Raises redis.RedisError, and then Slack delivers it again."""
    change = read(body, team, identity.user, context.enterprise_id)
    reason: str | None
    match change:
        case Edit():
            reason = await _edit(change, identity.user, redis, Directory(redis, web), admission, reception)
        case Deletion(thread, ts):
            # A question that was asked by shortcut stands in a message of ours.
            answered = await changes.question_of(redis, thread, ts) if change.ours else None
            reason = await _forget(redis, inbox, change, answered or ts)
        case Ignored():
            reason = change.reason
    if reason:
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), reason)


async def _edit(
    change: Edit, bot_user: str, redis: Redis, directory: Directory, admission: Admission, reception: Reception
) -> str | None:
    """Bring what we know of the message up to date, or take it in if only now it mentions us; else the reason."""
    message, heard = change.message, change.heard
    if refused := await admission.refusal(heard.asker, Way.EDIT, heard.where):
        return refused
    names = await directory.known_names(message.thread.team, mentioned_people(message.text))
    if await changes.edit(redis, message, spoken(message.text, bot_user, names)):
        log.info("edited thread=%s ts=%s", message.thread, message.ts)
        return None
    if not change.mentions_anew:
        return "an edit of nothing we know"
    if refused := await admission.refusal(heard.asker, Way.MENTION, heard.where):
        return refused
    await reception.take(message)
    return None


async def _forget(redis: Redis, inbox: Inbox, change: Deletion, question: str) -> str | None:
    thread = change.thread
    anew = [each.ts for each in await inbox.waiting(thread) if each.again == question]
    if change.ours and anew:
        return "the deletion of an answer that is given anew"
    found = await changes.remove(redis, thread, question)
    if found is None:
        return "the deletion of nothing we know"
    if found == "waiting" or anew:
        await stops.ask(redis, thread, [question, *anew], change.author)
    log.info("deleted thread=%s ts=%s %s ours=%s", thread, question, found, change.ours)
    return None

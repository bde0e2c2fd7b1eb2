"""A message in a channel we are in, or to us."""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.admission import Admission, Reason, Way
from bot.intake.intake import Reception
from bot.intake.read_message import Heard, read
from bot.listeners import stop, welcome
from bot.slack.admins import Admins
from bot.slack.identity import Identity
from bot.store.threads import asides
from bot.store.threads.inbox import Inbox
from bot.talk.payload import Ignored

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    app.event("message")(receive)


async def receive(
    body: dict[str, Any],
    context: AsyncBoltContext,
    inbox: Inbox,
    redis: Redis,
    web: AsyncWebClient,
    identity: Identity,
    team: str,
    admission: Admission,
    reception: Reception,
    admins: Admins,
) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    heard = read(body, team, identity.user, context.enterprise_id)
    if isinstance(heard, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), heard.reason)
        return
    message = heard.message
    # Whoever asked may stop that in a channel without follow-ups, too.
    if stop.is_word(message, identity.user):
        refused = await admission.refusal(heard.asker, Way.STOP_WORD, heard.where)
        if not refused and await stop.say(message, inbox, redis, web, admins):
            return
    if reason := await _unaddressed(heard, inbox, redis) or await _refusal(heard, redis, admission):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), reason)
        return
    await reception.take(message)
    if message.direct:
        await welcome.greet(redis, web, team, message.thread.channel)


async def _unaddressed(heard: Heard, inbox: Inbox, redis: Redis) -> str | None:
    """Why a message that neither mentions us nor is direct is not for us. Raises redis.RedisError."""
    message, thread = heard.message, heard.message.thread
    if heard.is_addressed:
        return None
    takes_part = await inbox.takes_part(thread, message.ts)
    if heard.aside:
        if takes_part:
            await asides.note(redis, thread, "others", message.ts)
        return "addressed to somebody else"
    if not takes_part:
        return "a thread that we have no part in"
    return None


async def _refusal(heard: Heard, redis: Redis, admission: Admission) -> str | None:
    """Why its author gets no answer, though the message is for us. Raises redis.RedisError."""
    message = heard.message
    way = Way.MENTION if heard.is_addressed else Way.FOLLOW_UP
    reason = await admission.refusal(heard.asker, way, heard.where)
    if reason is Reason.NO_FOLLOW_UPS:
        await asides.note(redis, message.thread, "nobody", message.ts)
    if reason is None and way is Way.FOLLOW_UP and await asides.is_one(redis, message.thread, message.ts):
        return "people speak to each other"
    return reason

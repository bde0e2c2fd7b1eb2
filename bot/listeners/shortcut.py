"""The message shortcut: somebody asks about a message, and the answer comes in its thread.

https://docs.slack.dev/interactivity/implementing-shortcuts#messages
"""

import asyncio
import logging
import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import status
from bot.audience import Audience
from bot.incoming import Ignored, Message, Thread, is_id, is_ts
from bot.listeners.message import unwelcome
from bot.manifest import SHORTCUT
from bot.reception import Reception
from bot.slack import CALL_ERRORS, error_name
from bot.store.access import rules
from bot.store.inbox import Inbox
from bot.views.shortcut import BLOCK, FIELD, QUOTE, About, modal

log = logging.getLogger("parley.listeners")

MOST_SECONDS = 2.0
AWAY = "I cannot take your question right now. Please try again in a minute."
NOT_THERE = "I am not in this conversation. Invite me with /invite, then ask again."
NOT_HERE = "I may not answer you here."
EMPTY = "Please write a question."
ABSENT = {"not_in_channel", "channel_not_found", "is_archived"}


def register(app: AsyncApp) -> None:
    app.shortcut({"type": "message_action", "callback_id": SHORTCUT})(used)
    app.view({"type": "view_submission", "callback_id": SHORTCUT})(submitted)


async def used(body: dict[str, Any], ack: AsyncAck, client: AsyncWebClient) -> None:
    """Open the modal, with Bolt's client: the other asks Redis before each call."""
    await ack()
    about = read(body)
    if about is None:
        log.debug("ignored type=message_action reason=no message")
        return
    try:
        await client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=modal(about))
    except CALL_ERRORS as error:
        log.warning("no modal channel=%s error=%s", about.channel, error_name(error) or type(error).__name__)


async def submitted(
    body: dict[str, Any],
    ack: AsyncAck,
    inbox: Inbox,
    redis: "Redis",
    web: AsyncWebClient,
    team: str,
    audience: Audience,
    reception: Reception,
) -> None:
    """Put the question into the mailbox, or say in the modal why not."""
    message = asked(body, team)
    if isinstance(message, str):
        await ack(response_action="errors", errors={BLOCK: message})
        return
    try:
        async with asyncio.timeout(MOST_SECONDS):
            refusal = await _refusal(message, inbox, redis, web, audience)
            if refusal is None:
                await reception.take(message)
    except (RedisError, TimeoutError) as error:
        log.warning("not asked thread=%s error=%s", message.thread, type(error).__name__)
        refusal = AWAY
    if refusal:
        await ack(response_action="errors", errors={BLOCK: refusal})
    else:
        await ack()


def read(body: dict[str, Any]) -> About | None:
    """The message of a `message_action` payload.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    message, channel = _fields(body.get("message")), _fields(body.get("channel")).get("id")
    ts = message.get("ts") or body.get("message_ts")
    thread_ts = message.get("thread_ts") or ts
    if not (is_id(channel) and is_ts(thread_ts)):
        return None
    author, text = message.get("user") or message.get("bot_id"), message.get("text")
    return About(
        channel, thread_ts, author if isinstance(author, str) else "", text[:QUOTE] if isinstance(text, str) else ""
    )


def asked(body: dict[str, Any], team: str) -> Message | str:
    """The question of a submitted modal, or the sentence that says what it lacks."""
    view, person = _fields(body.get("view")), _fields(body.get("user"))
    about = About.from_json(view.get("private_metadata"))
    typed = _fields(_fields(_fields(_fields(view.get("state")).get("values")).get(BLOCK)).get(FIELD)).get("value")
    user, view_id = person.get("id"), view.get("id")
    if about is None or not (is_id(about.channel) and is_ts(about.thread_ts) and is_id(user)):
        return AWAY
    if not (isinstance(typed, str) and typed.strip()):
        return EMPTY
    question = typed.strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if about.text:
        who = f", by <@{about.author}>" if about.author[:1] in ("U", "W") else ""
        question += f"\n\nThe message that this is about{who}:\n{about.text}"
    return Message(
        Thread(team, about.channel, about.thread_ts),
        f"{time.time():.6f}",
        user,
        question,
        event_id=f"view:{view_id}" if is_id(view_id) else None,
        direct=about.channel.startswith("D"),
        mentioned=True,
    )


async def _refusal(
    message: Message, inbox: Inbox, redis: "Redis", web: AsyncWebClient, audience: Audience
) -> str | None:
    """Why we cannot answer there. Raises redis.RedisError."""
    audience = audience.under(await rules(redis, message.thread.team, message.thread.channel))
    reason = await unwelcome(message, audience, inbox, redis, web)
    if isinstance(reason, Ignored) or not audience.is_in(message.thread.channel, direct=message.direct):
        return NOT_HERE
    thread = message.thread
    try:
        await web.assistant_threads_setStatus(channel_id=thread.channel, thread_ts=thread.ts, status=status.THINKING)
    except CALL_ERRORS as error:
        return NOT_THERE if error_name(error) in ABSENT else None
    return None


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

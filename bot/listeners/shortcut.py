"""The message shortcut: somebody asks about a message, and the answer comes in its thread.

https://docs.slack.dev/interactivity/implementing-shortcuts#messages
"""

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.admission import Admission, Asker, Way
from bot.intake.intake import Reception
from bot.intake.read_click import is_outsider
from bot.intake.read_message import Heard
from bot.manifest import SHORTCUT
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.directory import Directory
from bot.slack.errors import SLACK_TROUBLE, describe, error_name
from bot.slack.identity import Identity
from bot.store import keys
from bot.store.rules import limits
from bot.store.threads.inbox import SEEN_SECONDS
from bot.talk import text_of
from bot.talk.markup import escape
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.talk.payload import mapping
from bot.views.refusals import slow_down
from bot.views.shortcut import BLOCK, EVENT_TYPE, FIELD, QUOTE, ShortcutMessage, question_form, question_message

log = logging.getLogger("parley.listeners")

NAME_SECONDS = 0.7
# Longer than one submission can take.
LONGEST_SECONDS = 5.0
# By how much Slack's clock and ours may differ.
SKEW_SECONDS = 60.0
AWAY = "I cannot take your question right now. Please try again in a minute."
NOT_THERE = "I am not in this conversation. Invite me with /invite, then ask again."
NOT_HERE = "I may not answer you here."
EMPTY = "Please write a question."
ABSENT = {"not_in_channel", "channel_not_found", "is_archived"}


@dataclass(frozen=True)
class Question:
    """`typed` is what somebody wrote into the modal `view`; the message has it as Slack would send it."""

    heard: Heard
    typed: str
    view: str

    @property
    def message(self) -> Message:
        return self.heard.message


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
        await client.views_open(trigger_id=str(body.get("trigger_id") or ""), view=question_form(about))
    except SLACK_TROUBLE as error:
        log.warning("no modal channel=%s error=%s", about.channel, describe(error))


async def submitted(
    body: dict[str, Any],
    ack: AsyncAck,
    redis: Redis,
    web: AsyncWebClient,
    identity: Identity,
    team: str,
    admission: Admission,
    reception: Reception,
) -> None:
    """Show the question in its thread and put it into the mailbox, or say in the modal why not."""
    question = asked(body, team, identity.enterprise)
    if isinstance(question, str):
        await ack(response_action="errors", errors={BLOCK: question})
        return
    message = question.message
    try:
        async with within_three_seconds("question", thread=message.thread, user=message.user):
            if reason := await admission.refusal(question.heard.asker, Way.SHORTCUT, question.heard.where):
                log.debug("ignored type=view_submission reason=%s", reason)
                refusal: str | None = NOT_HERE
            else:
                refusal = await _ask(question, redis, web, reception)
    except NotDone as failure:
        refusal = NOT_THERE if error_name(failure.why) in ABSENT else AWAY
    if refusal:
        await ack(response_action="errors", errors={BLOCK: refusal})
    else:
        await ack()


def read(body: dict[str, Any]) -> ShortcutMessage | None:
    """The message of a `message_action` payload.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    message, channel = mapping(body.get("message")), mapping(body.get("channel")).get("id")
    ts = message.get("ts") or body.get("message_ts")
    thread_ts = message.get("thread_ts") or ts
    if not (is_id(channel) and is_ts(thread_ts)):
        return None
    author = message.get("user") or message.get("bot_id")
    return ShortcutMessage(channel, thread_ts, author if isinstance(author, str) else "", text_of.of(message)[:QUOTE])


def asked(body: dict[str, Any], team: str, enterprise: str | None = None) -> Question | str:
    """The question of a submitted modal, or the sentence that says what it lacks."""
    view, person = mapping(body.get("view")), mapping(body.get("user"))
    about = ShortcutMessage.from_json(view.get("private_metadata"))
    typed = mapping(mapping(mapping(mapping(view.get("state")).get("values")).get(BLOCK)).get(FIELD)).get("value")
    user, view_id = person.get("id"), view.get("id")
    if about is None or not (is_id(about.channel) and is_ts(about.thread_ts) and is_id(user) and is_id(view_id)):
        return AWAY
    if not (isinstance(typed, str) and typed.strip()):
        return EMPTY
    text = escape(typed.strip())
    if about.text:
        who = f", by <@{about.author}>" if about.author[:1] in ("U", "W") else ""
        text += f"\n\nThe message that this is about{who}:\n{about.text}"
    message = Message(
        Thread(team, about.channel, about.thread_ts),
        f"{time.time():.6f}",
        user,
        text,
        event_id=f"view:{view_id}",
        direct=about.channel.startswith("D"),
        mentioned=True,
    )
    asker = Asker(user, outsider=is_outsider(body, team, enterprise))
    return Question(Heard(message, asker), typed.strip(), view_id)


async def _ask(question: Question, redis: Redis, web: AsyncWebClient, reception: Reception) -> str | None:
    """The message that shows the question stands for it: it gives it its ts. Raises what Slack and Redis raise.

    What is submitted again is asked once, and shown once: a message that was posted before we died, or of which Slack
    did not tell us, is looked up.
    """
    message, view = question.message, question.view
    team, thread = message.thread.team, message.thread
    if not await redis.set(keys.asking_now(team, view), 1, nx=True, px=int(LONGEST_SECONDS * 1000)):
        return AWAY
    try:
        if too_many := await limits.take(redis, message):
            return slow_down(too_many)
        is_first = await redis.set(keys.asking(team, view), message.ts, nx=True, ex=SEEN_SECONDS)
        ts = None if is_first else await _shown(question, str(await redis.get(keys.asking(team, view)) or "0"), web)
        if ts is None:
            name = await _name(redis, web, team, message.user)
            content = question_message(question.typed, name, message.user, view)
            posted = await web.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, **content)
            ts = str(posted["ts"])
        await reception.keep(replace(message, ts=ts))
    finally:
        await redis.delete(keys.asking_now(team, view))
    return None


async def _name(redis: Redis, web: AsyncWebClient, team: str, user: str) -> str | None:
    try:
        async with asyncio.timeout(NAME_SECONDS):
            return (await Directory(redis, web).names(team, [user])).get(user)
    except TimeoutError:
        return None


async def _shown(question: Question, since: str, web: AsyncWebClient) -> str | None:
    """The ts of the message that shows it already."""
    thread = question.message.thread
    found = await web.conversations_replies(
        channel=thread.channel,
        ts=thread.ts,
        oldest=f"{float(since) - SKEW_SECONDS:.6f}",
        include_all_metadata=True,
        limit=200,
    )
    for each in found.get("messages") or []:
        metadata = mapping(each.get("metadata"))
        about = mapping(metadata.get("event_payload"))
        if metadata.get("event_type") == EVENT_TYPE and about.get("view") == question.view:
            return str(each["ts"])
    return None

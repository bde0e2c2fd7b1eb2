"""The message shortcut: somebody asks about a message, and the answer comes in its thread.

https://docs.slack.dev/interactivity/implementing-shortcuts#messages
"""

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.intake.admission import Asker, Way
from bot.intake.read_click import is_outsider
from bot.intake.read_message import Heard
from bot.manifest import SHORTCUT
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.errors import SLACK_TROUBLE, describe, error_name
from bot.store import keys
from bot.store.rules import limits
from bot.talk import text_of
from bot.talk.markup import escape, quote
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.talk.payload import find, mapping, mappings, ours, string
from bot.views.blocks import field_state, metadata
from bot.views.refusals import slow_down
from bot.views.shortcut import BLOCK, EVENT_TYPE, FIELD, QUOTE, ShortcutMessage, question_form, question_message

log = logging.getLogger("parley.listeners")

NAME_SECONDS = 0.7
# By how much Slack's clock and ours may differ.
SKEW_SECONDS = 60.0
AWAY = "I cannot take your question right now. Please try again in a minute."
NOT_THERE = "I am not in this conversation. Invite me with /invite, then ask again."
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


async def used(body: dict[str, Any], ack: AsyncAck, services: Services) -> None:
    """Open the modal, with the client that does not ask Redis before the call: Slack gives three seconds."""
    await ack()
    about = read(body)
    if about is None:
        log.debug("ignored type=message_action reason=no message")
        return
    try:
        await services.plain_web.views_open(trigger_id=str(body.get("trigger_id") or ""), view=question_form(about))
    except SLACK_TROUBLE as error:
        log.warning("no modal channel=%s error=%s", about.channel, describe(error))


async def submitted(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    """Show the question in its thread and put it into the mailbox, or say in the modal why not."""
    question = read_question(body, team, services.identity.enterprise)
    if isinstance(question, str):
        await ack(response_action="errors", errors={BLOCK: question})
        return
    message = question.message
    try:
        async with within_three_seconds("question", thread=message.thread, user=message.user):
            refusal = await _ask(question, services)
    except NotDone as failure:
        refusal = NOT_THERE if error_name(failure.why) in ABSENT else AWAY
    if refusal:
        await ack(response_action="errors", errors={BLOCK: refusal})
    else:
        await ack()


def read(body: dict[str, Any]) -> ShortcutMessage | None:
    """The message of a `message_action` payload; None if the payload names none.

    https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload
    """
    message = mapping(body.get("message"))
    channel = find(body, "channel", "id")
    ts = message.get("ts") or body.get("message_ts")
    thread_ts = message.get("thread_ts") or ts
    if not (is_id(channel) and is_ts(thread_ts)):
        return None
    author = message.get("user") or message.get("bot_id")
    return ShortcutMessage(channel, thread_ts, string(author), text_of.of(message)[:QUOTE])


def read_question(body: dict[str, Any], team: str, enterprise: str | None = None) -> Question | str:
    """The question of a submitted modal, or the sentence that says what it lacks."""
    view = body.get("view")
    about = ShortcutMessage.from_json(metadata(view))
    user = find(body, "user", "id")
    view_id = find(view, "id")
    if about is None or not (is_id(about.channel) and is_ts(about.thread_ts) and is_id(user) and is_id(view_id)):
        return AWAY
    typed = string(find(field_state(view, BLOCK, FIELD), "value")).strip()
    if not typed:
        return EMPTY
    text = escape(typed)
    if about.text:
        author = f", by <@{about.author}>" if about.author[:1] in ("U", "W") else ""
        text += f"\n\nThe message that this is about{author}:\n{quote(about.text)}"
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
    return Question(Heard(message, asker), typed, view_id)


async def _ask(question: Question, services: Services) -> str | None:
    """Keep the question unless its author may not ask; then what the modal says. Raises what Slack and Redis raise."""
    heard, redis = question.heard, services.redis
    if reason := await services.admission.refusal(heard.asker, Way.SHORTCUT, heard.where):
        log.debug("ignored type=view_submission reason=%s", reason)
        return reason.sentence
    lock = keys.asking_now(heard.where.team, question.view)
    if not await redis.set(lock, 1, nx=True, ex=keys.asking_now.seconds):
        return AWAY
    try:
        if too_many := await limits.take(redis, question.message):
            return slow_down(too_many)
        ts = await _show(question, services)
        await services.intake.keep(replace(question.message, ts=ts))
    finally:
        await redis.delete(lock)
    return None


async def _show(question: Question, services: Services) -> str:
    """Post the message that shows the question, and return its ts, under which the question is kept.

    A modal that is submitted again is shown once: a message that was posted before we died, or of which Slack did not
    tell us, is looked up.
    """
    message, redis, web = question.message, services.redis, services.web
    team, thread = message.thread.team, message.thread
    key = keys.asking(team, question.view)
    if not await redis.set(key, message.ts, nx=True, ex=keys.asking.seconds):
        since = str(await redis.get(key) or "0")
        if ts := await _shown(question, since, services):
            return ts
    name = await _name(services, team, message.user)
    content = question_message(question.typed, name, message.user, question.view)
    posted = await web.chat_postMessage(channel=thread.channel, thread_ts=thread.ts, **content)
    return str(posted["ts"])


async def _name(services: Services, team: str, user: str) -> str | None:
    try:
        async with asyncio.timeout(NAME_SECONDS):
            return (await services.directory.names(team, [user])).get(user)
    except TimeoutError:
        return None


async def _shown(question: Question, since: str, services: Services) -> str | None:
    """The ts of our message in the thread that shows the question already."""
    thread = question.message.thread
    page = await services.web.conversations_replies(
        channel=thread.channel,
        ts=thread.ts,
        oldest=f"{float(since) - SKEW_SECONDS:.6f}",
        include_all_metadata=True,
        limit=200,
    )
    for reply in mappings(page.get("messages")):
        about = ours(reply, services.identity.user, EVENT_TYPE)
        if about and about.get("view") == question.view:
            return str(reply["ts"])
    return None

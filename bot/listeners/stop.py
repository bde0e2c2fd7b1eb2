"""Somebody wants an answer stopped: by our button, by Slack's own, or by a word in the thread.

Only who asked may do it, and the workspace's admins.
"""

import logging
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.intake.admission import Way
from bot.intake.read_click import Click
from bot.intake.read_message import Heard
from bot.listeners.ephemeral import Notice, tell
from bot.services import Services
from bot.store.threads import stops
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.talk.payload import mapping
from bot.views.footer import read_value

log = logging.getLogger("parley.listeners")

NOTHING = Notice("There is nothing left to stop here.")
NOT_YOURS = "Only {askers} and this workspace's admins can stop this answer."


def register(app: AsyncApp) -> None:
    app.event("agent_session_stopped")(press_natively)


async def press(click: Click, services: Services) -> Notice | None:
    """Our button, below the answer that it stops."""
    value = read_value(click.value)
    waiting = await services.inbox.waiting(click.thread)
    questions = [message for message in waiting if value and message.ts == value[0]]
    if not questions:
        return NOTHING
    stopped = await _stop(questions, click.user, services)
    return None if stopped else not_yours(questions)


async def press_natively(body: dict[str, Any], services: Services, team: str) -> None:
    """Slack's own button, which names a thread. Raises redis.RedisError, and then Slack delivers it again.

    https://docs.slack.dev/reference/events/agent_session_stopped
    """
    event = mapping(body.get("event"))
    channel, thread_ts, user = event.get("channel"), event.get("thread_ts"), event.get("user")
    if not (is_id(channel) and is_id(user) and is_ts(thread_ts)):
        log.debug("ignored event_id=%s reason=fields are missing", body.get("event_id"))
        return
    thread = Thread(team, channel, thread_ts)
    questions = await services.inbox.waiting(thread)
    if questions and not await _stop(questions, user, services):
        tell(services.web, thread, user, not_yours(questions))


async def obey(heard: Heard, services: Services) -> bool:
    """Stop what was asked before this stop word; who may not do so is told.

    False if its author may not speak to us, or if there is nothing to stop: then it is a message like any other.
    Whoever asked may stop that in a channel without follow-ups, too. Raises redis.RedisError.
    """
    message, thread = heard.message, heard.message.thread
    if await services.admission.refusal(heard.asker, Way.STOP_WORD, heard.where):
        return False
    waiting = await services.inbox.waiting(thread)
    questions = [question for question in waiting if float(question.ts) < float(message.ts)]
    if not questions:
        return False
    stopped = await _stop(questions, message.user, services, said_in=message.ts)
    if not stopped and await stops.hear(services.redis, thread, message.ts):
        tell(services.web, thread, message.user, not_yours(questions))
    return True


def not_yours(questions: Sequence[Message]) -> Notice:
    users = dict.fromkeys(question.user for question in questions)
    askers = " and ".join(f"<@{user}>" for user in users)
    return Notice(NOT_YOURS.format(askers=askers))


async def _stop(questions: Sequence[Message], user: str, services: Services, said_in: str | None = None) -> bool:
    """Stop the answers to the questions of this user, or all of them for an admin who asked none of them.

    `said_in` is the ts of the stop word. False if the user may stop none of them.
    """
    thread = questions[0].thread
    own = [question for question in questions if question.user == user]
    if not own and not await services.admins.has(thread.team, user):
        return False
    timestamps = [question.ts for question in own or questions]
    await stops.ask(services.redis, thread, timestamps, user, said_in)
    log.info("stop asked thread=%s ts=%s user=%s", thread, ",".join(timestamps), user)
    return True

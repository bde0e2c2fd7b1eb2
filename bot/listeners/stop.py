"""Somebody wants an answer stopped: by our button, by Slack's own, or by a word in the thread.

Only who asked may do it, and the workspace's admins.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.read_click import Click
from bot.listeners.ephemeral import Notice, tell
from bot.slack.admins import Admins
from bot.store.threads import stops
from bot.store.threads.inbox import Inbox
from bot.talk.markup import spoken
from bot.talk.message import Message, Thread, is_id, is_ts
from bot.views.footer import read_value

log = logging.getLogger("parley.listeners")

WORDS = {"stop", "cancel", "halt"}
NOTHING = Notice("There is nothing left to stop here.")
NOT_YOURS = "Only {askers} and this workspace's admins can stop this answer."


def register(app: AsyncApp) -> None:
    app.event("agent_session_stopped")(press_natively)


async def press(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> Notice | None:
    """Our button, below the answer that it stops."""
    value = read_value(click.value)
    questions = [each for each in await inbox.waiting(click.thread) if value and each.ts == value[0]]
    if not questions:
        return NOTHING
    stopped = await _stop(questions, click.user, redis, admins)
    return None if stopped else not_yours(questions)


async def press_natively(
    body: dict[str, Any], inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins, team: str
) -> None:
    """Slack's own button, which names a thread. Raises redis.RedisError, and then Slack delivers it again.

    https://docs.slack.dev/reference/events/agent_session_stopped
    """
    event = body.get("event")
    given = event if isinstance(event, Mapping) else {}
    channel, thread_ts, user = given.get("channel"), given.get("thread_ts"), given.get("user")
    if not (is_id(channel) and is_id(user) and is_ts(thread_ts)):
        log.debug("ignored event_id=%s reason=fields are missing", body.get("event_id"))
        return
    thread = Thread(team, channel, thread_ts)
    questions = await inbox.waiting(thread)
    if questions and not await _stop(questions, user, redis, admins):
        tell(web, thread, user, not_yours(questions))


def is_word(message: Message, bot_user: str) -> bool:
    """Whether the message says no more than that something shall stop."""
    return not message.files and spoken(message.text, bot_user, {}).strip(" .!…").casefold() in WORDS


async def say(message: Message, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> bool:
    """Stop what was asked before this stop word; who may not do so is told. False if nothing was to be stopped.

    Raises redis.RedisError.
    """
    thread, ts, user = message.thread, message.ts, message.user
    questions = [each for each in await inbox.waiting(thread) if float(each.ts) < float(ts)]
    if not questions:
        return False
    if not await _stop(questions, user, redis, admins, said_in=ts) and await stops.hear(redis, thread, ts):
        tell(web, thread, user, not_yours(questions))
    return True


def not_yours(questions: Sequence[Message]) -> Notice:
    askers = " and ".join(f"<@{user}>" for user in dict.fromkeys(each.user for each in questions))
    return Notice(NOT_YOURS.format(askers=askers))


async def _stop(
    questions: Sequence[Message], user: str, redis: Redis, admins: Admins, said_in: str | None = None
) -> bool:
    """Stop the answers to the questions of this user, or all of them for an admin who asked none of them."""
    thread = questions[0].thread
    own = [each for each in questions if each.user == user]
    if not own and not await admins.has(thread.team, user):
        return False
    stamps = [each.ts for each in own or questions]
    await stops.ask(redis, thread, stamps, user, said_in)
    log.info("stop asked thread=%s ts=%s user=%s", thread, ",".join(stamps), user)
    return True

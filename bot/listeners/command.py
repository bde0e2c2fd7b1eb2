"""`/parley`: what everybody may ask of us beside questions. Only who asks sees the answer.

Slack waits three seconds and sends a command once (https://docs.slack.dev/interactivity/implementing-slash-commands).
"""

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.admins import Admins
from bot.listeners import steer
from bot.manifest import COMMAND
from bot.settings import Settings
from bot.steering.order import Order
from bot.store.erase import forget
from bot.store.inbox import Inbox

log = logging.getLogger("parley.listeners")

MOST_SECONDS = 2.5
AWAY = "I cannot answer that right now, because my memory is out of reach. Please try again in a minute."
NOWHERE = "I cannot tell where you are asking from. Please ask again in a channel or in a direct message with me."
FORGOTTEN = "Done. I have forgotten {what} here: what was said, files, and questions that were waiting."
NOTHING = "There was nothing to forget here."
NO_WORKERS = "I can hear you, but nothing that writes answers is running. Questions wait until it is back."


@dataclass(frozen=True)
class Asked:
    """Where a command was typed, and what it may look at."""

    team: str
    channel: str
    user: str
    inbox: Inbox
    redis: "Redis"
    settings: Settings


def register(app: AsyncApp) -> None:
    app.command(COMMAND)(receive)


async def receive(
    body: dict[str, Any],
    ack: AsyncAck,
    inbox: Inbox,
    redis: "Redis",
    web: AsyncWebClient,
    settings: Settings,
    admins: Admins,
    team: str,
) -> None:
    words = str(body.get("text") or "").split()
    name = words[0].lower() if words else "help"
    channel, user = body.get("channel_id"), body.get("user_id")
    if not (isinstance(channel, str) and channel and isinstance(user, str) and user):
        await ack(NOWHERE)
        return
    answer = ANSWERS.get(name)
    if answer is None and name not in steer.ORDERS:
        await ack(unknown(name))
        return
    try:
        async with asyncio.timeout(MOST_SECONDS):
            if answer is not None:
                said = await answer(Asked(team, channel, user, inbox, redis, settings))
            else:
                trigger = str(body.get("trigger_id") or "")
                order = Order(team, channel, user, words[1:], trigger, redis, web, settings)
                said = await steer.obey(name, order, admins)
        await ack(said)
    except (RedisError, TimeoutError) as error:
        log.warning("not answered command=%s team=%s error=%s", name, team, type(error).__name__)
        await ack(AWAY)


def help_text() -> str:
    return "\n".join(
        [
            "Mention me with a question, or write to me in a direct message. I answer in the thread.",
            "",
            *(f"`{COMMAND} {name}` {what}" for name, what in HELP.items()),
        ]
    )


def unknown(name: str) -> str:
    """`name` is anything that somebody typed."""
    near = difflib.get_close_matches(name[:40], [*ANSWERS, *steer.ORDERS], n=1, cutoff=0.5)
    meant = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
    return f"I do not know that command.{meant}\n\n{help_text()}"


async def _help(asked: Asked) -> str:
    return help_text()


async def _status(asked: Asked) -> str:
    load = await asked.inbox.load()
    if not load.workers:
        return NO_WORKERS
    slots = load.workers * asked.settings.slots
    return (
        f"All is well. Answers being written: {load.running} of {slots} possible at once. "
        f"Waiting for a free place: {load.waiting}."
    )


async def _forget(asked: Asked) -> str:
    count = await forget(asked.redis, asked.team, asked.channel)
    log.info("forgotten team=%s channel=%s user=%s threads=%d", asked.team, asked.channel, asked.user, count)
    if not count:
        return NOTHING
    return FORGOTTEN.format(what="our conversation" if count == 1 else f"our {count} conversations")


ANSWERS: dict[str, Callable[[Asked], Awaitable[str]]] = {
    "help": _help,
    "status": _status,
    "forget": _forget,
}
HELP = {
    "help": "shows this.",
    "status": "tells what is going on.",
    "forget": "makes me forget all conversations of this channel or direct message, for everybody in it.",
    **steer.HELP,
}

"""`/parley`: what everybody may ask of us beside questions. Only who asks sees the answer.

Slack waits three seconds and sends a command once (https://docs.slack.dev/interactivity/implementing-slash-commands).
"""

import difflib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import export, steer, usage
from bot.commands.command import Asked
from bot.manifest import COMMAND
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.slack.deadline import NotDone, within_three_seconds
from bot.store import keys
from bot.store.rules import policy
from bot.store.threads.erase import forget
from bot.store.threads.inbox import Inbox
from bot.talk.arguments import Unclear
from bot.talk.message import is_id

log = logging.getLogger("parley.listeners")

AWAY = "I cannot answer that right now, because my memory is out of reach. Please try again in a minute."
NOWHERE = "I cannot tell where you are asking from. Please ask again in a channel or in a direct message with me."
FORGOTTEN = "Done. I have forgotten {what} here: what was said, files, and questions that were waiting."
NOTHING = "There was nothing to forget here."
NO_WORKERS = "I can hear you, but nothing that writes answers is running. Questions wait until it is back."


def register(app: AsyncApp) -> None:
    app.command(COMMAND)(receive)


async def receive(
    body: dict[str, Any],
    ack: AsyncAck,
    inbox: Inbox,
    redis: Redis,
    web: AsyncWebClient,
    settings: Settings,
    admins: Admins,
    team: str,
) -> None:
    name, *words = str(body.get("text") or "").split() or ["help"]
    channel, user = body.get("channel_id"), body.get("user_id")
    if not (is_id(channel) and is_id(user)):
        await ack(NOWHERE)
        return
    answer = ANSWERS.get(name.lower())
    if answer is None:
        await ack(unknown(name))
        return
    asked = Asked(
        *(team, channel, user, words),
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
        inbox=inbox,
        redis=redis,
        web=web,
        settings=settings,
        admins=admins,
    )
    try:
        async with within_three_seconds("command", name=name.lower(), team=team, user=user):
            said = await answer(asked)
    except Unclear as unclear:
        said = str(unclear)
    except NotDone:
        said = AWAY
    await (ack(said) if said else ack())


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
    near = difflib.get_close_matches(name.lower(), ANSWERS, n=1, cutoff=0.5)
    meant = f" Did you mean `{COMMAND} {near[0]}`?" if near else ""
    return f"I do not know that command.{meant}\n\n{help_text()}"


async def _help(asked: Asked) -> str:
    return help_text()


async def _status(asked: Asked) -> str:
    load = await asked.inbox.load()
    if not load.workers:
        return NO_WORKERS
    model = await policy.model_in(asked.redis, asked.team, asked.channel) or asked.settings.model
    if await asked.redis.hexists(keys.breaker(model), "open_until"):
        return f"Claude (`{model}`) does not answer at the moment. I go on trying. Waiting: {load.waiting}."
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


# None: the answer comes otherwise, by response_url or as a form.
ANSWERS: dict[str, Callable[[Asked], Awaitable[str | None]]] = {
    "help": _help,
    "status": _status,
    "forget": _forget,
    "usage": usage.show,
    "export": export.send,
    **{name: partial(steer.obey, name) for name in steer.ORDERS},
}
HELP = {
    "help": "shows this.",
    "status": "tells what is going on.",
    "forget": "makes me forget all conversations of this channel or direct message, for everybody in it.",
    "usage": "tells what you used: `me`, and a period such as `today`, `30d` or `2026-11`. Admins: what all used, or "
    "a `@person`, a `#channel`, a `model:NAME`.",
    "export": "for admins: sends the counts of a period, and its votes and comments, as CSV files.",
    **steer.HELP,
}

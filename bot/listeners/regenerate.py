"""Somebody wants the newest answer of a thread anew, or to go on where it ended. Anybody may, as anybody may ask."""

import logging
import time

from bot import background
from bot.intake.read_click import Click
from bot.listeners.ephemeral import Notice
from bot.services import Services
from bot.slack import native_stop, status
from bot.store.rules import limits
from bot.store.threads import history
from bot.talk.message import Message
from bot.views.footer import read_value
from bot.views.refusals import slow_down

log = logging.getLogger("parley.listeners")

GO_ON = "Please go on exactly where you stopped."
OLDER = Notice("I can do this for the newest answer of a thread only. Ask your question again, and I answer it anew.")
FORGOTTEN = Notice("I no longer remember this conversation. Please ask your question again.")
BUSY = Notice("I am still answering in this thread. Please try again when I am done.")
# By how much Slack's clock and ours may differ.
SKEW_SECONDS = 60.0


async def regenerate(click: Click, services: Services) -> Notice | None:
    return await _ask(click, services, anew=True)


async def go_on(click: Click, services: Services) -> Notice | None:
    return await _ask(click, services, anew=False)


async def _ask(click: Click, services: Services, *, anew: bool) -> Notice | None:
    """Put the wish into the mailbox as a message of who clicked. The second of two clicks in a row is not told BUSY."""
    redis, thread = services.redis, click.thread
    value = read_value(click.value)
    newest = history.newest(await history.load(redis, thread))
    if newest is None:
        return FORGOTTEN
    if value is None or value[0] != newest:
        return OLDER
    message = Message(
        thread=thread,
        ts=moment(click.ts, newest, time.time()),
        user=click.user,
        text="" if anew else GO_ON,
        direct=click.where.direct,
        user_team=click.user_team,
        again=newest if anew else None,
    )
    if too_many := await limits.take(redis, message):
        return Notice(slow_down(too_many))
    if await services.inbox.put(message, alone=True):
        log.info("%s thread=%s ts=%s user=%s", "again" if anew else "go on", thread, message.ts, message.user)
        background.run(status.show(services.web, redis, thread, newest))
        background.run(native_stop.begin(services.web, redis, thread))
        return None
    waiting = await services.inbox.waiting(thread)
    if not waiting or any(_is_same(message, other) for other in waiting):
        return None
    return BUSY


def _is_same(wish: Message, other: Message) -> bool:
    return (wish.user, wish.text, wish.again) == (other.user, other.text, other.again)


def moment(clicked: str, newest: str, now: float) -> str:
    """The ts of the message for a click: the click's own, unless it is before the newest question or in the future."""
    if float(newest) < float(clicked) <= now + SKEW_SECONDS:
        return clicked
    return f"{max(now, float(newest) + 0.000_002):.6f}"

"""Somebody wants the newest answer of a thread anew, or to go on where it ended. Anybody may, as anybody may ask."""

import logging
import time

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.intake.read_click import Click
from bot.listeners.ephemeral import Notice
from bot.slack import native_stop, status
from bot.slack.admins import Admins
from bot.store.rules import limits
from bot.store.threads import history
from bot.store.threads.inbox import Inbox
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


async def regenerate(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> Notice | None:
    return await _ask(click, inbox, redis, web, anew=True)


async def go_on(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, admins: Admins) -> Notice | None:
    return await _ask(click, inbox, redis, web, anew=False)


async def _ask(click: Click, inbox: Inbox, redis: Redis, web: AsyncWebClient, *, anew: bool) -> Notice | None:
    """Put it into the mailbox as a message of who clicked. One of two clicks in a row goes unheard."""
    value = read_value(click.value)
    newest = history.newest(await history.load(redis, click.thread))
    if newest is None:
        return FORGOTTEN
    if value is None or value[0] != newest:
        return OLDER
    message = Message(
        thread=click.thread,
        ts=moment(click.ts, newest, time.time()),
        user=click.user,
        text="" if anew else GO_ON,
        direct=click.thread.channel.startswith("D"),
        user_team=click.user_team,
        again=newest if anew else None,
    )
    if too_many := await limits.take(redis, message):
        return Notice(slow_down(too_many))
    if await inbox.put(message, alone=True):
        log.info("%s thread=%s ts=%s user=%s", "again" if anew else "go on", message.thread, message.ts, message.user)
        background.run(status.show(web, redis, message.thread, newest))
        background.run(native_stop.begin(web, redis, message.thread))
        return None
    waiting = await inbox.waiting(click.thread)
    twice = [(each.user, each.text, each.again) == (message.user, message.text, message.again) for each in waiting]
    return None if any(twice) or not waiting else BUSY


def moment(clicked: str, newest: str, now: float) -> str:
    """A ts for a click that comes after the newest question; that of the click itself if it makes sense."""
    if float(newest) < float(clicked) <= now + SKEW_SECONDS:
        return clicked
    return f"{max(now, float(newest) + 0.000_002):.6f}"

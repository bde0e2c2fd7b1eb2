"""Reads from Slack what was said in a thread without asking us.

Before the first question that is the whole thread; with a later question, what people said to each other since.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.directory import Directory
from bot.slack.errors import SLACK_TROUBLE, describe
from bot.store import keys
from bot.store.threads import asides, history
from bot.store.threads.history import Entry
from bot.talk import text_of
from bot.talk.markup import mentioned_people, spoken
from bot.talk.message import Message, is_id, is_ts
from bot.talk.payload import mappings, ours
from bot.views.shortcut import EVENT_TYPE as QUESTION
from workers.prompt.quoting import attribute

log = logging.getLogger("parley.backfill")

MOST_MESSAGES = 50
MOST_CHARACTERS = 20_000
PAGE, PAGES = 200, 5
READING_SECONDS = 3.0
ATTACHED = "[Attached, but not given to you: {names}]"
# https://docs.slack.dev/reference/events/message: other subtypes are about the channel.
SPOKEN = (None, "file_share", "thread_broadcast", "bot_message")


async def earlier(
    slack: AsyncWebClient, redis: Redis, message: Message, bot_user: str, known: Sequence[Entry] = ()
) -> list[Entry]:
    """The newest messages of the thread before this one, oldest first, as entries that join the end of the history.

    Our own messages become answers. With a `known` history only what people said since its last question is read. The
    list is empty if the message begins the thread, if the thread was forgotten, or if Slack does not let us read it
    (https://docs.slack.dev/reference/methods/conversations.replies).
    """
    thread = message.thread
    since = history.newest(known)
    if message.ts == thread.ts or await redis.exists(keys.forgotten(thread)):
        return []
    if known and not (since and await asides.were_after(redis, thread, since)):
        return []
    messages: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(READING_SECONDS):
            await _read(slack, message, since, messages)
    except SLACK_TROUBLE as error:
        log.info("read=%d thread=%s error=%s", len(messages), thread, describe(error))
    said = [slack_message for slack_message in messages if _is_spoken(slack_message, since or "0", message.ts)]
    if known:
        known_ts = {entry.ts for entry in known}
        said = [
            slack_message
            for slack_message in said
            if slack_message.get("user") != bot_user and slack_message["ts"] not in known_ts
        ]
    newest = said[-MOST_MESSAGES:]
    users = [_author(slack_message, bot_user) for slack_message in newest if slack_message.get("user")]
    mentioned = sorted({user for slack_message in newest for user in mentioned_people(text_of.of(slack_message))})
    names = await Directory(redis, slack).names(thread.team, [*users, *mentioned])
    return _fitting(_entry(slack_message, bot_user, names) for slack_message in newest)


async def _read(slack: AsyncWebClient, message: Message, since: str | None, messages: list[dict[str, Any]]) -> None:
    """Append the thread's messages to `messages`, so that those read before a time-out are there."""
    cursor: str | None = None
    for _ in range(PAGES):
        page = await slack.conversations_replies(
            channel=message.thread.channel,
            ts=message.thread.ts,
            limit=PAGE,
            oldest=since,
            cursor=cursor,
            include_all_metadata=True,
        )
        messages += [item for item in page.get("messages") or [] if isinstance(item, dict)]
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return


def _is_spoken(said: dict[str, Any], since: str, before: str) -> bool:
    if said.get("subtype") not in SPOKEN or said.get("user") in ("USLACKBOT", "USLACK"):
        return False
    return is_ts(said.get("ts")) and float(since) < float(said["ts"]) < float(before)


def _entry(said: dict[str, Any], bot_user: str, names: dict[str, str]) -> Entry:
    user = said.get("user") or said.get("bot_id")
    asked = _asked(said, bot_user)
    if asked:
        asker, question = asked
        return Entry("user", question, said["ts"], asker, names.get(asker))
    if user == bot_user:
        written = [block.get("text") for block in mappings(said.get("blocks")) if block.get("type") == "markdown"]
        text = "\n\n".join(part for part in written if isinstance(part, str)) or str(said.get("text") or "")
        return Entry("assistant", text, said["ts"])
    attached = [attribute(str(file.get("name") or file.get("id"))) for file in mappings(said.get("files"))]
    parts = [spoken(text_of.of(said), bot_user, names)]
    if attached:
        parts.append(ATTACHED.format(names=", ".join(attached)))
    profile = said.get("bot_profile") or {}
    name = names.get(str(user)) or said.get("username") or profile.get("name")
    return Entry("user", "\n\n".join(part for part in parts if part), said["ts"], user, name)


def _author(said: dict[str, Any], bot_user: str) -> str:
    asked = _asked(said, bot_user)
    return asked[0] if asked else str(said["user"])


def _asked(said: dict[str, Any], bot_user: str) -> tuple[str, str] | None:
    """Who asked which question, if this is our message that shows a question asked by shortcut."""
    about = ours(said, bot_user, QUESTION) or {}
    user, question = about.get("user"), about.get("question")
    return (user, question) if is_id(user) and isinstance(question, str) else None


def _fitting(entries: Iterable[Entry]) -> list[Entry]:
    """The newest entries that fit, without empty ones. The first is no answer: a history begins with a person."""
    kept: list[Entry] = []
    left = MOST_CHARACTERS
    for entry in reversed([entry for entry in entries if entry.text.strip()]):
        left -= len(entry.text)
        if left < 0:
            break
        kept.insert(0, entry)
    while kept and kept[0].role == "assistant":
        kept.pop(0)
    return kept

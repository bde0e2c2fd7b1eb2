"""What was said in a thread before somebody asked us: read from Slack when the thread knows nothing yet.

What people said to each other since the last question is read with the next one.
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
from bot.views.shortcut import EVENT_TYPE as QUESTION

log = logging.getLogger("parley.backfill")

MOST_MESSAGES = 50
MOST_CHARACTERS = 20_000
PAGE, PAGES = 200, 5
READING_SECONDS = 3.0
ATTACHED = "[Attached, but not given to you: {names}]"
# https://docs.slack.dev/reference/events/message: the others are about the channel.
SPOKEN = (None, "file_share", "thread_broadcast", "bot_message")


async def earlier(
    slack: AsyncWebClient, redis: Redis, message: Message, bot_user: str, known: Sequence[Entry] = ()
) -> list[Entry]:
    """The newest messages of the thread before this one, oldest first, each an entry of its own; ours are answers.

    None where this message begins the thread, where the thread was forgotten, or where Slack does not let us read it
    (https://docs.slack.dev/reference/methods/conversations.replies). Of a thread of which something is `known`, what
    people said to each other since. They belong at the end of the history.
    """
    thread, since = message.thread, history.newest(known)
    if message.ts == thread.ts or await redis.exists(keys.forgotten(thread)):
        return []
    if known and not (since and await asides.were_after(redis, thread, since)):
        return []
    found: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(READING_SECONDS):
            await _read(slack, message, since, found)
    except SLACK_TROUBLE as error:
        log.info("read=%d thread=%s error=%s", len(found), thread, describe(error))
    said = [each for each in found if _is_spoken(each, since or "0", message.ts)]
    if known:
        stamps = {entry.ts for entry in known}
        said = [each for each in said if each.get("user") != bot_user and each["ts"] not in stamps]
    newest = said[-MOST_MESSAGES:]
    users = [asked[0] if (asked := _asked(each)) else str(each["user"]) for each in newest if each.get("user")]
    mentioned = sorted({user for each in newest for user in mentioned_people(text_of.of(each))})
    names = await Directory(redis, slack).names(thread.team, [*users, *mentioned])
    return _fitting(_entry(each, bot_user, names) for each in newest)


async def _read(slack: AsyncWebClient, message: Message, since: str | None, found: list[dict[str, Any]]) -> None:
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
        found += [each for each in page.get("messages") or [] if isinstance(each, dict)]
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
        if cursor is None:
            return


def _is_spoken(said: dict[str, Any], since: str, before: str) -> bool:
    if said.get("subtype") not in SPOKEN or said.get("user") in ("USLACKBOT", "USLACK"):
        return False
    return is_ts(said.get("ts")) and float(since) < float(said["ts"]) < float(before)


def _entry(said: dict[str, Any], bot_user: str, names: dict[str, str]) -> Entry:
    user = said.get("user") or said.get("bot_id")
    written = [block.get("text") for block in said.get("blocks") or () if block.get("type") == "markdown"]
    if asked := _asked(said):
        return Entry("user", asked[1], said["ts"], asked[0], names.get(asked[0]))
    if user == bot_user:
        text = "\n\n".join(part for part in written if isinstance(part, str)) or str(said.get("text") or "")
        return Entry("assistant", text, said["ts"])
    attached = [str(file.get("name") or file.get("id")) for file in said.get("files") or () if isinstance(file, dict)]
    parts = [spoken(text_of.of(said), bot_user, names)]
    if attached:
        parts.append(ATTACHED.format(names=", ".join(attached)))
    profile = said.get("bot_profile") or {}
    name = names.get(str(user)) or said.get("username") or profile.get("name")
    return Entry("user", "\n\n".join(part for part in parts if part), said["ts"], user, name)


def _asked(said: dict[str, Any]) -> tuple[str, str] | None:
    """Who asked what by shortcut, if a message of ours shows that."""
    metadata = said.get("metadata") or {}
    if metadata.get("event_type") != QUESTION:
        return None
    about = metadata.get("event_payload") or {}
    user, question = about.get("user"), about.get("question")
    return (user, question) if is_id(user) and isinstance(question, str) else None


def _fitting(entries: Iterable[Entry]) -> list[Entry]:
    """The newest that fit, without empty ones; a history begins with what a person said."""
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

"""Where a setting holds, as admins type it and as it is kept: `workspace`, `channel:C…`, `thread:C…:ts`, `user:U…`."""

import asyncio
from collections.abc import Collection

from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.command import Command
from bot.slack.directory import ASK_SECONDS
from bot.slack.errors import SLACK_TROUBLE, error_name, verdict
from bot.store import keys
from bot.talk import arguments
from bot.talk.arguments import Unclear, Words, quoted
from bot.talk.message import Thread

NAMES = ("here", "workspace", "each", "everyone", "channels")
CHANNEL_ERRORS = {"channel_not_found"}
PERSON_ERRORS = {"user_not_found", "user_not_visible", "users_not_found"}


def take_scope(words: Words, command: Command, allowed: Collection[str], usual: str) -> str:
    """The scope that the words name, else the usual one; `allowed` are the kinds that fit. Raises Unclear."""
    word = words.take("place or person", _is_scope)
    scope = usual if word is None else _scope(word, command)
    if scope.partition(":")[0] not in allowed:
        raise Unclear(f"{quoted(word or usual)} does not fit here: it can be {named(allowed)}.")
    return scope


def named(kinds: Collection[str]) -> str:
    """How somebody types a scope of one of these kinds, for a sentence."""
    shown = {
        "workspace": "`workspace`",
        "channel": "`here` or a `#channel`",
        "thread": "the link of a thread",
        "channels": "`channels` (each of them)",
        "each": "`each` (person)",
        "user": "a `@person`",
    }
    *others, last = [text for kind, text in shown.items() if kind in kinds]
    return f"{', '.join(others)} or {last}" if others else last


async def check(scope: str, web: AsyncWebClient) -> None:
    """Ask Slack whether the person or channel of the scope exists.

    Raises Unclear if it does not, or if Slack does not answer, and redis.RedisError.
    """
    kind, _, id = scope.partition(":")
    if kind not in ("user", "channel", "thread") or id.startswith("D"):
        return
    try:
        async with asyncio.timeout(ASK_SECONDS):
            if kind == "user":
                await web.users_info(user=id)
            else:
                await web.conversations_info(channel=id.partition(":")[0])
    except SLACK_TROUBLE as error:
        name = error_name(error)
        if name in PERSON_ERRORS:
            raise Unclear("I find no such person in this workspace. Nothing was changed.") from None
        if name in CHANNEL_ERRORS:
            raise Unclear("I find no such channel. If it is private, invite me first. Nothing was changed.") from None
        if name == "missing_scope" or verdict(error) == "permanent":
            return
        raise Unclear("Slack does not answer me right now, so nothing was changed. Please try again.") from None


def policy(team: str, scope: str) -> str:
    """The key of the hash with persona, model and access of a scope."""
    kind, _, id = scope.partition(":")
    if kind == "thread":
        return keys.thread_policy(Thread(team, *id.split(":")))
    if kind == "channel":
        return keys.channel_policy(team, id)
    return keys.workspace_policy(team)


def _is_scope(word: str) -> bool:
    return word.lower() in NAMES or word.startswith(("@", "#", "<@", "<#", "<!")) or arguments.thread(word) is not None


def _scope(word: str, command: Command) -> str:
    if user := arguments.person(word):
        return f"user:{user}"
    if channel := arguments.channel(word):
        return f"channel:{channel}"
    if thread := arguments.thread(word):
        channel, ts = thread
        return f"thread:{channel}:{ts}"
    name = word.lower()
    if name == "here":
        return f"channel:{command.channel}"
    return "each" if name == "everyone" else name

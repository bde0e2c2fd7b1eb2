"""What an admin wants, word by word. Words that fit nothing are told, and then nothing is changed."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.slack import CALL_ERRORS, error_name, verdict
from bot.store import keys

# With should_escape: https://docs.slack.dev/interactivity/implementing-slash-commands#creating_commands
PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^<>]*)?>")
# Slack has escaped the text already.
BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
FILLERS = {"a", "an", "at", "for", "in", "most", "of", "per", "the", "to", "/"}
SHOWN = 40

CHANNEL_ERRORS = {"channel_not_found"}
PERSON_ERRORS = {"user_not_found", "user_not_visible", "users_not_found"}


class Unclear(Exception):
    """The order cannot be followed; the message is a sentence that says why, and what could be."""


@dataclass(frozen=True)
class Order:
    """`words` are those after the command's name."""

    team: str
    channel: str
    user: str
    words: Sequence[str]
    trigger_id: str
    redis: "Redis"
    web: AsyncWebClient
    settings: Settings

    def after(self, count: int) -> "Order":
        return replace(self, words=self.words[count:])


class Words:
    """The words that are still to be understood. Each `take` removes one, and there may be one of each kind only."""

    def __init__(self, words: Sequence[str]) -> None:
        self._left = [word for word in words if word.lower() not in FILLERS]

    def take(self, what: str, is_one: Callable[[str], bool]) -> str | None:
        """The word that is one, None if none is. Raises Unclear for two."""
        found = [word for word in self._left if is_one(word)]
        if len(found) > 1:
            raise Unclear(f"One {what} at a time, please: {quoted(found[0])} or {quoted(found[1])}?")
        if found:
            self._left.remove(found[0])
            return found[0]
        return None

    def take_all(self, is_one: Callable[[str], bool]) -> list[str]:
        found = [word for word in self._left if is_one(word)]
        self._left = [word for word in self._left if not is_one(word)]
        return found

    def end(self, usage: str) -> None:
        """Raises Unclear if a word is left."""
        if self._left:
            raise Unclear(f"I do not understand {quoted(self._left[0])}. {usage}")


def take_scope(words: Words, order: Order, allowed: Collection[str], usual: str) -> str:
    """`workspace`, `each`, `channels`, `channel:C…` or `user:U…`. The words may name channels if `channel` is allowed.

    Raises Unclear.
    """
    word = words.take("place or person", _is_scope)
    found = usual if word is None else _scope(word, order)
    if found.partition(":")[0] not in allowed:
        raise Unclear(f"{quoted(word or usual)} does not fit here: it can be {named(allowed)}.")
    return found


def named(scopes: Collection[str]) -> str:
    shown = {
        "workspace": "`workspace`",
        "channel": "`here` or a `#channel`",
        "channels": "`channels` (each of them)",
        "each": "`each` (person)",
        "user": "a `@person`",
    }
    *others, last = [text for scope, text in shown.items() if scope in scopes]
    return f"{', '.join(others)} or {last}" if others else last


async def check(scope: str, web: AsyncWebClient) -> None:
    """Ask Slack whether the person or channel exists. Raises Unclear, also where Slack does not say."""
    kind, _, id = scope.partition(":")
    if kind not in ("user", "channel") or id.startswith("D"):
        return
    try:
        if kind == "user":
            await web.users_info(user=id)
        else:
            await web.conversations_info(channel=id)
    except CALL_ERRORS as error:
        name = error_name(error)
        if name in PERSON_ERRORS:
            raise Unclear("I find no such person in this workspace. Nothing was changed.") from None
        if name in CHANNEL_ERRORS:
            raise Unclear("I find no such channel. If it is private, invite me first. Nothing was changed.") from None
        if name == "missing_scope" or verdict(error) == "permanent":
            return
        raise Unclear("Slack does not answer me right now, so nothing was changed. Please try again.") from None


def policy(team: str, scope: str) -> str:
    """The hash in which persona, model and access of a scope are."""
    kind, _, id = scope.partition(":")
    return keys.channel_policy(team, id) if kind == "channel" else keys.workspace_policy(team)


def quoted(word: str) -> str:
    """As it was typed, unable to do anything."""
    cut = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
    return "“" + BARE_AMPERSAND.sub("&amp;", cut).replace("<", "&lt;").replace(">", "&gt;").replace("`", "'") + "”"


def _is_scope(word: str) -> bool:
    return (
        word.lower() in ("here", "workspace", "each", "everyone", "channels")
        or word[:1] in "@#"
        or word[:2]
        in (
            "<@",
            "<#",
        )
    )


def _scope(word: str, order: Order) -> str:
    if match := PERSON.fullmatch(word):
        return f"user:{match[1]}"
    if match := CHANNEL.fullmatch(word):
        return f"channel:{match[1]}"
    name = word.lower()
    if name[:1] in "@<" and not name.startswith("<#"):
        raise Unclear(f"I find no person {quoted(word)}. Pick them from the list that Slack shows when you type `@`.")
    if name[:1] in "#<":
        raise Unclear(f"I find no channel {quoted(word)}. Pick it from the list that Slack shows when you type `#`.")
    return {"here": f"channel:{order.channel}", "everyone": "each"}.get(name, name)

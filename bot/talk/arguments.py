"""Words that somebody typed after a command. Those that fit nothing are told, and then nothing is changed."""

import re
from collections.abc import Callable, Sequence

# With should_escape: https://docs.slack.dev/interactivity/implementing-slash-commands#creating_commands
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^<>]*)?>")
# https://docs.slack.dev/reference/methods/chat.getPermalink
_PERMALINK = re.compile(r"<?https://[^/\s|>]+/archives/([CGD][A-Z0-9]+)/p(\d{10})(\d{6})(\?[^\s|>]*)?(?:\|[^<>]*)?>?")
_THREAD_TS = re.compile(r"[?&;]thread_ts=(\d{10}\.\d{6})")
# Slack has escaped the text already.
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_FILLERS = {"a", "an", "at", "for", "in", "most", "of", "people", "per", "person", "the", "to", "/"}
_SHOWN = 40


class Unclear(Exception):
    """The words cannot be followed; the message is a sentence that says why, and what could be."""


class Words:
    """The words that are still to be understood. Each `take` removes one, and there may be one of each kind only."""

    def __init__(self, words: Sequence[str]) -> None:
        self._left = [word for word in words if word.lower() not in _FILLERS]

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


def person(word: str) -> str | None:
    """The id of a person, None for another word. Raises Unclear for a name that Slack did not recognise."""
    if match := _PERSON.fullmatch(word):
        return match[1]
    if word.startswith(("@", "<@", "<!")):
        raise Unclear(f"I find no person {quoted(word)}. Pick them from the list that Slack shows when you type `@`.")
    return None


def channel(word: str) -> str | None:
    """The id of a channel, None for another word. Raises Unclear for a name that Slack did not recognise."""
    if match := _CHANNEL.fullmatch(word):
        return match[1]
    if word.startswith(("#", "<#")):
        raise Unclear(f"I find no channel {quoted(word)}. Pick it from the list that Slack shows when you type `#`.")
    return None


def thread(word: str) -> tuple[str, str] | None:
    """Channel and ts of the thread in which the message is whose link somebody pasted, None for another word."""
    match = _PERMALINK.fullmatch(word)
    if match is None:
        return None
    parent = _THREAD_TS.search(match[4] or "")
    return match[1], parent[1] if parent else f"{match[2]}.{match[3]}"


def quoted(word: str) -> str:
    """As it was typed, unable to do anything."""
    cut = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…"
    return "“" + _BARE_AMPERSAND.sub("&amp;", cut).replace("<", "&lt;").replace(">", "&gt;").replace("`", "'") + "”"

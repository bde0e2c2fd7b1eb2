"""Words that somebody typed after a command. Whoever types a word that fits nothing is told so."""

import re
from collections.abc import Callable, Sequence

# With should_escape: https://docs.slack.dev/interactivity/implementing-slash-commands#creating_commands
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^<>]*)?>")
# https://docs.slack.dev/reference/methods/chat.getPermalink
_PERMALINK = re.compile(r"<?https://[^/\s|>]+/archives/([CGD][A-Z0-9]+)/p(\d{10})(\d{6})(\?[^\s|>]*)?(?:\|[^<>]*)?>?")
_THREAD_TS = re.compile(r"[?&;]thread_ts=(\d{10}\.\d{6})")
# Slack has escaped the text already: only an ampersand that begins no entity is to be escaped.
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_FILLERS = {"a", "an", "at", "for", "in", "most", "of", "people", "per", "person", "the", "to", "/"}
_SHOWN = 40


class Unclear(Exception):
    """The words cannot be followed; the message is a sentence that says why, and what could be."""


class Words:
    """The words of a command that are still to be understood. Each `take` removes one, the only one of its kind."""

    def __init__(self, words: Sequence[str]) -> None:
        self._left = [word for word in words if word.lower() not in _FILLERS]

    def take(self, what: str, is_one: Callable[[str], bool]) -> str | None:
        """The word that `is_one`; None if there is none. Raises Unclear for two."""
        fitting = [word for word in self._left if is_one(word)]
        if not fitting:
            return None
        if len(fitting) > 1:
            raise Unclear(f"One {what} at a time, please: {quoted(fitting[0])} or {quoted(fitting[1])}?")
        self._left.remove(fitting[0])
        return fitting[0]

    def take_all(self, is_one: Callable[[str], bool]) -> list[str]:
        fitting = [word for word in self._left if is_one(word)]
        self._left = [word for word in self._left if not is_one(word)]
        return fitting

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
    """Channel and ts of the thread that has the message whose link this is; None for another word."""
    match = _PERMALINK.fullmatch(word)
    if match is None:
        return None
    parent = _THREAD_TS.search(match[4] or "")
    return match[1], parent[1] if parent else f"{match[2]}.{match[3]}"


def quoted(word: str) -> str:
    """The word in quotes, as it was typed, so that Slack shows it as plain text."""
    cut = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…"
    return "“" + _BARE_AMPERSAND.sub("&amp;", cut).replace("<", "&lt;").replace(">", "&gt;").replace("`", "'") + "”"

"""Slack's text rules: escaping, mentions, lengths. https://docs.slack.dev/messaging/formatting-message-text/"""

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"<(?:[@#!][^<>]+|(?:https?|mailto|tel|slack):[^<>]+)>")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_NAME = re.compile(r"(?<![\w@.])@([a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])", re.IGNORECASE)

_NAMED = re.compile(r"(?<![\w@#.])([@#])([a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])", re.IGNORECASE)


def escape(text: str) -> str:
    """Escape `& < >`, but not the ampersand of an entity that is there already."""
    return _BARE_AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def normalise(text: str) -> str:
    """The text as Slack keeps it: everything escaped except mentions and links."""
    if "<" not in text and ">" not in text and "&" not in text:
        return text
    kept = [escape(piece) for piece in _TOKEN.split(text)]
    tokens = _TOKEN.findall(text)
    return "".join(piece + token for piece, token in zip(kept, [*tokens, ""], strict=True))


def typed(text: str, people: Mapping[str, str]) -> str:
    """What Slack's composer makes of a typed text: `@name` becomes a mention, the rest is escaped.

    `people` gives user ids by lower-case name.
    """

    def mention(match: re.Match[str]) -> str:
        user = people.get(match[1].lower())
        return f"<@{user}>" if user else match[0]

    kept = [_NAME.sub(mention, escape(piece)) for piece in _TOKEN.split(text)]
    tokens = _TOKEN.findall(text)
    return "".join(piece + token for piece, token in zip(kept, [*tokens, ""], strict=True))


def typed_command(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """What reaches an app whose command has should_escape: people and channels as `<@U1|ada>` and `<#C1|general>`.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """

    def token(match: re.Match[str]) -> str:
        ids = people if match[1] == "@" else channels
        found = ids.get(match[2].lower())
        return f"<{match[1]}{found}|{match[2].lower()}>" if found else match[0]

    return _NAMED.sub(token, escape(text))


def rich_text(text: str) -> list[dict[str, Any]]:
    """The `rich_text` block that Slack's composer sends beside an escaped text."""
    elements: list[dict[str, Any]] = []
    place = 0
    for match in re.finditer(r"<@([UW][A-Z0-9]+)>", text):
        if match.start() > place:
            elements.append({"type": "text", "text": unescape(text[place : match.start()])})
        elements.append({"type": "user", "user_id": match[1]})
        place = match.end()
    if place < len(text):
        elements.append({"type": "text", "text": unescape(text[place:])})
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escaped_bytes(text: str) -> int:
    """The length chat.update counts: UTF-8 bytes after escaping. Observed (gitlab-org/gitlab!258898)."""
    return len(escape(text).encode("utf-8", "surrogatepass"))

"""How Slack writes people, channels and links in a text: https://docs.slack.dev/messaging/formatting-message-text."""

import re
from collections.abc import Mapping

MARKUP = re.compile(r"<([@#!][^<>|]+|(?:https?|mailto|tel):[^<>|]+)(?:\|([^<>]*))?>")
PERSON = re.compile(r"<@([A-Z0-9]+)")
PERSON_ID = re.compile(r"[UW][A-Z0-9]{1,20}")


def spoken(text: str, bot_user: str, names: Mapping[str, str]) -> str:
    """The text as its author saw it: without our mention at its edges, people and channels by name, no entities."""
    ours = rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>"
    text = re.sub(rf"^{ours}[ \t:,]*|{ours}$", "", text.strip()).strip()
    return unescape(MARKUP.sub(lambda match: _shown(match[1], match[2], names), text))


def mentioned_people(text: str) -> set[str]:
    """The ids of everybody whom the text mentions."""
    return set(PERSON.findall(text))


def escape(text: str) -> str:
    """The text so that Slack finds no markup in it. Slack escapes these three characters and nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quote(text: str) -> str:
    """The text as Slack writes a quotation: a mark before each line."""
    return "\n".join(f"&gt; {line}" for line in text.splitlines())


def one_line(name: str) -> str:
    """A name as one line: whoever chooses it cannot begin another with it."""
    return "".join(char if char.isprintable() else " " for char in name)


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(target: str, label: str | None, names: Mapping[str, str]) -> str:
    """What stands for `<target|label>`: https://docs.slack.dev/messaging/formatting-message-text#advanced."""
    kind, name = target[0], target[1:]
    if kind == "@":
        return f"@{one_line(names.get(name) or label or name)}"
    if kind == "#":
        return f"#{one_line(label or name)}"
    if kind == "!":
        return label or _mention_of_many(name)
    if not label or label in target:
        return target
    return f"{label} ({target})"


def _mention_of_many(name: str) -> str:
    """A user group is written `subteam^ID`; what follows a `^` in all else is no part of its name."""
    words = name.split("^")
    return f"@{words[1]}" if name.startswith("subteam^") else f"@{words[0]}"

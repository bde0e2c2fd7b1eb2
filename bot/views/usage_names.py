"""How a usage report names people, channels and models."""

from collections.abc import Mapping

from bot.store.counts.usage import DIRECT, Top, UsageKind
from bot.talk.markup import escape

MODEL_LENGTH = 60
TITLES: Mapping[UsageKind, tuple[str, str]] = {
    "user": ("People", "Person"),
    "channel": ("Channels", "Channel"),
    "model": ("Models", "Model"),
}


def caption(kind: UsageKind, top: Top, shown: int) -> str:
    """The title of a table or list that has `shown` rows of `top`."""
    title = TITLES[kind][0]
    return title if top.number <= shown else f"{title}: the {shown} that cost most of {top.number:,}"


def mention(kind: UsageKind, name: str, names: Mapping[str, str] | None) -> str | None:
    """`channel` or `user` if Slack shall show the name of this id; None where `display_name` has it.

    `names` are as for `bot.views.usage.blocks`: where they are given, nobody is mentioned. Bots ask too, and cannot be
    mentioned.
    """
    if kind == "channel" and name != DIRECT:
        return "channel"
    if kind == "user" and names is None and name[:1] in ("U", "W"):
        return "user"
    return None


def display_name(kind: UsageKind, name: str, names: Mapping[str, str] | None) -> str:
    """The name as plain text of what cannot or shall not be mentioned."""
    if kind == "channel":
        return "Direct messages"
    if kind == "user":
        return (names or {}).get(name, name)
    return name[:MODEL_LENGTH]


def name_as_mrkdwn(kind: UsageKind, name: str, names: Mapping[str, str] | None) -> str:
    """A mention, or the display name; no name ends code or becomes a mention."""
    match mention(kind, name, names):
        case "channel":
            return f"<#{name}>"
        case "user":
            return f"<@{name}>"
    return escape(display_name(kind, name, names)).replace("`", "'")

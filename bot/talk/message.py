"""What somebody said to us, and how Slack writes people, channels and links in a text."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TypeGuard

from bot.talk.file import File

ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
TS = re.compile(r"\d{1,12}\.\d{1,9}")
MARKUP = re.compile(r"<([@#!][^<>|]+|(?:https?|mailto|tel):[^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True)
class Thread:
    """A conversation: `team` is the installing team, `ts` the timestamp of the message that the thread hangs on."""

    team: str
    channel: str
    ts: str

    def __str__(self) -> str:
        return f"{self.team}:{self.channel}:{self.ts}"


@dataclass(frozen=True)
class Message:
    """What somebody said to us. `text` is as Slack sent it, with `<@U…>` and entities; `user_team` is their workspace.

    With `again` it is a wish to have the question with that ts answered once more.
    """

    thread: Thread
    ts: str
    user: str
    text: str
    event_id: str | None = None
    files: tuple[File, ...] = ()
    direct: bool = False
    mentioned: bool = False
    user_team: str | None = None
    again: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, data: str | bytes) -> "Message":
        """Fields that this version does not know are left out: another version may have written them."""
        known = {each.name for each in fields(cls)}
        found = {name: value for name, value in json.loads(data).items() if name in known}
        files = tuple(file for each in found.get("files", ()) if (file := File.kept(each)))
        return cls(**{**found, "thread": Thread(**found["thread"]), "files": files})


def spoken(text: str, bot_user: str, names: Mapping[str, str]) -> str:
    """The text as its author saw it: without our mention at its edges, people and channels by name, no entities.

    Slack escapes `&`, `<` and `>` and nothing else (https://docs.slack.dev/messaging/formatting-message-text).
    """
    ours = rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>"
    text = re.sub(rf"^{ours}[ \t:,]*|{ours}$", "", text.strip()).strip()
    return _unescape(MARKUP.sub(lambda m: _shown(m[1], m[2], names), text))


def mentioned_people(text: str) -> set[str]:
    return set(re.findall(r"<@([A-Z0-9]+)", text))


def _shown(target: str, label: str | None, names: Mapping[str, str]) -> str:
    """What stands for `<target|label>`: https://docs.slack.dev/messaging/formatting-message-text#advanced."""
    kind, name = target[0], target[1:]
    if kind == "@":
        return f"@{names.get(name) or label or name}"
    if kind == "#":
        return f"#{label or name}"
    if kind == "!":
        return label or f"@{name.split('^')[1] if name.startswith('subteam^') else name.split('^')[0]}"
    return target if not label or label in target else f"{label} ({target})"


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_id(value: object) -> TypeGuard[str]:
    """Of a person, a channel, an event: nothing that a key in Redis could not hold."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def is_ts(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and TS.fullmatch(value) is not None

"""What somebody said to us, and the ids and timestamps by which Slack names things."""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import TypeGuard

from bot.talk.file import File

ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
TS = re.compile(r"\d{1,12}\.\d{1,9}")


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

    With `again` the question with that ts is to be answered once more, and `text` is empty.
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
        known = {field.name for field in fields(cls)}
        stored = {name: value for name, value in json.loads(data).items() if name in known}
        files = [File.kept(file) for file in stored.get("files", ())]
        stored["files"] = tuple(file for file in files if file)
        stored["thread"] = Thread(**stored["thread"])
        return cls(**stored)


def is_id(value: object) -> TypeGuard[str]:
    """Whether it can be the id of a person, a channel or an event, and can stand in a key of Redis."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def loggable(value: object) -> str | None:
    """An id, a code or a ts; whatever else stands in its place could be as long as a book, or a word of somebody's."""
    if value is None:
        return None
    return value if is_id(value) or is_ts(value) else "unreadable"


def is_ts(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and TS.fullmatch(value) is not None

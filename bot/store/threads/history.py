"""What was said in a thread, kept for its next questions."""

import json
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast

from redis.asyncio import Redis
from redis.client import Pipeline
from rq.utils import as_text

from bot.store import keys
from bot.store.threads.files import Attachment
from bot.talk.message import Thread

# More entries than what was read of a thread before its first question.
BEGINNING = 100


@dataclass(frozen=True)
class Entry:
    """A piece of a turn; `ts` is that of the turn's question.

    `name` and `place` are those of the time at which it was said, so that later prompts repeat them byte by byte. A
    `hidden` entry was refused: people see it, later prompts leave it out. A `system` entry is an instruction of the
    operator that came in with the question before it. A `summary` comes first and replaces what was said before;
    `block` is Claude's own form of it, which is sent back unchanged. What Claude is sent of `files` is kept apart
    (bot/store/threads/files.py). `model` is the one that answered.
    """

    role: Literal["user", "assistant", "system", "summary"]
    text: str
    ts: str
    user: str | None = None
    name: str | None = None
    hidden: bool = False
    files: tuple[Attachment, ...] = ()
    place: str | None = None
    block: dict[str, Any] | None = None
    model: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def tokens(self) -> int:
        """An estimate on the high side: three bytes a token."""
        return len(self.text.encode()) // 3 + 16 + sum(file.tokens for file in self.files)


@dataclass(frozen=True)
class HistoryUpdate:
    """What an answered message changes in its thread's history.

    `entries` are added, and of all the newest `keep` stay, for `days` days. The turn whose question has the ts
    `replaces` goes.
    """

    entries: Sequence[Entry] = ()
    keep: int = 0
    days: int = 1
    replaces: str | None = None


async def load(redis: Redis, thread: Thread) -> list[Entry]:
    lines = await cast("Awaitable[list[str]]", redis.lrange(keys.history(thread), 0, -1))
    return [_read(json.loads(line)) for line in lines]


async def was_asked_before(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether an answer of ours in the thread belongs to a question that is older than `ts`."""
    lines = await cast("Awaitable[list[str]]", redis.lrange(keys.history(thread), 0, BEGINNING - 1))
    for entry in map(json.loads, lines):
        if entry["role"] == "summary":
            return True
        if entry["role"] == "assistant":
            return float(entry["ts"]) < float(ts)
    return False


def turn_lines(pipe: "Pipeline", thread: Thread, ts: str) -> list[str]:
    """The stored entries of the turn whose question has this ts."""
    lines = map(as_text, pipe.lrange(keys.history(thread), 0, -1))
    return [line for line in lines if json.loads(line)["ts"] == ts]


def _read(stored: dict[str, Any]) -> Entry:
    """Fields that this version does not know are left out: another version may have written them."""
    known = {field.name for field in fields(Entry)}
    values = {name: value for name, value in stored.items() if name in known}
    values["files"] = tuple(Attachment(**file) for file in stored.get("files", ()))
    return Entry(**values)


def asked(entries: Sequence[Entry], ts: str) -> Entry | None:
    """The question with this ts."""
    return next((entry for entry in entries if entry.role == "user" and entry.ts == ts), None)


def model_of(entries: Sequence[Entry], ts: str) -> str | None:
    """The model that answered the question with this ts, None if that is not remembered."""
    return next((entry.model for entry in entries if entry.role == "assistant" and entry.ts == ts), None)


def newest(entries: Sequence[Entry]) -> str | None:
    """The ts of the newest question."""
    return next((entry.ts for entry in reversed(entries) if entry.role == "user"), None)


def without(entries: Sequence[Entry], ts: str) -> list[Entry]:
    """The entries without the turn whose question has this ts."""
    return [entry for entry in entries if entry.ts != ts]


def kept(entries: Sequence[Entry], budget: int) -> int:
    """How many of the newest entries to keep so that they fit into `budget` tokens.

    A history over the budget is cut to half of it, so that the prompt's prefix changes seldom (invariant 11). What is
    left begins with a question, and the newest two entries stay however long they are.
    """
    if sum(entry.tokens for entry in entries) <= budget:
        return len(entries)
    total = 0
    keep = 0
    for count, entry in enumerate(reversed(entries), start=1):
        total += entry.tokens
        if total > budget // 2 and count > 2:
            break
        if entry.role == "user":
            keep = count
    return keep

"""How far each reply is, so that a worker that takes over continues the same Slack messages."""

import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from redis.asyncio import Redis
from redis.client import Pipeline

from bot.store import keys
from bot.store.counts.bills import Bill
from bot.store.counts.usage import Outcome
from bot.store.lua import Script
from bot.talk.message import Thread

# KEYS messages reply; ARGV ts, seconds to keep, fields and values. Nothing is kept of a message that has left the
# mailbox: it was deleted or forgotten, or the team has removed Parley.
SAVE = Script(
    """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
""",
    keys=2,
)


# KEYS messages reply; ARGV ts, seconds to keep
SEE = Script(
    """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local new = redis.call('HSETNX', KEYS[2], 'seen', 1)
redis.call('EXPIRE', KEYS[2], ARGV[2])
return new
""",
    keys=2,
)


@dataclass(frozen=True)
class Final:
    """How a reply ends: `text` is what people see, `said` what the history remembers, None for the same text.

    `outcome` is None if Claude was not asked. `hidden` keeps the turn out of later prompts, `without_files` removes the
    question's files from the thread. `instruction` is the operator's instruction that came in with the question. Below
    an answer are buttons and `note`, a line of small print. `stopped_by` is the display name of the person who stopped
    it, "" if that is not known.
    """

    text: str
    said: str | None = None
    outcome: Outcome | None = None
    hidden: bool = False
    without_files: bool = False
    instruction: str | None = None
    has_buttons: bool = False
    continuable: bool = False
    stopped_by: str | None = None
    note: str | None = None

    @property
    def is_answer(self) -> bool:
        """False if it only says why there is no answer."""
        return self.outcome not in (None, "error")

    @property
    def remembered(self) -> str:
        return self.text if self.said is None else self.said

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, data: str) -> "Final":
        """Fields that this version does not know are left out: another version may have written them."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(data).items() if name in known})


@dataclass(frozen=True)
class Progress:
    """What people see of a reply: `parts` are the timestamps of its Slack messages.

    Of `text` they see `shown` characters at the most.
    """

    parts: tuple[str, ...]
    shown: int
    text: str = ""


@dataclass(frozen=True)
class Reply:
    """A reply as it is stored: `parts`, `shown` and `text` are those of its Progress.

    `final` is how it ends and `bill` what it billed, both None until they are known. `billed` is what the attempt under
    way has billed so far. `streamed` says that a Slack stream was begun; `file` is the id of the file with the rest of
    the text.
    """

    parts: tuple[str, ...] = ()
    shown: int = 0
    text: str = ""
    final: Final | None = None
    bill: Bill | None = None
    billed: tuple[Mapping[str, Any], ...] = ()
    streamed: bool = False
    file: str | None = None


async def load(redis: Redis, thread: Thread, ts: str) -> Reply:
    stored = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.reply(thread, ts)))
    return Reply(
        parts=tuple(json.loads(stored.get("parts", "[]"))),
        shown=int(stored.get("shown", 0)),
        text=stored.get("text", ""),
        final=Final.from_json(stored["final"]) if "final" in stored else None,
        bill=Bill.from_json(stored["bill"]) if stored.get("bill") else None,
        billed=tuple(json.loads(stored.get("billed", "[]"))),
        streamed="streamed" in stored,
        file=stored.get("file"),
    )


async def save_progress(redis: Redis, thread: Thread, ts: str, progress: Progress) -> None:
    fields: dict[str, str | int] = {"parts": json.dumps(progress.parts), "shown": progress.shown, "text": progress.text}
    await _save(redis, thread, ts, fields)


async def save_final(redis: Redis, thread: Thread, ts: str, final: Final, bill: Bill | None = None) -> None:
    """`bill` holds all that was billed so far."""
    fields = {"final": final.to_json(), "bill": bill.to_json() if bill else "", "billed": "[]"}
    await _save(redis, thread, ts, fields)


async def save_billed(redis: Redis, thread: Thread, ts: str, pieces: Sequence[Mapping[str, Any]]) -> None:
    await _save(redis, thread, ts, {"billed": json.dumps(pieces)})


def settle(pipe: "Pipeline", thread: Thread, ts: str) -> None:
    """Drop `billed` in the transaction that counts it elsewhere."""
    pipe.hdel(keys.reply(thread, ts), "billed")


async def save_streamed(redis: Redis, thread: Thread, ts: str) -> None:
    await _save(redis, thread, ts, {"streamed": 1})


async def save_file(redis: Redis, thread: Thread, ts: str, file: str) -> None:
    await _save(redis, thread, ts, {"file": file})


async def mark_seen(redis: Redis, thread: Thread, ts: str) -> bool:
    """Note that the question has our eyes reaction; False if it had it before, or waits no more."""
    names = [keys.messages(thread), keys.reply(thread, ts)]
    return bool(await SEE.run(redis, names, ts, keys.reply.seconds))


async def is_seen(redis: Redis, thread: Thread, ts: str) -> bool:
    return bool(await redis.hexists(keys.reply(thread, ts), "seen"))


async def unmark_seen(redis: Redis, thread: Thread, ts: str) -> bool:
    """Note that the eyes reaction is taken back; False if there was none."""
    return bool(await redis.hdel(keys.reply(thread, ts), "seen"))


async def _save(redis: Redis, thread: Thread, ts: str, fields: Mapping[str, str | int]) -> None:
    pairs: list[str | int] = []
    for field, value in fields.items():
        pairs += [field, value]
    names = [keys.messages(thread), keys.reply(thread, ts)]
    await SAVE.run(redis, names, ts, keys.reply.seconds, *pairs)

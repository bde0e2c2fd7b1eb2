"""What a thread's prompt began with, and what of it Claude was sent last."""

import json
from dataclasses import asdict, dataclass

from redis.asyncio import Redis

from bot.store import keys
from bot.store.lua import Script
from bot.talk.message import Thread

# KEYS messages record; ARGV instructions, seconds to keep. Nothing is kept of a thread that was forgotten meanwhile.
BEGIN = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSETNX', KEYS[2], 'instructions', ARGV[1])
    redis.call('EXPIRE', KEYS[2], ARGV[2])
end
return redis.call('HMGET', KEYS[2], 'instructions', 'asked')
""",
    keys=2,
)

# KEYS record; ARGV asked. A thread that was forgotten meanwhile has no record, and gets none.
SAVE_ASKED = Script(
    "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'asked', ARGV[1]) end",
    keys=1,
)


@dataclass(frozen=True)
class Instructions:
    """The parts of a system prompt, from the general to the special; an empty one is left out.

    `frame` is Parley's own: how its prompts are to be read.
    """

    frame: str
    deployment: str
    workspace: str = ""
    channel: str = ""


@dataclass(frozen=True)
class LastRequest:
    """The last answered request: the model that read it, when it began (Unix time), how many tokens its prompt had."""

    model: str
    at: float
    tokens: int


@dataclass(frozen=True)
class Record:
    instructions: Instructions
    asked: LastRequest | None = None


async def load(redis: Redis, thread: Thread, instructions: Instructions, days: int) -> Record:
    """The record of a thread in which a question is answered.

    A thread without one begins with these instructions and keeps them (invariant 11).
    """
    names, given = (keys.messages(thread), keys.record(thread)), json.dumps(asdict(instructions), ensure_ascii=False)
    found = await BEGIN.run(redis, names, given, days * keys.DAY)
    began, asked = found
    return Record(Instructions(**json.loads(began or given)), LastRequest(**json.loads(asked)) if asked else None)


async def save_asked(redis: Redis, thread: Thread, asked: LastRequest) -> None:
    await SAVE_ASKED.run(redis, [keys.record(thread)], json.dumps(asdict(asked)))

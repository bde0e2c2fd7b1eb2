"""What a thread's prompt began with, and the last request that was answered in it."""

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

# KEYS record; ARGV last request. A thread that was forgotten meanwhile has no record, and gets none.
SAVE_LAST_REQUEST = Script(
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
    last_request: LastRequest | None = None


async def load(redis: Redis, thread: Thread, instructions: Instructions, days: int) -> Record:
    """The record of a thread in which a question is answered.

    A thread without one begins with these instructions and keeps them (invariant 11).
    """
    names = [keys.messages(thread), keys.record(thread)]
    ours = json.dumps(asdict(instructions), ensure_ascii=False)
    stored, asked = await BEGIN.run(redis, names, ours, days * keys.DAY)
    last_request = LastRequest(**json.loads(asked)) if asked else None
    return Record(Instructions(**json.loads(stored or ours)), last_request)


async def save_last_request(redis: Redis, thread: Thread, request: LastRequest) -> None:
    await SAVE_LAST_REQUEST.run(redis, [keys.record(thread)], json.dumps(asdict(request)))

"""What becomes of a conversation when its messages are edited or deleted."""

import json
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from typing import Literal, cast

from redis import WatchError
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import history
from bot.talk.message import Message, Thread


async def edit(redis: Redis, message: Message, text: str) -> bool:
    """Put the new form in the place of the old one; False if there is none. `text` is what the history says of it.

    A message that waits will be answered in its new form. One that is being answered is answered in the old form and
    remembered in the new.
    """
    thread, ts = message.thread, message.ts
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(keys.messages(thread), keys.history(thread))
                waiting = cast("str | None", await pipe.hget(keys.messages(thread), ts))
                turns = await history.load(pipe, thread)
                pipe.multi()
                if waiting is not None:
                    new = replace(Message.from_json(waiting), text=message.text, files=message.files)
                    pipe.hset(keys.messages(thread), ts, new.to_json())
                    pipe.hset(keys.edited(thread), ts, text)
                    pipe.expire(keys.edited(thread), keys.edited.seconds)
                said = [n for n, turn in enumerate(turns) if (turn.role, turn.ts) == ("user", ts)]
                for place in said:
                    pipe.lset(keys.history(thread), place, replace(turns[place], text=text).to_json())
                await pipe.execute()
                return waiting is not None or bool(said)
            except WatchError:
                continue


async def remove(redis: Redis, thread: Thread, ts: str) -> Literal["waiting", "answered"] | None:
    """Drop a question and its answer from mailbox and history; where it was, None if it was nowhere.

    If it is being answered at this moment, nothing of it will be remembered; one that comes only later gets no answer.
    """
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(keys.history(thread))
                lines = await cast("Awaitable[list[str]]", pipe.lrange(keys.history(thread), 0, -1))
                turns = [(line, json.loads(line)) for line in lines]
                gone = [line for line, turn in turns if turn["ts"] == ts]
                files = {file["id"] for _, turn in turns if turn["ts"] == ts for file in turn.get("files", ())}
                files -= {file["id"] for _, turn in turns if turn["ts"] != ts for file in turn.get("files", ())}
                pipe.multi()
                pipe.hdel(keys.messages(thread), ts)
                pipe.zrem(keys.box(thread), ts)
                pipe.hdel(keys.attempts(thread), ts)
                pipe.hdel(keys.edited(thread), ts)
                pipe.delete(keys.reply(thread, ts))
                pipe.set(keys.seen_message(thread.team, thread.channel, ts), 1, ex=keys.seen_message.seconds)
                for line in gone:
                    pipe.lrem(keys.history(thread), 1, line)
                if files:
                    pipe.hdel(keys.files(thread), *files)
                waited, *_ = await pipe.execute()
                return "waiting" if waited else "answered" if gone else None
            except WatchError:
                continue


async def question_of(redis: Redis, thread: Thread, part: str) -> str | None:
    """The question whose answer the message `part` of ours belongs to."""
    waiting = await cast("Awaitable[Iterable[str]]", redis.zrange(keys.box(thread), 0, -1))
    asked = list(dict.fromkeys([*waiting, *(turn.ts for turn in await history.load(redis, thread))]))
    async with redis.pipeline(transaction=False) as pipe:
        for ts in asked:
            pipe.hget(keys.reply(thread, ts), "parts")
        parts = await pipe.execute()
    return next((ts for ts, found in zip(asked, parts, strict=True) if found and part in json.loads(found)), None)

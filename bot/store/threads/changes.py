"""Edits and deletions of messages, as they change the mailbox and the history of a thread."""

import json
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from redis import WatchError
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import history
from bot.store.threads.history import Entry
from bot.talk.message import Message, Thread


async def edit(redis: Redis, message: Message, text: str) -> bool:
    """Put the new form of a message in place of the old one; False if it is neither waiting nor remembered.

    `text` is what the history says of it.

    A message that waits will be answered in its new form. One that is being answered is answered in the old form and
    remembered in the new.
    """
    thread, ts = message.thread, message.ts
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(keys.messages(thread), keys.history(thread))
                waiting = cast("str | None", await pipe.hget(keys.messages(thread), ts))
                entries = await history.load(pipe, thread)
                pipe.multi()
                if waiting is not None:
                    new = replace(Message.from_json(waiting), text=message.text, files=message.files)
                    pipe.hset(keys.messages(thread), ts, new.to_json())
                    pipe.hset(keys.edited(thread), ts, text)
                    pipe.expire(keys.edited(thread), keys.edited.seconds)
                remembered = [number for number, entry in enumerate(entries) if _is_question(entry, ts)]
                for number in remembered:
                    pipe.lset(keys.history(thread), number, replace(entries[number], text=text).to_json())
                await pipe.execute()
                return waiting is not None or bool(remembered)
            except WatchError:
                continue


async def remove(redis: Redis, thread: Thread, ts: str) -> Literal["waiting", "answered"] | None:
    """Drop a question and its answer from mailbox and history; what it was, None if it was in neither.

    If it is being answered at this moment, nothing of it will be remembered. A question whose event is still to come is
    ignored.
    """
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(keys.history(thread))
                lines = await cast("Awaitable[list[str]]", pipe.lrange(keys.history(thread), 0, -1))
                entries = [json.loads(line) for line in lines]
                turn = [line for line, entry in zip(lines, entries, strict=True) if entry["ts"] == ts]
                files = _files(entry for entry in entries if entry["ts"] == ts)
                files -= _files(entry for entry in entries if entry["ts"] != ts)
                pipe.multi()
                pipe.hdel(keys.messages(thread), ts)
                pipe.zrem(keys.box(thread), ts)
                pipe.hdel(keys.attempts(thread), ts)
                pipe.hdel(keys.edited(thread), ts)
                pipe.delete(keys.reply(thread, ts))
                pipe.set(keys.seen_message(thread.team, thread.channel, ts), 1, ex=keys.seen_message.seconds)
                for line in turn:
                    pipe.lrem(keys.history(thread), 1, line)
                if files:
                    pipe.hdel(keys.files(thread), *files)
                dropped, *_ = await pipe.execute()
                if dropped:
                    return "waiting"
                return "answered" if turn else None
            except WatchError:
                continue


async def question_of(redis: Redis, thread: Thread, part: str) -> str | None:
    """The question whose answer the message `part` of ours belongs to."""
    waiting = await cast("Awaitable[Iterable[str]]", redis.zrange(keys.box(thread), 0, -1))
    answered = [entry.ts for entry in await history.load(redis, thread)]
    questions = list(dict.fromkeys([*waiting, *answered]))
    async with redis.pipeline(transaction=False) as pipe:
        for ts in questions:
            pipe.hget(keys.reply(thread, ts), "parts")
        replies = await pipe.execute()
    for ts, parts in zip(questions, replies, strict=True):
        if parts and part in json.loads(parts):
            return ts
    return None


def _is_question(entry: Entry, ts: str) -> bool:
    return entry.role == "user" and entry.ts == ts


def _files(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the files of stored entries."""
    return {file["id"] for entry in entries for file in entry.get("files", ())}

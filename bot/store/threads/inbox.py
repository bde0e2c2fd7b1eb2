"""A mailbox per thread: messages wait in `ts` order, one at a time is answered, none is lost.

Everything that wakes a worker goes through RQ in the transaction that makes the wake-up due, so a process that dies
leaves nothing half done. A thread is answered under a lease with a fencing token; a thread whose worker died is woken
again by `sweep` once its lease is over.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from redis import WatchError
from redis.asyncio import Redis as AsyncRedis
from redis.client import Pipeline
from rq import Queue
from rq.utils import as_text

from bot.store import keys
from bot.store.counts.bills import Bill, pay
from bot.store.lua import NOW_SECONDS, Script
from bot.store.threads import history, jobs, replies
from bot.store.threads.history import Entry
from bot.store.threads.jobs import Load
from bot.talk.file import File
from bot.talk.message import Message, Thread

log = logging.getLogger("parley.inbox")

GRACE_SECONDS = 10.0
TALKS = 10
BUSY_JOBS = 200

# KEYS lease box messages attempts active edited; ARGV token, lease in ms, member of active
CLAIM = Script(
    NOW_SECONDS
    + """
if redis.call('EXISTS', KEYS[1]) == 1 then return nil end
local head = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
if not head then
    redis.call('ZREM', KEYS[5], ARGV[3])
    redis.call('DEL', KEYS[4])
    return nil
end
redis.call('HDEL', KEYS[6], head)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('ZADD', KEYS[5], now + ARGV[2] / 1000, ARGV[3])
local attempts = redis.call('HINCRBY', KEYS[4], head, 1)
redis.call('PEXPIRE', KEYS[4], redis.call('PTTL', KEYS[2]))
return {head, redis.call('HGET', KEYS[3], head), attempts}
""",
    keys=6,
)

# KEYS lease active; ARGV token, lease in ms, member of active
RENEW = Script(
    NOW_SECONDS
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], 'XX', now + ARGV[2] / 1000, ARGV[3])
return 1
""",
    keys=2,
)

# KEYS lease history record; ARGV token, how many entries go, the summary, expiry in seconds
COMPACT = Script(
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('LINDEX', KEYS[2], 0) == ARGV[3] then return 1 end
redis.call('LTRIM', KEYS[2], ARGV[2], -1)
redis.call('LPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('HDEL', KEYS[3], 'asked')
return 1
""",
    keys=3,
)

# KEYS active; ARGV seconds until the next look, how many at the most
DUE = Script(
    NOW_SECONDS
    + """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[1], member) end
return due
""",
    keys=1,
)


class LeaseLost(Exception):
    """Another worker answers in this thread now: make no further edit and write nothing (invariant 5)."""


@dataclass(frozen=True)
class Claim:
    """The right to answer `message`, for as long as the lease with this `token` stands."""

    message: Message
    token: str
    attempts: int

    @property
    def thread(self) -> Thread:
        return self.message.thread


class Inbox:
    """`queue` brings a synchronous client, because RQ enqueues with one; its calls run in threads."""

    def __init__(self, redis: AsyncRedis, queue: Queue, lease_seconds: float) -> None:
        self._redis = redis
        self._queue = queue
        self._lease_ms = int(lease_seconds * 1000)

    async def put(self, message: Message, *, alone: bool = False) -> bool:
        """Keep the message and wake a worker; False if it was here before. Raises redis.RedisError.

        With `alone` it is False, too, if anything else waits or is answered in the thread.
        """
        return await asyncio.to_thread(self._put, message, alone)

    async def waiting(self, thread: Thread) -> list[Message]:
        """The messages that wait or are answered in the thread, oldest first. Raises redis.RedisError."""
        stored = await cast("Awaitable[dict[str, str]]", self._redis.hgetall(keys.messages(thread)))
        found = []
        for ts, message in stored.items():
            try:
                found.append(Message.from_json(message))
            except (ValueError, KeyError, TypeError):
                log.debug("unreadable message passed over thread=%s ts=%s", thread, ts)
        return sorted(found, key=lambda message: float(message.ts))

    async def claim(self, thread: Thread) -> Claim | None:
        """Take the lease and the oldest message; None if another holds the lease or nothing waits."""
        token = secrets.token_hex(16)
        names = [
            keys.lease(thread),
            keys.box(thread),
            keys.messages(thread),
            keys.attempts(thread),
            keys.active(thread.team),
            keys.edited(thread),
        ]
        found = await CLAIM.run(self._redis, names, token, self._lease_ms, _member(thread))
        if found is None:
            return None
        ts, stored, attempts = found
        try:
            return Claim(Message.from_json(stored), token, int(attempts))
        except (ValueError, KeyError, TypeError) as error:
            log.error("unreadable message dropped thread=%s ts=%s error=%s", thread, ts, type(error).__name__)
            await self.acknowledge(Claim(Message(thread, ts, "", ""), token, int(attempts)), [], 0, 1)
            return None

    async def files(self, claim: Claim) -> tuple[File, ...]:
        """The message's files, also those that only a second delivery told of, after the message was claimed."""
        stored = await cast("Awaitable[str | None]", self._redis.hget(keys.messages(claim.thread), claim.message.ts))
        return Message.from_json(stored).files if stored else claim.message.files

    async def renew(self, claim: Claim) -> None:
        """Raises LeaseLost."""
        names = [keys.lease(claim.thread), keys.active(claim.thread.team)]
        if not await RENEW.run(self._redis, names, claim.token, self._lease_ms, _member(claim.thread)):
            raise LeaseLost(str(claim.thread))

    async def is_overtaken(self, claim: Claim) -> bool:
        """Whether, after this message was claimed, an earlier one of the thread arrived or this one was deleted."""
        head = await cast("Awaitable[list[str]]", self._redis.zrange(keys.box(claim.thread), 0, 0))
        return head != [claim.message.ts]

    async def compact(self, claim: Claim, count: int, summary: Entry, history_days: int) -> None:
        """Put `summary` in place of the oldest `count` entries of the history. Raises LeaseLost.

        A client that sends the command twice, because it lost the answer, changes nothing more: no two summaries of a
        thread are the same.
        """
        names = [keys.lease(claim.thread), keys.history(claim.thread), keys.record(claim.thread)]
        arguments: list[str | int] = [claim.token, count, summary.to_json(), history_days * keys.DAY]
        if not await COMPACT.run(self._redis, names, *arguments):
            raise LeaseLost(str(claim.thread))

    async def acknowledge(
        self,
        claim: Claim,
        entries: Sequence[Entry],
        keep: int,
        history_days: int,
        replaces: str | None = None,
        bill: Bill | None = None,
    ) -> None:
        """The message is answered: write its turns, drop it, give the lease back, wake the next one. Raises LeaseLost.

        Of the history, with `entries` added, the newest `keep` stay; the turn whose question has the ts `replaces`
        goes. A message that was edited meanwhile is remembered in its new form; of one that was deleted nothing is.
        The bill is paid exactly once (invariant 12).
        """
        await asyncio.to_thread(self._acknowledge, claim, entries, keep, history_days, replaces, bill)

    async def release(
        self, claim: Claim, retry_in: float = 0.0, *, begun: bool = True, bill: Bill | None = None
    ) -> None:
        """Give the message back for another attempt in `retry_in` seconds. Does nothing if the lease is lost.

        An attempt of which nothing became visible, because another message goes first, is not `begun` and no attempt.
        """
        await asyncio.to_thread(self._release, claim, retry_in, begun, bill)

    async def sweep(self, most: int = 200) -> int:
        """Wake the threads that nobody looked after in time; how many there were.

        A wake-up can be swallowed by a worker that hangs, so a thread is woken every ten seconds until somebody comes.
        With many jobs in the queue all workers are busy, and more wake-ups would only pile up behind them.
        """
        return await asyncio.to_thread(self._sweep, most)

    async def load(self) -> Load:
        """Raises redis.RedisError."""
        return await asyncio.to_thread(jobs.load, self._queue)

    async def cancel(self, team: str) -> int:
        """Drop the wake-ups of a team, those that failed too; how many there were."""
        return await asyncio.to_thread(jobs.cancel, self._queue, team)

    async def places(self, threads: Sequence[Thread]) -> dict[Thread, int]:
        """The places in the queue, from 1, of those of the threads for which no worker has had a free slot yet."""
        ids = await cast("Awaitable[list[str]]", self._redis.lrange(self._queue.key, 0, -1))
        return jobs.places(ids, threads)

    async def is_behind(self, message: Message) -> bool:
        """Whether an earlier message of the thread is answered first."""
        return bool(await self._redis.zrank(keys.box(message.thread), message.ts))

    async def takes_part(self, thread: Thread, ts: str) -> bool:
        """Whether somebody spoke to us in this thread before the message `ts`, which may arrive late."""
        waiting = await self._redis.zcount(keys.box(thread), "-inf", f"({ts}")
        return bool(waiting) or await history.was_asked_before(self._redis, thread, ts)

    def _put(self, message: Message, alone: bool) -> bool:
        thread = message.thread
        marks = [keys.seen_message(thread.team, thread.channel, message.ts)]
        if message.event_id:
            marks.append(keys.seen_event(thread.team, message.event_id))
        with self._queue.connection.pipeline() as pipe:
            while True:
                try:
                    pipe.watch(*marks, *([keys.box(thread)] if alone else []))
                    if pipe.exists(*marks) or (alone and pipe.exists(keys.box(thread))):
                        _add_files(pipe, message)
                        return False
                    now = _now(pipe)
                    pipe.multi()
                    for mark in marks:
                        pipe.set(mark, 1, ex=keys.seen_message.seconds)
                    pipe.zadd(keys.box(thread), {message.ts: float(message.ts)})
                    pipe.hset(keys.messages(thread), message.ts, message.to_json())
                    pipe.expire(keys.box(thread), keys.box.seconds)
                    pipe.expire(keys.messages(thread), keys.messages.seconds)
                    pipe.zadd(keys.active(thread.team), {_member(thread): now + GRACE_SECONDS}, nx=True)
                    pipe.sadd(keys.TEAMS, thread.team)
                    talks = keys.talks(thread.team, message.user)
                    pipe.zadd(talks, {_member(thread): now})
                    pipe.zremrangebyrank(talks, 0, -TALKS - 1)
                    pipe.expire(talks, keys.talks.seconds)
                    jobs.wake(self._queue, thread, pipe)
                    pipe.execute()
                    return True
                except WatchError:
                    continue

    def _acknowledge(
        self,
        claim: Claim,
        entries: Sequence[Entry],
        keep: int,
        days: int,
        replaces: str | None,
        bill: Bill | None,
    ) -> None:
        thread, ts = claim.thread, claim.message.ts
        with self._queue.connection.pipeline() as pipe:
            while True:
                try:
                    names = (keys.box, keys.messages, keys.edited, keys.history)
                    self._watch_lease(pipe, claim, *(name(thread) for name in names))
                    replaced = history.turn_lines(pipe, thread, replaces) if replaces else []
                    left = pipe.zcard(keys.box(thread)) - (pipe.zscore(keys.box(thread), ts) is not None)
                    said = _as_it_stands(pipe, claim.message, entries, replaced)
                    now = _now(pipe)
                    pipe.multi()
                    for line in replaced:
                        pipe.lrem(keys.history(thread), 1, line)
                    if said:
                        pipe.rpush(keys.history(thread), *(entry.to_json() for entry in said))
                        pipe.ltrim(keys.history(thread), -keep, -1)
                        pipe.expire(keys.history(thread), days * keys.DAY)
                        pipe.expire(keys.files(thread), days * keys.DAY)
                    pipe.zrem(keys.box(thread), ts)
                    pipe.hdel(keys.messages(thread), ts)
                    pipe.hdel(keys.attempts(thread), ts)
                    pipe.hdel(keys.edited(thread), ts)
                    pipe.delete(keys.lease(thread), keys.stop(thread, ts))
                    self._pay(pipe, claim, bill)
                    if left:
                        pipe.zadd(keys.active(thread.team), {_member(thread): now + GRACE_SECONDS})
                        jobs.wake(self._queue, thread, pipe)
                    else:
                        pipe.zrem(keys.active(thread.team), _member(thread))
                    pipe.execute()
                    return
                except WatchError:
                    continue

    def _release(self, claim: Claim, retry_in: float, begun: bool, bill: Bill | None) -> None:
        thread = claim.thread
        with self._queue.connection.pipeline() as pipe:
            try:
                self._watch_lease(pipe, claim)
                now = _now(pipe)
                pipe.multi()
                if not begun:
                    pipe.hincrby(keys.attempts(thread), claim.message.ts, -1)
                pipe.delete(keys.lease(thread))
                pipe.zadd(keys.active(thread.team), {_member(thread): now + retry_in})
                if not retry_in:
                    jobs.wake(self._queue, thread, pipe)
                self._pay(pipe, claim, bill)
                pipe.execute()
            except (WatchError, LeaseLost):
                return

    def _sweep(self, most: int) -> int:
        redis = self._queue.connection
        if self._queue.count >= BUSY_JOBS:
            return 0
        woken = 0
        for team in map(as_text, redis.smembers(keys.TEAMS)):
            due = DUE.send(redis, [keys.active(team)], GRACE_SECONDS, most)
            for member in map(as_text, due):
                channel, _, ts = member.rpartition(":")
                with redis.pipeline() as pipe:
                    jobs.wake(self._queue, Thread(team, channel, ts), pipe)
                    pipe.execute()
            woken += len(due)
        return woken

    def _pay(self, pipe: Pipeline, claim: Claim, bill: Bill | None) -> None:
        replies.settle(pipe, claim.thread, claim.message.ts)
        if bill:
            pay(pipe, bill)

    def _watch_lease(self, pipe: Pipeline, claim: Claim, *others: str) -> None:
        pipe.watch(keys.lease(claim.thread), *others)
        if pipe.get(keys.lease(claim.thread)) != claim.token.encode():
            raise LeaseLost(str(claim.thread))


def _add_files(pipe: Pipeline, twin: Message) -> None:
    """A mention comes as `message` and as `app_mention`, which now and then leaves out the files (observed).

    Whichever came first is kept; here it gets the files that only the second one has. Raises WatchError.
    """
    messages = keys.messages(twin.thread)
    pipe.watch(messages)
    stored = pipe.hget(messages, twin.ts) if twin.files else None
    if stored is None or (kept := Message.from_json(stored)).files:
        return
    pipe.multi()
    pipe.hset(messages, twin.ts, replace(kept, files=twin.files).to_json())
    pipe.execute()


def _member(thread: Thread) -> str:
    return f"{thread.channel}:{thread.ts}"


def _as_it_stands(pipe: Pipeline, message: Message, entries: Sequence[Entry], replaced: list[str]) -> Sequence[Entry]:
    """The entries of a turn after what happened to its question while it was answered, or answered anew."""
    if not pipe.hexists(keys.messages(message.thread), message.ts):
        return []
    text = pipe.hget(keys.edited(message.thread), message.ts)
    if message.again:
        text = next((said["text"] for said in map(json.loads, replaced) if said["role"] == "user"), None)
        entries = entries if text is not None else []
    if text is None:
        return entries
    asked = ("user", message.again or message.ts)
    return [replace(e, text=as_text(text)) if (e.role, e.ts) == asked else e for e in entries]


def _now(pipe: Pipeline) -> float:
    seconds, microseconds = pipe.time()
    return float(seconds) + float(microseconds) / 1_000_000

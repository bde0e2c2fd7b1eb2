"""A mailbox per thread: messages wait in `ts` order, one at a time is answered, none is lost.

Everything that wakes a worker goes through RQ in the transaction that makes the wake-up due, so a process that dies
leaves nothing half done. A thread is answered under a lease with a fencing token (`claims`); a thread whose worker died
is woken again by the `sweep` once its lease is over.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from typing import cast

from redis import WatchError
from redis.asyncio import Redis as AsyncRedis
from redis.client import Pipeline
from rq import Queue

from bot.store import keys, replication
from bot.store.counts.bills import Bill
from bot.store.threads import claims, history, jobs
from bot.store.threads.claims import CLAIM, COMPACT, RENEW, Claim, LeaseLost
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.jobs import Load
from bot.store.threads.sweep import GRACE_SECONDS, member, redis_time, sweep
from bot.talk.file import File
from bot.talk.message import Message, Thread

log = logging.getLogger("parley.inbox")

# So many threads are remembered of each person.
RECENT_THREADS = 10


class Inbox:
    """`queue` brings a synchronous client, because RQ enqueues with one; its calls run in threads.

    A message counts as kept once so many `replicas` of Redis have it, too.
    """

    def __init__(self, redis: AsyncRedis, queue: Queue, lease_seconds: float, replicas: int = 0) -> None:
        self._redis = redis
        self._queue = queue
        self._lease_ms = int(lease_seconds * 1000)
        self._replicas = replicas

    async def put(self, message: Message, *, alone: bool = False) -> bool:
        """Keep the message and wake a worker; False if it was here before. Raises redis.RedisError.

        With `alone` it is False, too, if anything else waits or is answered in the thread.
        """
        return await asyncio.to_thread(self._put, message, alone)

    async def waiting(self, thread: Thread) -> list[Message]:
        """The messages that wait or are answered in the thread, oldest first. Raises redis.RedisError."""
        stored = await cast("Awaitable[dict[str, str]]", self._redis.hgetall(keys.messages(thread)))
        messages = []
        for ts, data in stored.items():
            try:
                messages.append(Message.from_json(data))
            except (ValueError, KeyError, TypeError):
                log.debug("unreadable message passed over thread=%s ts=%s", thread, ts)
        return sorted(messages, key=lambda message: float(message.ts))

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
        claimed = await CLAIM.run(self._redis, names, token, self._lease_ms, member(thread))
        if claimed is None:
            return None
        ts, stored, attempts = claimed
        try:
            return Claim(Message.from_json(stored), token, int(attempts))
        except (ValueError, KeyError, TypeError) as error:
            log.error("unreadable message dropped thread=%s ts=%s error=%s", thread, ts, type(error).__name__)
            await self.acknowledge(Claim(Message(thread, ts, "", ""), token, int(attempts)))
            return None

    async def files(self, claim: Claim) -> tuple[File, ...]:
        """The message's files, also those that arrived with its second delivery after it was claimed."""
        stored = await cast("Awaitable[str | None]", self._redis.hget(keys.messages(claim.thread), claim.message.ts))
        return Message.from_json(stored).files if stored else claim.message.files

    async def renew(self, claim: Claim) -> None:
        """Raises LeaseLost."""
        names = [keys.lease(claim.thread), keys.active(claim.thread.team)]
        if not await RENEW.run(self._redis, names, claim.token, self._lease_ms, member(claim.thread)):
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

    async def acknowledge(self, claim: Claim, update: HistoryUpdate | None = None, bill: Bill | None = None) -> None:
        """The message is answered: write its turn, drop it, give the lease back, wake the next one. Raises LeaseLost.

        A message that was edited meanwhile is remembered in its new form; of one that was deleted nothing is. Without
        an update the history stays as it is. The bill is paid exactly once (invariant 12).
        """
        await asyncio.to_thread(claims.acknowledge, self._queue, claim, update or HistoryUpdate(), bill)

    async def release(
        self, claim: Claim, retry_in: float = 0.0, *, begun: bool = True, bill: Bill | None = None
    ) -> None:
        """Give the message back for another attempt in `retry_in` seconds. Does nothing if the lease is lost.

        With `begun` false the attempt does not count: nothing of it became visible, because another message goes first.
        """
        await asyncio.to_thread(claims.release, self._queue, claim, retry_in, begun, bill)

    async def teams(self) -> set[str]:
        """All teams that have Parley, also those of other deployments on the same Redis. Raises redis.RedisError."""
        return {str(team) for team in await cast("Awaitable[set[str]]", self._redis.smembers(keys.TEAMS))}

    async def sweep(self, teams: Iterable[str], most: int = 200) -> int:
        """Wake the threads of these teams that nobody looked after in time; the number of them.

        A wake-up can be swallowed by a worker that hangs, so a thread is woken every ten seconds until somebody comes.
        With many jobs in the queue all workers are busy, and more wake-ups would only pile up behind them.
        """
        return await asyncio.to_thread(sweep, self._queue, list(teams), most)

    async def load(self) -> Load:
        """Raises redis.RedisError."""
        return await asyncio.to_thread(jobs.load, self._queue)

    async def cancel(self, team: str) -> int:
        """Drop the wake-ups of a team, also those that failed; the number of them."""
        return await asyncio.to_thread(jobs.cancel, self._queue, team)

    async def positions(self, threads: Sequence[Thread]) -> dict[Thread, int]:
        """The positions in the queue, from 1, of those of the threads that still wait for a free slot of a worker."""
        ids = await cast("Awaitable[list[str]]", self._redis.lrange(self._queue.key, 0, -1))
        return jobs.positions(ids, threads)

    async def is_behind(self, message: Message) -> bool:
        """Whether an earlier message of the thread is answered first."""
        return bool(await self._redis.zrank(keys.box(message.thread), message.ts))

    async def takes_part(self, thread: Thread, ts: str) -> bool:
        """Whether somebody spoke to us in this thread before the message `ts`, which may arrive late."""
        waiting = await self._redis.zcount(keys.box(thread), "-inf", f"({ts}")
        return bool(waiting) or await history.was_asked_before(self._redis, thread, ts)

    def _put(self, message: Message, alone: bool) -> bool:
        is_new = self._keep(message, alone)
        if self._replicas and (is_new or not alone):
            # Also of one that was here before: its first delivery may have failed at this.
            mark = keys.seen_message(message.thread.team, message.thread.channel, message.ts)
            replication.confirm(self._queue.connection, mark, keys.seen_message.seconds, self._replicas)
        return is_new

    def _keep(self, message: Message, alone: bool) -> bool:
        with self._queue.connection.pipeline() as pipe:
            while True:
                try:
                    return self._try_to_put(pipe, message, alone)
                except WatchError:
                    continue

    def _try_to_put(self, pipe: Pipeline, message: Message, alone: bool) -> bool:
        """Raises WatchError if the thread changed meanwhile."""
        thread = message.thread
        box, messages, talks = keys.box(thread), keys.messages(thread), keys.talks(thread.team, message.user)
        marks = [keys.seen_message(thread.team, thread.channel, message.ts)]
        if message.event_id:
            marks.append(keys.seen_event(thread.team, message.event_id))
        # None of these may be there.
        barriers = [*marks, box] if alone else marks
        pipe.watch(*barriers)
        if pipe.exists(*barriers):
            _add_files(pipe, message)
            return False
        now = redis_time(pipe)
        pipe.multi()
        for mark in marks:
            pipe.set(mark, 1, ex=keys.seen_message.seconds)
        pipe.zadd(box, {message.ts: float(message.ts)})
        pipe.hset(messages, message.ts, message.to_json())
        pipe.expire(box, keys.box.seconds)
        pipe.expire(messages, keys.messages.seconds)
        pipe.zadd(keys.active(thread.team), {member(thread): now + GRACE_SECONDS}, nx=True)
        pipe.sadd(keys.TEAMS, thread.team)
        pipe.zadd(talks, {member(thread): now})
        pipe.zremrangebyrank(talks, 0, -RECENT_THREADS - 1)
        pipe.expire(talks, keys.talks.seconds)
        jobs.wake(self._queue, thread, pipe)
        pipe.execute()
        return True


def _add_files(pipe: Pipeline, twin: Message) -> None:
    """Give a message that is kept without files those of its `twin`. Raises WatchError.

    Slack delivers a mention twice, as `message` and as `app_mention`; now and then the latter has no files (observed).
    """
    messages = keys.messages(twin.thread)
    pipe.watch(messages)
    stored = pipe.hget(messages, twin.ts) if twin.files else None
    if stored is None:
        return
    kept = Message.from_json(stored)
    if kept.files:
        return
    pipe.multi()
    pipe.hset(messages, twin.ts, replace(kept, files=twin.files).to_json())
    pipe.execute()

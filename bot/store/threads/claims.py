"""The right to answer a thread: a lease with a fencing token, and what only its holder may write (invariant 5)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from redis import WatchError
from redis.client import Pipeline
from rq import Queue
from rq.utils import as_text

from bot.store import keys
from bot.store.counts.bills import Bill, pay
from bot.store.lua import NOW_SECONDS, Script
from bot.store.threads import history, jobs, replies
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.sweep import GRACE_SECONDS, member, redis_time
from bot.talk.message import Message, Thread

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


def acknowledge(queue: Queue, claim: Claim, update: HistoryUpdate, bill: Bill | None) -> None:
    """Write the turn, drop the message, give the lease back, wake the next message: all or nothing.

    Raises LeaseLost.
    """
    with queue.connection.pipeline() as pipe:
        while True:
            try:
                _acknowledge(pipe, queue, claim, update, bill)
                return
            except WatchError:
                continue


def release(queue: Queue, claim: Claim, retry_in: float, begun: bool, bill: Bill | None) -> None:
    """Give the message back. Does nothing if the lease is lost."""
    thread = claim.thread
    with queue.connection.pipeline() as pipe:
        try:
            _watch_lease(pipe, claim)
            now = redis_time(pipe)
            pipe.multi()
            if not begun:
                pipe.hincrby(keys.attempts(thread), claim.message.ts, -1)
            pipe.delete(keys.lease(thread))
            pipe.zadd(keys.active(thread.team), {member(thread): now + retry_in})
            if not retry_in:
                jobs.wake(queue, thread, pipe)
            _pay(pipe, claim, bill)
            pipe.execute()
        except (WatchError, LeaseLost):
            return


def _acknowledge(pipe: Pipeline, queue: Queue, claim: Claim, update: HistoryUpdate, bill: Bill | None) -> None:
    """Raises LeaseLost, or WatchError if the thread changed meanwhile."""
    thread, ts = claim.thread, claim.message.ts
    box, messages, edited, past = (name(thread) for name in (keys.box, keys.messages, keys.edited, keys.history))
    _watch_lease(pipe, claim, box, messages, edited, past)
    replaced = history.turn_lines(pipe, thread, update.replaces) if update.replaces else []
    others = pipe.zcard(box) - (pipe.zscore(box, ts) is not None)
    entries = _as_it_stands(pipe, claim.message, update.entries, replaced)
    now = redis_time(pipe)
    pipe.multi()
    for line in replaced:
        pipe.lrem(past, 1, line)
    if entries:
        pipe.rpush(past, *(entry.to_json() for entry in entries))
        pipe.ltrim(past, -update.keep, -1)
        pipe.expire(past, update.days * keys.DAY)
        pipe.expire(keys.files(thread), update.days * keys.DAY)
    pipe.zrem(box, ts)
    pipe.hdel(messages, ts)
    pipe.hdel(keys.attempts(thread), ts)
    pipe.hdel(edited, ts)
    pipe.delete(keys.lease(thread), keys.stop(thread, ts))
    _pay(pipe, claim, bill)
    if others:
        pipe.zadd(keys.active(thread.team), {member(thread): now + GRACE_SECONDS})
        jobs.wake(queue, thread, pipe)
    else:
        pipe.zrem(keys.active(thread.team), member(thread))
    pipe.execute()


def _watch_lease(pipe: Pipeline, claim: Claim, *others: str) -> None:
    pipe.watch(keys.lease(claim.thread), *others)
    if pipe.get(keys.lease(claim.thread)) != claim.token.encode():
        raise LeaseLost(str(claim.thread))


def _pay(pipe: Pipeline, claim: Claim, bill: Bill | None) -> None:
    replies.settle(pipe, claim.thread, claim.message.ts)
    if bill:
        pay(pipe, bill)


def _as_it_stands(pipe: Pipeline, message: Message, entries: Sequence[Entry], replaced: list[str]) -> Sequence[Entry]:
    """The entries of a turn after what happened to its question while it was answered, or answered anew.

    Nothing is left of a question that was deleted. One that was edited is remembered in its new form.
    """
    if not pipe.hexists(keys.messages(message.thread), message.ts):
        return []
    text = pipe.hget(keys.edited(message.thread), message.ts)
    if message.again:
        questions = [turn for turn in map(json.loads, replaced) if turn["role"] == "user"]
        if not questions:
            return []
        text = questions[0]["text"]
    if text is None:
        return entries
    ts = message.again or message.ts
    question = ("user", ts)
    return [replace(e, text=as_text(text)) if (e.role, e.ts) == question else e for e in entries]

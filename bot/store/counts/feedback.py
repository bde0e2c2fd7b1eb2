"""What people think of the answers: votes counted by day, and comments. Kept for 400 days."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Literal, cast

from redis import WatchError
from redis.asyncio import Redis

from bot.store import keys
from bot.store.counts.usage import count_vote
from bot.talk.message import Thread

Vote = Literal["good", "bad"]

COMMENT_LENGTH = 1_000
BATCH = 500


@dataclass(frozen=True)
class Comment:
    """What `user` wrote about the answer with this ts."""

    thread: str
    answer: str
    user: str
    text: str


@dataclass(frozen=True)
class Given:
    """What one person gave about one answer on one day: a vote, a comment, or both. `model` is the one voted on."""

    day: date
    thread: Thread
    answer: str
    user: str
    model: str | None = None
    vote: Vote | None = None
    comment: str | None = None


async def vote(
    redis: Redis, thread: Thread, answer: str, user: str, vote: Vote, day: date, model: str | None = None
) -> bool:
    """Count the vote on the answer (its ts), in place of the same person's earlier one; False if it is the same.

    `model` is the one that answered, as far as it is known.
    """
    key, count = keys.votes(thread, answer), keys.feedback(thread.team, day)
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(key)
                before = await cast("Awaitable[str | None]", pipe.hget(key, user))
                old, when, old_model = [*(before or "").split(" "), "", ""][:3]
                if old == vote:
                    return False
                pipe.multi()
                if before:
                    then, was = date.fromisoformat(when), cast("Vote", old)
                    pipe.hincrby(keys.feedback(thread.team, then), old, -1)
                    count_vote(pipe, thread, user, was, then, old_model or None, number=-1)
                pipe.hincrby(count, vote, 1)
                count_vote(pipe, thread, user, vote, day, model)
                pipe.hset(key, user, f"{vote} {day} {model or ''}".rstrip())
                pipe.expire(key, keys.votes.seconds)
                pipe.expire(count, keys.feedback.seconds)
                await pipe.execute()
                return True
            except WatchError:
                continue


async def sums(redis: Redis, team: str, days: Sequence[date]) -> dict[Vote, int]:
    """The votes given on these days together, as they stand now."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hmget(keys.feedback(team, day), ["good", "bad"])
    found = await pipe.execute()
    return {"good": sum(int(good or 0) for good, _ in found), "bad": sum(int(bad or 0) for _, bad in found)}


async def comment(redis: Redis, thread: Thread, answer: str, user: str, text: str, day: date) -> Comment:
    """Keep the first 1,000 characters of what somebody wrote about an answer; a second comment replaces the first."""
    said = Comment(str(thread), answer, user, text[:COMMENT_LENGTH])
    key = keys.comments(thread.team, day)
    async with redis.pipeline() as pipe:
        pipe.hset(key, f"{thread.channel}:{answer}:{user}", json.dumps(asdict(said), ensure_ascii=False))
        pipe.expire(key, keys.comments.seconds)
        await pipe.execute()
    return said


async def is_news(redis: Redis, thread: Thread, said: Comment) -> bool:
    """Whether the admins are still to be told of the comment; who asks tells them. For a day a repetition is no news.

    This is no part of keeping it: a comment may be kept although Redis answered too late for its author to hear that,
    and then it comes again and is told.
    """
    key = keys.told(thread.team, thread.channel, said.answer, said.user)
    digest = hashlib.sha256(said.text.encode()).hexdigest()
    return bool(await redis.set(key, digest, ex=keys.told.seconds, get=True) != digest)


async def comments(redis: Redis, team: str, day: date) -> list[Comment]:
    """What people wrote on this day, in no order."""
    stored = await cast("Awaitable[list[str]]", redis.hvals(keys.comments(team, day)))
    return [Comment(**json.loads(one)) for one in stored]


async def all_of(redis: Redis, team: str, days: Collection[date]) -> list[Given]:
    """All votes, as they stand now, and all comments of these days, oldest first. Redis looks through all its keys."""
    found: dict[tuple[str, ...], Given] = {}
    async for given in _votes(redis, team):
        if given.day in days:
            found[_about(given)] = given
    for day in days:
        for said in await comments(redis, team, day):
            given = Given(day, Thread(*said.thread.split(":")), said.answer, said.user)
            found[_about(given)] = replace(found.get(_about(given), given), comment=said.text)
    return [found[about] for about in sorted(found)]


async def _votes(redis: Redis, team: str) -> AsyncIterator[Given]:
    """The votes of all days. Some may come twice."""
    cursor = 0
    while True:
        cursor, names = await redis.scan(cursor, match=keys.votes(Thread(team, "*", "*"), "*"), count=BATCH)
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(name)
        for name, stored in zip(names, await pipe.execute(), strict=True):
            _, channel, thread_ts, _, answer = str(name).split(":")
            for user, vote in stored.items():
                said, day, model = [*vote.split(" "), ""][:3]
                thread = Thread(team, channel, thread_ts)
                yield Given(date.fromisoformat(day), thread, answer, user, model or None, cast("Vote", said))
        if not cursor:
            return


def _about(given: Given) -> tuple[str, ...]:
    """In this order they are listed."""
    return (str(given.day), str(given.thread), given.answer, given.user)

"""What people think of the answers: votes, counted by day, and comments."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, cast

from redis import WatchError
from redis.asyncio import Redis

from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.cells import Counts
from bot.store.counts.usage import DayCounts
from bot.talk.message import Thread

Rating = Literal["good", "bad"]

COMMENT_LENGTH = 1_000
BATCH = 500


@dataclass(frozen=True)
class Vote:
    """What `user` thinks of the answer with this ts since that day. `model` answered, as far as it is known."""

    thread: Thread
    answer: str
    user: str
    rating: Rating
    day: date
    model: str | None = None

    def to_field(self) -> str:
        return f"{self.rating} {self.day} {self.model or ''}".rstrip()

    @classmethod
    def from_field(cls, thread: Thread, answer: str, user: str, field: str) -> "Vote":
        rating, day, *model = field.split(" ")
        return cls(thread, answer, user, cast("Rating", rating), date.fromisoformat(day), model[0] if model else None)


@dataclass(frozen=True)
class Comment:
    """What `user` wrote about the answer with this ts."""

    thread: Thread
    answer: str
    user: str
    text: str

    def to_json(self) -> str:
        stored = {"thread": str(self.thread), "answer": self.answer, "user": self.user, "text": self.text}
        return json.dumps(stored, ensure_ascii=False)

    @classmethod
    def from_json(cls, data: str) -> "Comment":
        stored: Mapping[str, Any] = json.loads(data)
        return cls(Thread(*stored["thread"].split(":")), stored["answer"], stored["user"], stored["text"])


@dataclass(frozen=True)
class Feedback:
    """What one person said about one answer on one day: a vote, a comment, or both. `model` is the one voted on."""

    day: date
    thread: Thread
    answer: str
    user: str
    model: str | None = None
    rating: Rating | None = None
    comment: str | None = None


async def vote(redis: Redis, vote: Vote) -> bool:
    """Count the vote in place of the same person's earlier one on this answer; False if it is the same."""
    thread = vote.thread
    key, counts = keys.votes(thread, vote.answer), keys.feedback(thread.team, vote.day)
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(key)
                stored = await cast("Awaitable[str | None]", pipe.hget(key, vote.user))
                before = Vote.from_field(thread, vote.answer, vote.user, stored) if stored else None
                if before and before.rating == vote.rating:
                    return False
                pipe.multi()
                if before:
                    pipe.hincrby(keys.feedback(thread.team, before.day), before.rating, -1)
                    _count(pipe, before, -1)
                pipe.hincrby(counts, vote.rating, 1)
                _count(pipe, vote, 1)
                pipe.hset(key, vote.user, vote.to_field())
                pipe.expire(key, keys.votes.seconds)
                pipe.expire(counts, keys.feedback.seconds)
                await pipe.execute()
                return True
            except WatchError:
                continue


async def sums(redis: Redis, team: str, days: Sequence[date]) -> dict[Rating, int]:
    """The votes given on these days together, as they stand now."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hmget(keys.feedback(team, day), ["good", "bad"])
    counts = await pipe.execute()
    return {"good": sum(int(good or 0) for good, _ in counts), "bad": sum(int(bad or 0) for _, bad in counts)}


async def comment(redis: Redis, comment: Comment, day: date) -> Comment:
    """Keep the first 1,000 characters of the comment, in place of an earlier one of this day; what is kept."""
    kept = replace(comment, text=comment.text[:COMMENT_LENGTH])
    key = keys.comments(kept.thread.team, day)
    async with redis.pipeline() as pipe:
        pipe.hset(key, f"{kept.thread.channel}:{kept.answer}:{kept.user}", kept.to_json())
        pipe.expire(key, keys.comments.seconds)
        await pipe.execute()
    return kept


async def is_news(redis: Redis, comment: Comment) -> bool:
    """Whether the admins are still to be told of the comment; who asks tells them. For a day a repetition is no news.

    This is no part of keeping it: a comment may be kept although Redis answered too late for its author to hear that,
    and then it comes again and is told.
    """
    key = keys.told(comment.thread.team, comment.thread.channel, comment.answer, comment.user)
    digest = hashlib.sha256(comment.text.encode()).hexdigest()
    return bool(await redis.set(key, digest, ex=keys.told.seconds, get=True) != digest)


async def comments(redis: Redis, team: str, day: date) -> list[Comment]:
    """What people wrote on this day, in no order."""
    stored = await cast("Awaitable[list[str]]", redis.hvals(keys.comments(team, day)))
    return [Comment.from_json(data) for data in stored]


async def all_of(redis: Redis, team: str, days: Collection[date]) -> list[Feedback]:
    """All votes, as they stand now, and all comments of these days, oldest first. Redis looks through all its keys."""
    by_person: dict[tuple[str, ...], Feedback] = {}
    async for vote in _votes(redis, team):
        if vote.day in days:
            feedback = Feedback(vote.day, vote.thread, vote.answer, vote.user, vote.model, vote.rating)
            by_person[_order(feedback)] = feedback
    for day in days:
        for comment in await comments(redis, team, day):
            feedback = Feedback(day, comment.thread, comment.answer, comment.user)
            feedback = by_person.get(_order(feedback), feedback)
            by_person[_order(feedback)] = replace(feedback, comment=comment.text)
    return [by_person[order] for order in sorted(by_person)]


async def _votes(redis: Redis, team: str) -> AsyncIterator[Vote]:
    """The votes of all days. Some may come twice."""
    cursor = 0
    while True:
        cursor, names = await redis.scan(cursor, match=keys.votes(Thread(team, "*", "*"), "*"), count=BATCH)
        pipe = redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(name)
        for name, stored in zip(names, await pipe.execute(), strict=True):
            _, channel, thread_ts, _, answer = str(name).split(":")
            for user, field in stored.items():
                yield Vote.from_field(Thread(team, channel, thread_ts), answer, user, field)
        if not cursor:
            return


def _count(pipe: Any, vote: Vote, number: int) -> None:
    """Add the vote, or take it back (-1), where the usage of its person, channel and model is counted.

    It may be taken back long after: what was used on that day is kept no longer for it.
    """
    counts = Counts(good=number) if vote.rating == "good" else Counts(bad=number)
    cells = [("user", vote.user, counts), ("channel", usage.channel_name(vote.thread.channel), counts)]
    if vote.model:
        cells.append(("model", vote.model, counts))
    usage.add(pipe, DayCounts(vote.thread.team, vote.day, cells, renews=False))


def _order(feedback: Feedback) -> tuple[str, ...]:
    """In this order it is listed."""
    return (str(feedback.day), str(feedback.thread), feedback.answer, feedback.user)

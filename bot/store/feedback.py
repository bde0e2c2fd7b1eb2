"""What people think of the answers: votes counted by day, and comments. Kept for 400 days."""

import json
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal, cast

from redis import WatchError
from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import keys
from bot.store.usage import count_vote

Vote = Literal["good", "bad"]

KEEP_SECONDS = 400 * 24 * 3600
COMMENT_LENGTH = 1_000


@dataclass(frozen=True)
class Comment:
    """What `user` wrote about the answer with this ts."""

    thread: str
    answer: str
    user: str
    text: str


async def vote(
    redis: "Redis", thread: Thread, answer: str, user: str, vote: Vote, day: date, model: str | None = None
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
                pipe.expire(key, KEEP_SECONDS)
                pipe.expire(count, KEEP_SECONDS)
                await pipe.execute()
                return True
            except WatchError:
                continue


async def counts(redis: "Redis", team: str, day: date) -> dict[Vote, int]:
    """The votes given on this day, as they stand now."""
    good, bad = await cast("Awaitable[list[str | None]]", redis.hmget(keys.feedback(team, day), ["good", "bad"]))
    return {"good": int(good or 0), "bad": int(bad or 0)}


async def sums(redis: "Redis", team: str, days: Sequence[date]) -> dict[Vote, int]:
    """The votes given on these days together, as they stand now."""
    pipe = redis.pipeline(transaction=False)
    for day in days:
        pipe.hmget(keys.feedback(team, day), ["good", "bad"])
    found = await pipe.execute()
    return {"good": sum(int(good or 0) for good, _ in found), "bad": sum(int(bad or 0) for _, bad in found)}


async def comment(redis: "Redis", thread: Thread, answer: str, user: str, text: str, day: date) -> None:
    """Keep the first 1,000 characters of what somebody wrote about an answer; a second comment replaces the first."""
    said = Comment(str(thread), answer, user, text[:COMMENT_LENGTH])
    key = keys.comments(thread.team, day)
    async with redis.pipeline() as pipe:
        pipe.hset(key, f"{thread.channel}:{answer}:{user}", json.dumps(asdict(said), ensure_ascii=False))
        pipe.expire(key, KEEP_SECONDS)
        await pipe.execute()


async def comments(redis: "Redis", team: str, day: date) -> list[Comment]:
    """What people wrote on this day, in no order."""
    stored = await cast("Awaitable[list[str]]", redis.hvals(keys.comments(team, day)))
    return [Comment(**json.loads(one)) for one in stored]

import asyncio

import pytest
from redis.asyncio import Redis

from bot.store import keys
from bot.store.rules import limits
from bot.store.rules.limits import TooMany
from bot.talk.message import Message, Thread

TEAM = "T1"
_count = iter(range(1, 1_000_000))


def message(user: str = "U1", channel: str = "C1", ts: str | None = None) -> Message:
    ts = ts or f"{next(_count)}.000001"
    return Message(Thread(TEAM, channel, ts), ts, user, "hello")


async def limit(redis: Redis, field: str, most: int) -> None:
    await redis.hset(keys.limits(TEAM), field, most)


async def taken(redis: Redis, *messages: Message) -> list[bool]:
    return [await limits.take(redis, each) is None for each in messages]


async def test_without_limits_everything_is_taken_and_nothing_kept(redis: Redis) -> None:
    assert all(await taken(redis, *(message() for _ in range(100))))
    assert await redis.dbsize() == 0


@pytest.mark.parametrize(
    ("field", "same", "other"),
    [
        ("each minute", {"channel": "C2"}, {"user": "U2"}),
        ("user:U1 day", {"channel": "C2"}, {"user": "U2"}),
        ("channels day", {"user": "U2"}, {"channel": "C2"}),
        ("channel:C1 minute", {"user": "U2"}, {"channel": "C2"}),
    ],
)
async def test_one_too_many_is_refused_where_the_limit_holds(
    redis: Redis, field: str, same: dict[str, str], other: dict[str, str]
) -> None:
    await limit(redis, field, 2)
    assert await taken(redis, message(), message(**same), message(**same), message()) == [True, True, False, False]
    assert await taken(redis, message(**other)) == [True]


async def test_the_second_event_of_one_that_was_refused_is_not_refused_again(redis: Redis) -> None:
    """It is as good as seen: the mailbox does not take it."""
    await limit(redis, "each minute", 1)
    one_too_many = message()
    assert await taken(redis, message(), one_too_many, one_too_many) == [True, False, True]
    assert await redis.exists(keys.seen_message(TEAM, "C1", one_too_many.ts))


async def test_own_limits_count_in_place_of_those_for_each(redis: Redis) -> None:
    await limit(redis, "each minute", 1)
    await limit(redis, "user:U1 minute", 3)
    assert await taken(redis, *(message() for _ in range(4))) == [True, True, True, False]


async def test_both_windows_count(redis: Redis) -> None:
    await limit(redis, "each minute", 5)
    await limit(redis, "each day", 1)
    assert await limits.take(redis, message()) is None
    found = await limits.take(redis, message())
    assert found is not None
    assert (found.scope, found.window, found.most) == ("each", "day", 1)
    assert 86_000 < found.wait <= 86_400


async def test_the_window_slides(redis: Redis) -> None:
    await limit(redis, "each minute", 2)
    assert all(await taken(redis, message(), message()))
    found = await limits.take(redis, message())
    assert found
    assert 59 < found.wait <= 60
    [oldest, _] = await redis.zrange(keys.rate(TEAM, "user:U1"), 0, -1)
    await redis.zincrby(keys.rate(TEAM, "user:U1"), -60_000, str(oldest))
    assert await taken(redis, message(), message()) == [True, False]


async def test_what_was_refused_does_not_count(redis: Redis) -> None:
    await limit(redis, "each minute", 1)
    await taken(redis, *(message() for _ in range(10)))
    assert await redis.zcard(keys.rate(TEAM, "user:U1")) == 1


async def test_a_limit_of_nothing_takes_nothing(redis: Redis) -> None:
    await limit(redis, "channel:C1 day", 0)
    assert await taken(redis, message(), message(channel="C2")) == [False, True]


async def test_a_person_is_told_once_a_minute(redis: Redis) -> None:
    await limit(redis, "each minute", 0)
    found = [await limits.take(redis, message(user)) for user in ("U1", "U1", "U2")]
    assert [each.tell for each in found if isinstance(each, TooMany)] == [True, False, True]
    assert keys.slow_down.seconds - 5 < await redis.ttl(keys.slow_down(TEAM, "U1")) <= keys.slow_down.seconds


async def test_the_second_delivery_of_a_message_counts_no_second_time(redis: Redis) -> None:
    await limit(redis, "each minute", 2)
    first, second = message(), message()
    assert await taken(redis, first, first, second) == [True, True, True]
    assert await redis.zcard(keys.rate(TEAM, "user:U1")) == 2


async def test_the_second_delivery_of_the_last_message_that_fits_is_not_one_too_many(redis: Redis) -> None:
    await limit(redis, "each minute", 1)
    last = message()
    assert await taken(redis, last, last, message()) == [True, True, False]


async def test_of_a_message_that_was_refused_the_second_delivery_is_as_good_as_seen(redis: Redis) -> None:
    await limit(redis, "each minute", 0)
    refused = message()
    assert await taken(redis, refused) == [False]
    assert await redis.exists(keys.seen_message(TEAM, "C1", refused.ts))
    await redis.delete(keys.limits(TEAM))


async def test_fifty_at_once_keep_to_the_limit(redis: Redis) -> None:
    await limit(redis, "channels minute", 7)
    found = await asyncio.gather(*(limits.take(redis, message(f"U{n}")) for n in range(50)))
    assert found.count(None) == 7


async def test_limits_are_told_by_scope(redis: Redis) -> None:
    await limit(redis, "user:U1 day", 5)
    await limit(redis, "channels minute", 7)
    assert await limits.limits(redis, TEAM) == {("channels", "minute"): 7, ("user:U1", "day"): 5}

"""When people of a thread speak to somebody else, and when to us again."""

from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads.asides import is_one, note, were_after
from bot.talk.message import Thread

THREAD = Thread("T1", "C1", "1.1")


async def test_what_follows_a_mention_of_somebody_else_is_for_them_until_we_are_mentioned(redis: Redis) -> None:
    assert not await is_one(redis, THREAD, "1.2")
    await note(redis, THREAD, "others", "1.3")
    assert not await is_one(redis, THREAD, "1.2")
    assert await is_one(redis, THREAD, "1.4")
    assert not await is_one(redis, Thread("T1", "C1", "1.2"), "1.4")
    await note(redis, THREAD, "us", "1.5")
    assert not await is_one(redis, THREAD, "1.6")
    await note(redis, THREAD, "others", "1.7")
    assert await is_one(redis, THREAD, "1.8")
    assert 0 < await redis.ttl(keys.asides(THREAD)) <= keys.asides.seconds


async def test_the_order_is_that_of_what_was_said_and_not_of_the_events(redis: Redis) -> None:
    await note(redis, THREAD, "us", "1.5")
    await note(redis, THREAD, "others", "1.3")
    assert not await is_one(redis, THREAD, "1.6")
    await note(redis, THREAD, "others", "1.9")
    await note(redis, THREAD, "others", "1.2")
    await note(redis, THREAD, "us", "1.4")
    assert await is_one(redis, THREAD, "1.91")


async def test_what_was_not_for_us_is_known_to_be_there(redis: Redis) -> None:
    assert not await were_after(redis, THREAD, "1.1")
    await note(redis, THREAD, "nobody", "1.2")
    assert not await is_one(redis, THREAD, "1.3")
    await note(redis, THREAD, "us", "1.5")
    assert await were_after(redis, THREAD, "1.1")
    assert not await were_after(redis, THREAD, "1.2")
    await note(redis, THREAD, "others", "1.6")
    assert await were_after(redis, THREAD, "1.5")

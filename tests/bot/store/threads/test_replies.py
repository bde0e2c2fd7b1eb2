"""How far a reply is, for whoever takes over."""

import pytest
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import replies
from bot.store.threads.replies import Final, Progress, Reply
from bot.talk.message import Thread

THREAD, TS = Thread("T1", "C1", "1.1"), "1.2"
FINAL = Final("Ä “final” 🙂", said="", hidden=True, note="1 token")


@pytest.fixture(autouse=True)
async def waits(redis: Redis) -> None:
    await redis.hset(keys.messages(THREAD), TS, "waits")


async def test_a_reply_not_begun_is_empty(redis: Redis) -> None:
    assert await replies.load(redis, THREAD, TS) == Reply()


async def test_whoever_takes_over_finds_the_messages_and_what_they_show(redis: Redis) -> None:
    await replies.save_progress(redis, THREAD, TS, Progress(("1.3",), 10))
    await replies.save_progress(redis, THREAD, TS, Progress(("1.3", "1.4"), 25))
    assert await replies.load(redis, THREAD, TS) == Reply(("1.3", "1.4"), 25)


async def test_what_claude_answered_is_there_beside_what_is_shown(redis: Redis) -> None:
    await replies.save_progress(redis, THREAD, TS, Progress(("1.3",), 10))
    await replies.save_final(redis, THREAD, TS, FINAL)
    assert await replies.load(redis, THREAD, TS) == Reply(("1.3",), 10, final=FINAL)
    await replies.save_progress(redis, THREAD, TS, Progress(("1.3",), 12))
    assert (await replies.load(redis, THREAD, TS)).final == FINAL


async def test_each_message_of_each_thread_has_a_reply_of_its_own(redis: Redis) -> None:
    await replies.save_final(redis, THREAD, TS, FINAL)
    assert await replies.load(redis, THREAD, "1.3") == Reply()
    assert await replies.load(redis, Thread("T2", "C1", "1.1"), TS) == Reply()


async def test_it_is_forgotten_after_a_week(redis: Redis) -> None:
    await replies.save_progress(redis, THREAD, TS, Progress((), 0))
    assert keys.reply.seconds - 60 < await redis.ttl(keys.reply(THREAD, TS)) <= keys.reply.seconds
    await redis.persist(keys.reply(THREAD, TS))
    await replies.save_final(redis, THREAD, TS, FINAL)
    assert await redis.ttl(keys.reply(THREAD, TS)) > 0


async def test_of_a_message_that_is_no_longer_in_the_mailbox_nothing_is_kept(redis: Redis) -> None:
    await redis.delete(keys.messages(THREAD))
    await replies.save_progress(redis, THREAD, TS, Progress(("1.3",), 10))
    await replies.save_final(redis, THREAD, TS, FINAL)
    assert not await redis.exists(keys.reply(THREAD, TS))

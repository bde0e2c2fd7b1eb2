"""What a thread began with stays; what Claude was sent last is remembered."""

import pytest
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import prompt_record
from bot.store.threads.prompt_record import Instructions, LastRequest, Record
from bot.talk.message import Thread

THREAD, OTHER = Thread("T1", "C1", "1.1"), Thread("T1", "C1", "2.1")
FIRST = Instructions("How to read it.", "Be kind.", "Workspace Ä", "Channel")
LATER = Instructions("How to read it now.", "Be brief.")
DAY = 24 * 3600


@pytest.fixture(autouse=True)
async def asked(redis: Redis) -> None:
    for thread in (THREAD, OTHER):
        await redis.hset(keys.messages(thread), thread.ts, "waits")


async def test_a_thread_keeps_what_it_began_with(redis: Redis) -> None:
    assert await prompt_record.load(redis, THREAD, FIRST, 30) == Record(FIRST)
    assert await prompt_record.load(redis, THREAD, LATER, 30) == Record(FIRST)


async def test_another_thread_begins_with_what_holds_then(redis: Redis) -> None:
    await prompt_record.load(redis, THREAD, FIRST, 30)
    assert await prompt_record.load(redis, OTHER, LATER, 30) == Record(LATER)


async def test_a_thread_that_is_forgotten_while_its_question_is_answered_keeps_nothing(redis: Redis) -> None:
    await redis.delete(keys.messages(THREAD))
    assert await prompt_record.load(redis, THREAD, FIRST, 30) == Record(FIRST)
    assert not await redis.exists(keys.record(THREAD))


async def test_a_thread_in_use_is_kept_as_long_as_its_history(redis: Redis) -> None:
    await prompt_record.load(redis, THREAD, FIRST, 1)
    await prompt_record.load(redis, THREAD, FIRST, 30)
    assert 30 * DAY - 60 < await redis.ttl(keys.record(THREAD)) <= 30 * DAY


async def test_the_last_request_is_remembered(redis: Redis) -> None:
    await prompt_record.load(redis, THREAD, FIRST, 30)
    for tokens in (5_000, 6_000):
        await prompt_record.save_last_request(redis, THREAD, LastRequest("claude-a", 1_732_161_600.25, tokens))
    assert await prompt_record.load(redis, THREAD, LATER, 30) == Record(
        FIRST, LastRequest("claude-a", 1_732_161_600.25, 6_000)
    )

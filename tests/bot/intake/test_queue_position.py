"""Whoever waits for a free slot sees their place in the queue."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from bot.intake.queue_position import AGAIN_SECONDS, MOST_TOLD, POSITION, WaitingThreads
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.status import THINKING
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False, limits=False) as sandbox:
        yield sandbox


async def ask(sandbox: Sandbox, inbox: Inbox) -> Thread:
    ts = await sandbox.slack.say("ada", "general", "@parley hello")
    thread = Thread(sandbox.team, sandbox.channels["general"], ts)
    assert await inbox.put(Message(thread, ts, "U1", "hello"))
    return thread


async def test_places_count_threads_and_not_wake_ups(sandbox: Sandbox, inbox: Inbox, queue: Queue) -> None:
    first = await ask(sandbox, inbox)
    await inbox.put(Message(first, f"{float(first.ts) + 1:.6f}", "U1", "and"))
    second, third = await ask(sandbox, inbox), await ask(sandbox, inbox)
    assert queue.count == 4
    assert await inbox.positions([third, first, second]) == {first: 1, second: 2, third: 3}
    queue.connection.lpop(queue.key, 2)
    assert await inbox.positions([third, first, second]) == {second: 1, third: 2}


async def test_a_thread_shows_its_place_until_a_worker_has_it(
    sandbox: Sandbox, redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    threads = [await ask(sandbox, inbox) for _ in range(3)]
    shown = sandbox.slack.workspace.statuses
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        waiting = WaitingThreads(inbox, redis, web, every=0.05)
        for thread in threads:
            waiting.add(thread, thread.ts)

        def places() -> list[str]:
            return [shown[thread.channel, thread.ts].text for thread in threads if (thread.channel, thread.ts) in shown]

        await sandbox.slack.until(lambda: places() == [POSITION.format(position=place) for place in (1, 2, 3)])
        queue.connection.lpop(queue.key, 2)
        await sandbox.slack.until(lambda: places() == [THINKING, THINKING, POSITION.format(position=1)])
        queue.empty()
        await sandbox.slack.until(lambda: places() == [THINKING] * 3)


async def test_who_is_answered_at_once_is_told_no_place(
    sandbox: Sandbox, redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    gone, there = await ask(sandbox, inbox), await ask(sandbox, inbox)
    queue.connection.lpop(queue.key, 1)
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        waiting = WaitingThreads(inbox, redis, web, every=0.05)
        for thread in (gone, there):
            waiting.add(thread, thread.ts)
        await sandbox.slack.until(lambda: sandbox.slack.workspace.statuses)
        queue.empty()
        await sandbox.slack.until(lambda: sandbox.slack.workspace.statuses[there.channel, there.ts].text == THINKING)
    assert (gone.channel, gone.ts) not in sandbox.slack.workspace.statuses


async def looked(redis: AsyncRedis, times: int) -> None:
    """Wait until somebody looked at the queue so often from now."""

    async def looks() -> int:
        return int((await redis.info("commandstats")).get("cmdstat_lrange", {}).get("calls", 0))

    until = await looks() + times
    async with asyncio.timeout(10):
        while await looks() < until:
            await asyncio.sleep(0.01)


async def test_a_place_is_told_once_however_often_the_thread_is_added(
    sandbox: Sandbox, redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    thread = await ask(sandbox, inbox)
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        waiting = WaitingThreads(inbox, redis, web, every=0.02)
        for _ in range(2):
            waiting.add(thread, thread.ts)
            await sandbox.slack.until(lambda: sandbox.slack.workspace.statuses)
            await looked(redis, 5)
        watching = [task for task in asyncio.all_tasks() if "WaitingThreads._watch" in repr(task.get_coro())]
        assert len(watching) == 1
        assert len(sandbox.journal.entries("slack.request", "assistant.threads.setStatus")) == 1
        queue.empty()
        await asyncio.wait_for(watching[0], 10)
        again = await ask(sandbox, inbox)
        waiting.add(again, again.ts)
        await sandbox.slack.until(lambda: (again.channel, again.ts) in sandbox.slack.workspace.statuses)
        queue.empty()


async def test_in_one_look_only_so_many_are_told_and_who_waits_long_is_told_again(
    sandbox: Sandbox, redis: AsyncRedis, inbox: Inbox
) -> None:
    threads = [await ask(sandbox, inbox) for _ in range(MOST_TOLD + 3)]
    told = sandbox.journal.entries
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        waiting = WaitingThreads(inbox, redis, web, every=3600.0)
        for thread in threads:
            waiting.add(thread, thread.ts)
        places = await inbox.positions(threads)
        for expected in (MOST_TOLD, MOST_TOLD + 3, MOST_TOLD + 3):
            await waiting._tell(places)
            assert len(told("slack.request", "assistant.threads.setStatus")) == expected
        waiting._threads[threads[5]].at -= AGAIN_SECONDS
        await waiting._tell(places)
        assert len(told("slack.request", "assistant.threads.setStatus")) == MOST_TOLD + 4


async def test_a_redis_that_stumbles_does_not_end_the_line(
    sandbox: Sandbox, redis: AsyncRedis, inbox: Inbox, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "parley.waiting")
    thread = await ask(sandbox, inbox)
    await redis.rename(queue.key, "aside")
    await redis.set(queue.key, "no list")
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        WaitingThreads(inbox, redis, web, every=0.02).add(thread, thread.ts)
        async with asyncio.timeout(10):
            while "no places error=ResponseError" not in caplog.text:
                await asyncio.sleep(0.01)
        await redis.rename("aside", queue.key)
        await sandbox.slack.until(lambda: (thread.channel, thread.ts) in sandbox.slack.workspace.statuses)
        queue.empty()

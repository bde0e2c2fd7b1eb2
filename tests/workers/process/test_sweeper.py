"""The sweeper outlasts a Redis that is away, and leaves other deployments alone."""

import asyncio
from collections.abc import Coroutine

import pytest
from redis.asyncio import Redis
from rq import Queue
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.own_teams import OwnTeams
from bot.store import connections, keys
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread
from tests.kit.mailbox import end_lease, said, waits, woken
from workers.process import sweeper

NOWHERE = "redis://127.0.0.1:1"


async def said_in_a_moment(sweeping: Coroutine[None, None, None], caplog: pytest.LogCaptureFixture) -> list[str]:
    task = asyncio.create_task(sweeping)
    while len(caplog.records) < 2:
        await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    assert not any(record.exc_info for record in caplog.records)
    return [record.getMessage() for record in caplog.records[:2]]


async def test_without_redis_it_says_so_in_a_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweeper, "EVERY_SECONDS", 0.01)
    redis, producer = connections.shared(NOWHERE), connections.producer(NOWHERE)
    try:
        inbox = Inbox(redis, connections.queue("parley", producer), 8.0)
        own = OwnTeams(AsyncWebClient(), "T1")
        assert await said_in_a_moment(sweeper.sweep(inbox, own), caplog) == ["no sweep error=ConnectionError"] * 2
        caplog.clear()
        ending = sweeper.end_sessions(AsyncWebClient(), redis, inbox, own)
        assert await said_in_a_moment(ending, caplog) == ["sessions stay error=ConnectionError"] * 2
    finally:
        await redis.aclose()
        producer.close()


async def test_another_deployments_threads_are_left_to_its_own_sweeper(
    redis: Redis,
    inbox: Inbox,
    queue: Queue,
    sandbox: Sandbox,
    web: AsyncWebClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sweeper, "EVERY_SECONDS", 0.01)
    ours, theirs = (Thread(team, "C1", "1.000001") for team in (sandbox.team, "T0THEIRS"))
    for thread in (ours, theirs):
        await inbox.put(said("1.000001", thread))
        await end_lease(redis, thread)
        await redis.zadd(keys.sessions(thread.team), {"C1:2.000002": 1})
    woken(queue)
    own = OwnTeams(web, sandbox.team)
    tasks = [asyncio.create_task(sweeper.sweep(inbox, own))]
    tasks.append(asyncio.create_task(sweeper.end_sessions(web, redis, inbox, own)))
    while not queue.count or await redis.exists(keys.sessions(sandbox.team)):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    assert woken(queue) == [[sandbox.team, "C1", "1.000001"]]
    assert await waits(redis, theirs) == ["1.000001"]
    assert await redis.zscore(keys.active("T0THEIRS"), "C1:1.000001") == 0
    assert await redis.zscore(keys.sessions("T0THEIRS"), "C1:2.000002") == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "parley.teams"]
    assert lines == [f"left alone, as it is not a team of our token team=T0THEIRS own={sandbox.team}"]
    assert len(sandbox.journal.entries("slack.request", "auth.test")) == 1

"""The sweeper outlasts a Redis that is away."""

import asyncio
from collections.abc import Coroutine

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.store import connections
from bot.store.threads.inbox import Inbox
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
        assert await said_in_a_moment(sweeper.sweep(inbox), caplog) == ["no sweep error=ConnectionError"] * 2
        caplog.clear()
        ending = sweeper.end_sessions(AsyncWebClient(), redis)
        assert await said_in_a_moment(ending, caplog) == ["sessions stay error=ConnectionError"] * 2
    finally:
        await redis.aclose()
        producer.close()

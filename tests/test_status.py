"""A question that was heard looks heard."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack, status
from bot.incoming import Thread
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.store import keys


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False) as sandbox:
        yield sandbox


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        yield web


@pytest.fixture
async def thread(sandbox: Sandbox, redis: "Redis") -> Thread:
    """Its first message waits for an answer."""
    ts = await sandbox.slack.say("ada", "general", "@parley hello")
    thread = Thread(sandbox.team, sandbox.channels["general"], ts)
    await redis.hset(keys.messages(thread), ts, "waits")
    return thread


def eyes(sandbox: Sandbox, thread: Thread) -> list[str]:
    message = sandbox.slack.workspace.find(thread.channel, thread.ts)
    return list(message.reactions) if message else []


async def test_a_status_stands_below_the_thread(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", thread: Thread
) -> None:
    await status.show(web, redis, thread, thread.ts, "is counting…")
    assert sandbox.slack.workspace.statuses[thread.channel, thread.ts].text == "is counting…"


async def test_where_slack_has_no_status_there_are_eyes(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", thread: Thread
) -> None:
    sandbox.faults.add("assistant.threads.setStatus", "error", error="unknown_method")
    await status.show(web, redis, thread, thread.ts)
    await status.show(web, redis, thread, thread.ts)
    assert eyes(sandbox, thread) == ["eyes"]
    await status.look_away(web, redis, thread, thread.ts)
    await status.look_away(web, redis, thread, thread.ts)
    assert eyes(sandbox, thread) == []
    assert len(sandbox.journal.entries("slack.request", "reactions.remove")) == 1


async def test_eyes_that_come_after_everybody_looked_away_do_not_stay(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", thread: Thread
) -> None:
    sandbox.faults.add("reactions.add", "delay", times=1, seconds=0.3)
    looking = asyncio.create_task(status.look(web, redis, thread, thread.ts))
    await sandbox.journal.until(lambda e: e.kind == "slack.request" and e.name == "reactions.add")
    await status.look_away(web, redis, thread, thread.ts)
    await looking
    assert eyes(sandbox, thread) == []


async def test_nobody_looks_at_a_question_that_waits_no_more(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", thread: Thread
) -> None:
    await redis.delete(keys.messages(thread))
    await status.look(web, redis, thread, thread.ts)
    assert eyes(sandbox, thread) == []

"""Slack's own Stop shows beside a thread for as long as something waits in it, and costs no answer anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack import native_stop, sessions
from bot.slack.rate_limits import PER_MINUTE, RateLimits
from bot.store import keys
from bot.talk.message import Thread


@pytest.fixture
async def sandbox(redis: Redis) -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False) as sandbox:
        await redis.sadd(keys.TEAMS, sandbox.team)
        yield sandbox


@pytest.fixture
async def web(sandbox: Sandbox, redis: Redis) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(sandbox.environ(), dotenv=None)) as web:
        web.rate_limits = RateLimits(redis, sandbox.team)
        yield web


async def ask(sandbox: Sandbox, redis: Redis) -> Thread:
    """Something waits in the thread."""
    ts = await sandbox.slack.say("ada", "general", "@parley hello")
    thread = Thread(sandbox.team, sandbox.channels["general"], ts)
    await redis.zadd(keys.box(thread), {ts: float(ts)})
    return thread


async def answer(redis: Redis, thread: Thread) -> None:
    await redis.delete(keys.box(thread))


def shown(sandbox: Sandbox, thread: Thread) -> str | None:
    found = sandbox.slack.workspace.sessions.get((thread.channel, thread.ts))
    return found.status if found else None


def calls(sandbox: Sandbox) -> int:
    kinds = ("slack.request", "slack.fault")
    return sum(len(sandbox.journal.entries(kind, "agents.sessions.setStatus")) for kind in kinds)


async def test_it_shows_until_nothing_waits_any_more(sandbox: Sandbox, redis: Redis, web: AsyncWebClient) -> None:
    thread, other = await ask(sandbox, redis), await ask(sandbox, redis)
    for each in (thread, other):
        await native_stop.begin(web, redis, each)
    assert shown(sandbox, thread) == "processing"
    await answer(redis, thread)
    for _ in range(2):
        await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert (shown(sandbox, thread), shown(sandbox, other)) == ("active", "processing")
    assert calls(sandbox) == 3


@pytest.mark.parametrize("error", sorted(native_stop.UNAVAILABLE))
async def test_a_workspace_without_it_is_not_asked_again(
    sandbox: Sandbox, redis: Redis, web: AsyncWebClient, error: str
) -> None:
    sandbox.faults.add("agents.sessions.setStatus", "error", error=error)
    for _ in range(2):
        await native_stop.begin(web, redis, await ask(sandbox, redis))
    assert calls(sandbox) == 1
    assert not await redis.exists(keys.sessions(sandbox.team))


async def test_an_app_that_would_not_hear_of_a_stop_shows_none(
    sandbox: Sandbox, redis: Redis, web: AsyncWebClient
) -> None:
    sandbox.slack.app.subscribed.discard("agent_session_stopped")
    first = await ask(sandbox, redis)
    await native_stop.begin(web, redis, first)
    await native_stop.begin(web, redis, await ask(sandbox, redis))
    assert calls(sandbox) == 1
    await answer(redis, first)
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert shown(sandbox, first) == "active"


async def test_a_refusal_for_one_thread_is_none_for_others(sandbox: Sandbox, redis: Redis, web: AsyncWebClient) -> None:
    sandbox.faults.add("agents.sessions.setStatus", "error", times=1, error="not_authorized")
    refused, thread = await ask(sandbox, redis), await ask(sandbox, redis)
    for each in (refused, thread):
        await native_stop.begin(web, redis, each)
    assert (shown(sandbox, refused), shown(sandbox, thread)) == (None, "processing")
    assert await redis.zcard(keys.sessions(sandbox.team)) == 1


async def test_a_beginning_of_which_slack_told_nothing_is_ended_all_the_same(
    sandbox: Sandbox, redis: Redis, web: AsyncWebClient
) -> None:
    sandbox.faults.add("agents.sessions.setStatus", "reset", times=1, after=True)
    thread = await ask(sandbox, redis)
    await native_stop.begin(web, redis, thread)
    await answer(redis, thread)
    assert shown(sandbox, thread) == "processing"
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert shown(sandbox, thread) == "processing"
    await redis.zincrby(keys.sessions(sandbox.team), -sessions.GRACE_SECONDS, f"{thread.channel}:{thread.ts}")
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert shown(sandbox, thread) == "active"


@pytest.mark.parametrize("error", ["internal_error", "ratelimited"])
async def test_an_end_that_fails_is_tried_again(
    sandbox: Sandbox, redis: Redis, web: AsyncWebClient, error: str
) -> None:
    thread = await ask(sandbox, redis)
    await native_stop.begin(web, redis, thread)
    await answer(redis, thread)
    sandbox.faults.add("agents.sessions.setStatus", "error", times=1, error=error)
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert shown(sandbox, thread) == "processing"
    await redis.delete(keys.pause(sandbox.team, sessions.METHOD))
    await redis.zincrby(keys.sessions(sandbox.team), -sessions.AGAIN_SECONDS, f"{thread.channel}:{thread.ts}")
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert shown(sandbox, thread) == "active"
    assert not await redis.exists(keys.sessions(sandbox.team))


async def test_a_thread_in_which_somebody_asks_anew_while_it_ends_is_still_ended_later(
    sandbox: Sandbox, redis: Redis, web: AsyncWebClient
) -> None:
    thread = await ask(sandbox, redis)
    await native_stop.begin(web, redis, thread)
    await answer(redis, thread)
    [(found, mark)] = await sessions.over(redis, thread.team)
    await native_stop.begin(web, redis, thread)
    await sessions.ended(redis, found, mark)
    assert await redis.zcard(keys.sessions(thread.team)) == 1


async def test_every_session_that_begins_has_room_to_end(sandbox: Sandbox, redis: Redis, web: AsyncWebClient) -> None:
    threads = [await ask(sandbox, redis) for _ in range(40)]
    await asyncio.gather(*(native_stop.begin(web, redis, thread) for thread in threads))
    begun = [thread for thread in threads if shown(sandbox, thread)]
    assert 15 <= len(begun) <= PER_MINUTE[sessions.METHOD] // 2
    for thread in threads:
        await answer(redis, thread)
    await native_stop.end_those_that_are_over(web, redis, [sandbox.team])
    assert {shown(sandbox, thread) for thread in begun} == {"active"}


async def test_of_a_team_that_removed_us_nothing_is_noted(sandbox: Sandbox, redis: Redis, web: AsyncWebClient) -> None:
    await redis.srem(keys.TEAMS, sandbox.team)
    await native_stop.begin(web, redis, await ask(sandbox, redis))
    assert calls(sandbox) == 0
    assert not await redis.exists(keys.sessions(sandbox.team))

"""What processes know of Claude together: two clients on one Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.limits import Rates
from bot.store import connections
from tests.kit.claude import MODEL, OTHER, QUICK, REQUEST, ROUTE, Watching, ask, begin, bodies, connected, fail, serving
from workers.claude.call import DOWN
from workers.claude.client import ClaudeAnswer, ClaudeClient
from workers.claude.failures import OVERLOADED, Patience
from workers.claude.gate import BUSY, FILE_TOKENS, FULL, fresh_tokens

TEXT = "A sentence of the answer. " * 8
OUTAGES = 5


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as sandbox:
        sandbox.script(None, Script(TEXT))
        yield sandbox


@asynccontextmanager
async def two(
    sandbox: Sandbox, redis: Redis, *, patience: Patience = QUICK, **more: str
) -> AsyncIterator[tuple[ClaudeClient, ClaudeClient]]:
    async with (
        connected(sandbox, redis, patience=patience, **more) as one,
        connected(sandbox, redis, patience=patience, **more) as other,
    ):
        yield one, other


async def told(claude: ClaudeClient, sentence: str, **request: Any) -> "asyncio.Task[ClaudeAnswer]":
    """A call that has told why it waits."""
    said: asyncio.Queue[str] = asyncio.Queue()
    call = claude.call({**REQUEST, **request}, observer=Watching(wait=said.put_nowait))
    task = asyncio.create_task(call.answer())
    async with asyncio.timeout(10):
        assert await said.get() == sentence
    return task


async def stop(task: "asyncio.Task[ClaudeAnswer]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# The breaker


async def test_after_a_run_of_outages_nobody_asks_and_people_are_told(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.faults.add(ROUTE, "overloaded")
    async with two(sandbox, redis, patience=replace(QUICK, attempts=OUTAGES)) as (one, other):
        await fail(one)
        assert len(bodies(sandbox)) == OUTAGES
        failure = await fail(other)
    assert (failure.kind, failure.sentence) == ("breaker", OVERLOADED)
    assert len(bodies(sandbox)) == OUTAGES


async def test_who_may_wait_for_the_breaker_waits(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.faults.add(ROUTE, "overloaded")
    async with (
        two(sandbox, redis, patience=replace(QUICK, attempts=OUTAGES)) as (one, _),
        connected(sandbox, redis, patience=replace(QUICK, backoff_cap_seconds=60)) as patient,
    ):
        await fail(one)
        await stop(await told(patient, DOWN))
    assert len(bodies(sandbox)) == OUTAGES


async def test_a_fallback_model_answers_at_once_while_the_breaker_is_open(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.faults.add(ROUTE, "overloaded", times=OUTAGES)
    async with connected(sandbox, redis, patience=replace(QUICK, attempts=OUTAGES)) as one:
        await fail(one)
    async with connected(sandbox, redis, FALLBACK_MODEL=OTHER) as other:
        answer, _ = await ask(other)
    assert (answer.text, answer.model, answer.asked_model, answer.attempts) == (TEXT, OTHER, MODEL, 1)


@pytest.mark.parametrize(
    ("kind", "params"), [("rate_limit", {"retry_after": 0}), ("status", {"status": 400}), ("reset", {"after": 1})]
)
async def test_what_is_no_outage_keeps_the_breaker_shut(
    sandbox: Sandbox, redis: Redis, kind: str, params: dict[str, Any]
) -> None:
    sandbox.faults.add(ROUTE, kind, times=2 * OUTAGES, **params)
    async with connected(sandbox, redis, patience=replace(QUICK, attempts=1)) as claude:
        for _ in range(2 * OUTAGES):
            await fail(claude)
        assert (await ask(claude))[0].text == TEXT


async def test_outages_inside_of_streams_count(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.faults.add(ROUTE, "error")
    async with connected(sandbox, redis, patience=replace(QUICK, attempts=OUTAGES + 1)) as claude:
        assert (await fail(claude)).kind == "breaker"
    assert len(bodies(sandbox)) == OUTAGES


# The limits


async def test_who_would_be_refused_waits_before_asking(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.clock.speed = 1
    sandbox.limits.rates = Rates(requests=2)
    sandbox.script(None, Script("Yes.", first_delta=0.0))
    async with two(sandbox, redis) as (one, other):
        await asyncio.gather(ask(one), ask(other))
        await stop(await told(one, BUSY))
        assert (await ask(other, model="claude-haiku-4-5"))[0].text == "Yes."
    assert len(bodies(sandbox)) == 3
    assert not sandbox.journal.entries("claude.error")


async def test_a_refusal_for_too_many_pauses_everybody(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.faults.add(ROUTE, "rate_limit", times=1, retry_after=30)
    async with two(sandbox, redis, patience=replace(QUICK, backoff_cap_seconds=60)) as (one, other):
        first = await told(one, "Claude is asked too much at once, next try in 30 s")
        await stop(await told(other, BUSY))
        await stop(first)
    assert len(bodies(sandbox)) == 1


# Permits


async def test_no_more_calls_than_are_set_go_at_once(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.clock.speed = 20
    async with two(sandbox, redis, CLAUDE_CONCURRENCY="1") as clients:
        await asyncio.gather(*(ask(client) for client in clients * 2))
    kinds = [e.kind for e in sandbox.journal.entries() if e.kind in ("claude.request", "claude.done")]
    assert kinds == ["claude.request", "claude.done"] * 4


async def test_a_stopped_call_gives_its_place_back(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.clock.speed = 1
    sandbox.script(None, Script(TEXT, deltas_per_second=0.5))
    async with two(sandbox, redis, CLAUDE_CONCURRENCY="1") as (one, other):
        _, first = await begin(one)
        second = await told(other, FULL)
        await stop(first)
        sandbox.clock.speed = 100
        assert (await second).text == TEXT


async def test_without_redis_all_calls_pass(sandbox: Sandbox) -> None:
    away = connections.shared("redis://127.0.0.1:1/0")
    async with connected(sandbox, away) as claude:
        assert (await ask(claude))[0].text == TEXT
    await away.aclose()


async def test_the_deadline_ends_a_wait(sandbox: Sandbox, redis: Redis) -> None:
    sandbox.clock.speed = 1
    sandbox.script(None, Script(TEXT, deltas_per_second=0.5))
    async with (
        two(sandbox, redis, CLAUDE_CONCURRENCY="1") as (one, _),
        connected(sandbox, redis, CLAUDE_CONCURRENCY="1", ANSWER_SECONDS="1") as hasty,
    ):
        _, first = await begin(one)
        assert (await fail(hasty)).kind == "deadline"
        await stop(first)


# What counts to the limits

USER: dict[str, Any] = {"role": "user", "content": "a" * 40}
ASSISTANT: dict[str, Any] = {"role": "assistant", "content": "b" * 400}


def test_all_of_a_first_prompt_is_fresh_and_of_later_ones_what_came_after_the_last_answer() -> None:
    system = [{"type": "text", "text": "s" * 80}]
    assert fresh_tokens({"system": system, "messages": [USER]}) == 30
    assert fresh_tokens({"system": "s" * 80, "messages": [USER, USER]}) == 40
    assert fresh_tokens({"system": system, "messages": [USER, ASSISTANT, USER]}) == 10


def test_files_count_as_files_and_not_as_their_bytes() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "a" * 10_000}}
    message = {"role": "user", "content": [image, {"type": "text", "text": "a" * 40}]}
    assert fresh_tokens({"messages": [message]}) == FILE_TOKENS + 10

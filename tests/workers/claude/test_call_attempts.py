"""One streamed answer against a sandbox's Claude: what is tried again, what is not, and what people are told."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.models import Usage
from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.faults import Fault
from tests.kit.claude import MODEL, QUICK, REQUEST, ROUTE, Watching, ask, begin, bodies, connected, fail, serving
from workers.claude.client import ClaudeClient, NoAnswer

TEXT = "Ein längerer Text für die Prüfung, mit Umlauten: äöüß, 東京 und 🙂. " * 4


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving() as sandbox:
        sandbox.script(None, Script(TEXT))
        yield sandbox


def attempts(sandbox: Sandbox) -> int:
    return len(bodies(sandbox))


# An answer


async def test_text_is_shown_as_it_grows_and_given_with_its_figures(sandbox: Sandbox, claude: ClaudeClient) -> None:
    answer, shown = await ask(claude)
    assert answer.text == shown[-1] == TEXT
    assert len(shown) > 10
    assert all(after.startswith(before) for before, after in itertools.pairwise(shown))
    [done] = sandbox.journal.entries("claude.done")
    assert answer.request_id == done.data["request_id"]
    assert answer.stop_reason == "end_turn"
    assert answer.model == MODEL
    assert answer.attempts == 1
    told = done.data["usage"]
    assert answer.usage == (Usage(MODEL, input=told["input_tokens"], output=told["output_tokens"]),)
    assert told["output_tokens"] > 10
    assert 0 < answer.first_text < answer.total


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "model_context_window_exceeded", "stop_sequence"])
async def test_how_an_answer_ended_is_told(sandbox: Sandbox, claude: ClaudeClient, reason: str) -> None:
    sandbox.script(None, Script("Some.", stop_reason=reason), times=1)
    answer, _ = await ask(claude)
    assert (answer.text, answer.stop_reason) == ("Some.", reason)


async def test_thinking_and_tools_are_no_text(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script("Aloud.", thinking="To myself."), times=1)
    answer, shown = await ask(claude)
    assert answer.text == "Aloud."
    assert not any("myself" in text for text in shown)


async def test_an_answer_without_text_shows_nothing(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script(""), times=1)
    answer, shown = await ask(claude)
    assert (answer.text, answer.first_text, shown) == ("", 0.0, [])


# What is tried again


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("rate_limit", {"retry_after": 0}),
        ("overloaded", {}),
        ("status", {"status": 500}),
        ("status", {"status": 502}),
        ("status", {"status": 503}),
        ("status", {"status": 504}),
        ("status", {"status": 408}),
        ("status", {"status": 409}),
        ("status", {"status": 400, "should_retry": True}),
        ("error_first", {}),
        ("error", {}),
        ("error", {"error_type": "api_error"}),
        ("error", {"error_type": "rate_limit_error"}),
        ("error", {"error_type": "timeout_error"}),
        ("eof", {"after": 0}),
        ("eof", {}),
        ("eof", {"after": 1000}),
        ("half", {}),
        ("reset", {}),
        ("drop", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(str(v) for v in value.values()) or "x",
)
async def test_a_passing_failure_is_tried_again_and_the_text_starts_over(
    sandbox: Sandbox, claude: ClaudeClient, kind: str, params: dict[str, Any]
) -> None:
    sandbox.faults.add(ROUTE, kind, times=1, **params)
    answer, shown = await ask(claude)
    assert answer.text == TEXT
    assert answer.attempts == attempts(sandbox) == 2
    assert shown[-1] == TEXT
    assert all(TEXT.startswith(text) for text in shown)


async def test_a_stall_ends_the_attempt(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "stall", times=1)
    async with connected(sandbox, patience=replace(QUICK, idle_seconds=0.2)) as claude:
        answer, _ = await ask(claude)
    assert (answer.text, answer.attempts) == (TEXT, 2)


async def test_a_model_that_thinks_for_long_is_kept_by_its_pings(sandbox: Sandbox) -> None:
    sandbox.clock.speed = 100
    sandbox.script(None, Script("At last.", first_delta=150.0), times=1)
    async with connected(sandbox, patience=replace(QUICK, idle_seconds=1)) as claude:
        answer, _ = await ask(claude)
    assert (answer.text, answer.attempts) == ("At last.", 1)
    assert answer.total > 1.2


async def test_several_failures_in_a_row_are_outlasted(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.script(ROUTE, Fault("overloaded"), Fault("reset"))
    answer, _ = await ask(claude)
    assert (answer.text, answer.attempts) == (TEXT, 3)


async def test_every_attempt_asks_the_same_system_prompt_included(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.script(ROUTE, Fault("overloaded"), Fault("reset"))
    await ask(claude)
    first, *others = bodies(sandbox)
    assert "Be brief." in first["system"][0]["text"] + first["system"][-1]["text"]
    assert others == [first, first]


async def test_nobody_waits_after_the_last_attempt(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "rate_limit", retry_after=30)
    async with connected(sandbox, patience=replace(QUICK, attempts=1, backoff_cap_seconds=60)) as claude:
        async with asyncio.timeout(10):
            await fail(claude)
    assert attempts(sandbox) == 1


async def test_no_more_attempts_than_are_set(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.add(ROUTE, "overloaded")
    failure = await fail(claude)
    assert attempts(sandbox) == 3
    assert failure.kind == "529/overloaded_error"
    assert failure.request_id == sandbox.journal.entries("claude.error")[-1].data["request_id"]


async def test_a_timeout_is_tried_again_and_told(sandbox: Sandbox) -> None:
    sandbox.clock.speed = 1
    async with connected(sandbox, patience=replace(QUICK, idle_seconds=0.001, attempts=2)) as claude:
        failure = await fail(claude)
    assert failure.sentence.startswith(("Claude took too long", "Claude cannot be reached"))


async def test_a_claude_that_is_not_there_is_told(sandbox: Sandbox) -> None:
    await sandbox.stop()
    async with connected(sandbox) as claude:
        failure = await fail(claude)
    assert failure.sentence == "Claude cannot be reached right now. Please ask again in a minute."
    assert failure.request_id is None


# What is not


@pytest.mark.parametrize(
    ("kind", "params", "told"),
    [
        ("status", {"status": 400}, "did not accept the question"),
        ("status", {"status": 401}, "`ANTHROPIC_API_KEY` in `.env`"),
        ("status", {"status": 402}, "billing problem"),
        ("status", {"status": 403}, "`ANTHROPIC_API_KEY` in `.env`"),
        ("status", {"status": 404}, "`MODEL` in `.env`"),
        ("status", {"status": 413}, "more than Claude can read"),
        ("status", {"status": 422}, "did not accept the question"),
        ("status", {"status": 500, "should_retry": False}, "overloaded"),
        ("status", {"status": 503, "should_retry": False}, "overloaded"),
        ("overloaded", {"should_retry": False}, "overloaded"),
        ("rate_limit", {"should_retry": False}, "Too many questions"),
        ("spend_limit", {}, "spend limit"),
        ("spend_limit", {"error_code": "enforced_spend_limit_reached"}, "spend limit"),
        ("spend_limit", {"should_retry": True}, "spend limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(str(v) for v in value.values()) or "x",
)
async def test_a_failure_that_stays_is_told_at_once(
    sandbox: Sandbox, claude: ClaudeClient, kind: str, params: dict[str, Any], told: str
) -> None:
    sandbox.faults.add(ROUTE, kind, message="SECRET-DETAIL", **params)
    failure = await fail(claude)
    assert attempts(sandbox) == 1
    assert told in failure.sentence
    assert failure.request_id


async def test_an_error_inside_the_stream_that_stays_is_not_tried_again(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.add(ROUTE, "error", error_type="invalid_request_error")
    assert (await fail(claude)).kind == "200/invalid_request_error"
    assert attempts(sandbox) == 1


@pytest.mark.parametrize(
    ("error_type", "told"),
    [
        ("invalid_request_error", "did not accept the question"),
        ("authentication_error", "`ANTHROPIC_API_KEY` in `.env`"),
        ("permission_error", "`ANTHROPIC_API_KEY` in `.env`"),
    ],
)
async def test_an_error_inside_the_stream_is_judged_by_its_type(
    sandbox: Sandbox, claude: ClaudeClient, error_type: str, told: str
) -> None:
    sandbox.faults.add(ROUTE, "error", error_type=error_type)
    assert told in (await fail(claude)).sentence


# How long is waited


@pytest.mark.parametrize("params", [{"retry_after": 86400}, {"retry_at": 3600}, {"retry_after": "1e300"}])
async def test_a_retry_after_is_cut_to_the_cap(sandbox: Sandbox, params: dict[str, Any]) -> None:
    sandbox.clock.speed = 1
    sandbox.script(None, Script("Soon.", first_delta=0.0), times=1)
    sandbox.faults.add(ROUTE, "rate_limit", times=1, **params)
    async with connected(sandbox, patience=replace(QUICK, backoff_cap_seconds=0.3)) as claude:
        began = time.monotonic()
        await ask(claude)
    assert 0.3 <= time.monotonic() - began < 3


async def test_a_retry_after_longer_than_the_back_off_is_kept(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "rate_limit", times=1, retry_after=1)
    async with connected(sandbox, patience=replace(QUICK, backoff_cap_seconds=60, backoff_seconds=0)) as claude:
        answer, _ = await ask(claude)
    assert answer.total >= 1.0


@pytest.mark.parametrize("value", ["soon", "", "Mon, 32 Foo 2026 25:00:00 GMT"])
async def test_a_retry_after_that_nobody_can_read_is_none(sandbox: Sandbox, claude: ClaudeClient, value: str) -> None:
    sandbox.faults.add(ROUTE, "rate_limit", times=1, retry_after=value)
    answer, _ = await ask(claude)
    assert answer.attempts == 2


async def test_all_attempts_together_end_at_the_deadline(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "stall")
    async with connected(sandbox, ANSWER_SECONDS="1", patience=replace(QUICK, attempts=20)) as claude:
        began = time.monotonic()
        failure = await fail(claude)
    assert 1 <= time.monotonic() - began < 3
    assert failure.sentence.startswith("Claude took too long")
    await sandbox.journal.until(lambda entry: entry.kind == "claude.closed")


# What must hold whatever happens


async def test_cancelling_closes_the_stream(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.clock.speed = 1
    _, answering = await begin(claude)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    await sandbox.journal.until(lambda entry: entry.kind == "claude.closed")
    assert not sandbox.journal.entries("claude.done")


async def test_a_reader_that_fails_ends_the_stream(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.clock.speed = 1

    def fail(text: str) -> None:
        raise LookupError(text)

    # The traceback keeps the stream: it is closed, and not only forgotten.
    with pytest.raises(LookupError) as raised:
        await claude.call(REQUEST, observer=Watching(fail)).answer()
    await sandbox.journal.until(lambda entry: entry.kind == "claude.closed")
    assert raised.tb
    assert attempts(sandbox) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 418, 429, 500, 503, 529])
async def test_no_sentence_holds_what_the_api_said(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(ROUTE, "status", status=status, message="SECRET-DETAIL of http://127.0.0.1")
    async with connected(sandbox, patience=replace(QUICK, attempts=1)) as claude:
        failure = await fail(claude)
    for word in ("SECRET-DETAIL", "http", "Error", "{", str(status)):
        assert word not in failure.sentence
    assert "SECRET-DETAIL" not in str(failure)
    assert "SECRET-DETAIL" not in failure.kind
    assert failure.sentence.endswith(".")


async def test_many_answers_at_once_do_not_mix(sandbox: Sandbox, claude: ClaudeClient) -> None:
    for n in range(10):
        sandbox.script(f"number {n}$", Script(f"Answer {n}. " * 20))

    async def one(n: int) -> str:
        request = {**REQUEST, "messages": [{"role": "user", "content": f"number {n}"}]}
        return (await claude.call(request).answer()).text

    assert await asyncio.gather(*(one(n) for n in range(10))) == [f"Answer {n}. " * 20 for n in range(10)]


# `parley check`


async def test_the_models_name_is_asked_for(claude: ClaudeClient) -> None:
    assert "Sonnet" in await claude.model_name(MODEL)


async def test_a_wrong_key_and_a_wrong_model_are_told(sandbox: Sandbox, claude: ClaudeClient) -> None:
    with pytest.raises(NoAnswer) as unknown:
        await claude.model_name("claude-nobody")
    assert "`MODEL` in `.env`" in unknown.value.sentence
    async with connected(sandbox, ANTHROPIC_API_KEY="sk-ant-wrong") as other:
        with pytest.raises(NoAnswer) as refused:
            await other.model_name(MODEL)
    assert "`ANTHROPIC_API_KEY` in `.env`" in refused.value.sentence
    assert "sk-ant-wrong" not in refused.value.sentence

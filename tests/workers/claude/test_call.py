"""One answer over several messages, models and attempts, and what is known of it at any time."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.answers import ToolUse
from bot.sandbox.faults import Fault
from tests.kit.claude import (
    MODEL,
    OTHER,
    QUICK,
    REQUEST,
    ROUTE,
    RecordingMeter,
    Watching,
    ask,
    begin,
    bodies,
    connected,
    fail,
)
from workers.claude.call import MOST_CONTINUATIONS, NO_TOOL
from workers.claude.client import ClaudeClient, NoAnswer

TEXT = "A sentence of the answer. " * 8
NO_FALLBACKS = "claude-haiku-5-5"
SEARCH = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
CALL = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}}
PAUSED = Script("", thinking="Hm.", blocks=({"type": "text", "text": "I look."}, CALL), stop_reason="pause_turn")


def models_asked(sandbox: Sandbox) -> list[str]:
    return [body["model"] for body in bodies(sandbox)]


# Continuations


async def test_a_paused_turn_is_gone_on_with_unchanged_and_without_words_from_us(
    sandbox: Sandbox, claude: ClaudeClient
) -> None:
    sandbox.script(None, PAUSED, PAUSED, Script("It rains."))
    answer, shown = await ask(claude, **SEARCH)
    assert answer.text == shown[-1] == "I look.\n\nI look.\n\nIt rains."
    assert (answer.stop_reason, answer.attempts) == ("end_turn", 3)
    # The sandbox refuses a thinking block that is not byte by byte the one it signed, in the place where it stood.
    first, second, third = (body["messages"] for body in bodies(sandbox))
    assert first == REQUEST["messages"]
    assert second[:-1] == third[:-1] == first
    assert [block["type"] for block in second[-1]["content"]] == ["thinking", "text", "server_tool_use"]
    assert third[-1]["content"][:3] == second[-1]["content"]
    assert len(answer.usage) == 3


async def test_thinking_goes_back_to_a_model_that_refuses_changed_blocks(
    sandbox: Sandbox, claude: ClaudeClient
) -> None:
    sandbox.script(None, PAUSED, Script("It rains."))
    answer, _ = await ask(claude, **SEARCH, model="claude-fable-5-2")
    assert answer.text == "I look.\n\nIt rains."


async def test_pauses_end_some_time(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, PAUSED)
    answer, _ = await ask(claude, **SEARCH)
    assert answer.stop_reason == "pause_turn"
    assert len(bodies(sandbox)) == answer.attempts == MOST_CONTINUATIONS + 1
    assert len(answer.usage) == MOST_CONTINUATIONS + 1


async def test_a_tool_that_there_is_not_is_said_to_be_none(sandbox: Sandbox, claude: ClaudeClient) -> None:
    tool = {"name": "look", "input_schema": {"type": "object"}}
    sandbox.script("Hi", Script("One moment.", tools=(ToolUse("look"), ToolUse("look"))), times=1)
    sandbox.script(None, Script("I cannot look."))
    answer, _ = await ask(claude, tools=[tool])
    assert (answer.text, answer.stop_reason) == ("One moment.\n\nI cannot look.", "end_turn")
    results = bodies(sandbox)[1]["messages"][-1]["content"]
    assert [(each["type"], each["content"], each["is_error"]) for each in results] == [
        ("tool_result", NO_TOOL, True)
    ] * 2


async def test_a_failure_after_a_pause_starts_over_behind_the_pause(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, PAUSED, Script(TEXT, fault=Fault("reset")), Script(TEXT))
    answer, shown = await ask(claude, **SEARCH)
    assert answer.text == f"I look.\n\n{TEXT}"
    assert all(text.startswith("I look.\n\n") for text in shown[3:])
    assert [piece.estimated for piece in answer.usage] == [False, True, False]


async def test_attempts_are_counted_over_all_continuations(sandbox: Sandbox, claude: ClaudeClient) -> None:
    broken = Script("", fault=Fault("overloaded"))
    sandbox.script(None, broken, PAUSED, broken, PAUSED, broken)
    assert (await fail(claude, **SEARCH)).kind == "529/overloaded_error"
    assert len(bodies(sandbox)) == 5


# What a refusal says


@pytest.mark.parametrize("details", [{"category": "cyber", "explanation": "It may harm."}, {}, None])
async def test_a_refusal_tells_its_category_where_it_has_one(
    sandbox: Sandbox, claude: ClaudeClient, details: dict[str, Any] | None
) -> None:
    sandbox.script(None, Script(stop_reason="refusal", stop_details=details))
    answer, _ = await ask(claude)
    expected = (details or {}).get("category"), (details or {}).get("explanation")
    assert (answer.stop_reason, answer.category, answer.explanation) == ("refusal", *expected)
    assert answer.text == ""


# Another model


async def test_what_a_model_declines_its_fallback_answers_on_the_server(sandbox: Sandbox) -> None:
    sandbox.script(None, Script(stop_reason="refusal", fallback=Script("I will.")))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude)
    assert (answer.text, answer.model, answer.asked_model) == ("I will.", OTHER, MODEL)
    [entry] = sandbox.journal.entries("claude.request")
    assert entry.data["body"]["fallbacks"] == [{"model": OTHER}]
    assert entry.data["headers"]["anthropic-beta"] == "server-side-fallback-2026-06-01"


async def test_the_declined_part_and_the_fallbacks_are_paragraphs(sandbox: Sandbox) -> None:
    sandbox.script(None, Script("I wo", stop_reason="refusal", fallback=Script("I will.")))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude)
    assert answer.text == "I wo\n\nI will."


@pytest.mark.parametrize("said", ["", "I wo"])
async def test_a_model_without_server_side_fallbacks_falls_back_in_the_client(sandbox: Sandbox, said: str) -> None:
    sandbox.script(None, Script(said, stop_reason="refusal"), Script("I will."))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, shown = await ask(claude, model=NO_FALLBACKS)
    assert answer.text == shown[-1] == "\n\n".join(filter(None, (said, "I will.")))
    assert (answer.model, answer.asked_model, answer.stop_reason) == (OTHER, NO_FALLBACKS, "end_turn")
    assert models_asked(sandbox) == [NO_FALLBACKS, OTHER]
    assert [piece.model for piece in answer.usage][-1] == OTHER


async def test_a_refusal_of_both_models_is_a_refusal(sandbox: Sandbox) -> None:
    refusal = Script(stop_reason="refusal", stop_details={"category": "bio"})
    sandbox.script(None, refusal)
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude, model=NO_FALLBACKS)
    assert (answer.stop_reason, answer.category, answer.text) == ("refusal", "bio", "")


async def test_a_fable_model_has_a_fallback_unless_it_is_switched_off(sandbox: Sandbox) -> None:
    sandbox.script(None, Script(stop_reason="refusal", fallback=Script("I will.")))
    async with connected(sandbox) as claude:
        answer, _ = await ask(claude, model="claude-fable-5-2")
        assert (answer.text, answer.model) == ("I will.", OTHER)
        assert (await ask(claude))[0].stop_reason == "refusal"
    async with connected(sandbox, FALLBACK_MODEL="off") as claude:
        answer, _ = await ask(claude, model="claude-fable-5-2")
        assert answer.stop_reason == "refusal"


@pytest.mark.parametrize("fault", [Fault("overloaded"), Fault("error", {"after": 2}), Fault("status", {"status": 500})])
async def test_an_outage_is_left_to_the_fallback_model(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.script(None, Script(TEXT))
    sandbox.faults.script(ROUTE, fault)
    async with connected(sandbox, FALLBACK_MODEL="claude-haiku-4-5", EFFORT="high") as claude:
        answer, _ = await ask(claude, output_config={"effort": "high"}, max_tokens=100_000)
    assert (answer.text, answer.model, answer.asked_model) == (TEXT, "claude-haiku-4-5", MODEL)
    assert models_asked(sandbox) == [MODEL, "claude-haiku-4-5"]


async def test_what_is_no_outage_is_not_left_to_the_fallback_model(sandbox: Sandbox) -> None:
    sandbox.script(None, Script(TEXT))
    sandbox.faults.script(ROUTE, Fault("rate_limit", {"retry_after": 0}), Fault("reset"))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude)
    assert answer.model == MODEL
    assert models_asked(sandbox) == [MODEL] * 3


async def test_an_outage_of_both_models_is_told(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "overloaded")
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        assert "overloaded" in (await fail(claude)).sentence
    assert models_asked(sandbox) == [MODEL, OTHER, OTHER]


# What is known of a call at any time


async def test_a_stopped_answer_keeps_its_text_and_its_cost(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.clock.speed = 20
    # So long that it is not complete before it is stopped, however busy the machine is.
    text = TEXT * 500
    sandbox.script(None, Script(text))
    call, answering = await begin(claude)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert call.text
    assert text.startswith(call.text)
    [piece] = call.usage
    assert piece.estimated
    assert piece.input > 0
    assert piece.output == max(1, -(-len(call.text) // 4))


async def test_a_failed_answer_keeps_the_most_that_came_and_what_all_attempts_cost(sandbox: Sandbox) -> None:
    long, short = (Script(TEXT, fault=Fault("reset", {"after": after})) for after in (6, 2))
    sandbox.script(None, long, short, Script(fault=Fault("overloaded")))
    async with connected(sandbox) as claude:
        call = claude.call(REQUEST)
        with pytest.raises(NoAnswer):
            await call.answer()
    assert len(call.text) > 60
    assert [piece.estimated for piece in call.usage] == [True, True]
    assert call.usage[0].output > call.usage[1].output > 1


async def test_an_attempt_that_was_refused_at_the_door_costs_nothing(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script(TEXT))
    sandbox.faults.script(ROUTE, Fault("overloaded"), Fault("error_first"))
    answer, _ = await ask(claude)
    assert [piece.estimated for piece in answer.usage] == [False]


async def test_a_meter_hears_what_was_billed_whatever_became_of_it(sandbox: Sandbox) -> None:
    """As soon as a message has begun, and when the call is over: a failure, an answer, a cancellation."""
    sandbox.script(None, Script(TEXT, fault=Fault("reset", {"after": 6})), Script(TEXT))
    meter = RecordingMeter()
    async with connected(sandbox) as claude:
        await claude.call(REQUEST, usage_observer=meter).answer()
        [one], [cut, two] = meter.begun
        assert (one.estimated, cut.estimated, two.estimated) == (True, True, True)
        assert one.input == cut.input == two.input > 0
        assert [(piece.estimated, piece.output > 1) for piece in meter.usage] == [(True, True), (False, True)]

        sandbox.script(None, Script(TEXT, deltas_per_second=1))
        meter, came = RecordingMeter(), asyncio.Event()
        call = claude.call(REQUEST, observer=Watching(lambda text: came.set()), usage_observer=meter)
        answering = asyncio.create_task(call.answer())
        async with asyncio.timeout(10):
            await came.wait()
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        assert [piece.estimated for piece in meter.usage] == [True]


# Waiting


async def test_a_wait_of_more_than_a_few_seconds_is_told(sandbox: Sandbox) -> None:
    sandbox.script(None, Script(TEXT))
    sandbox.faults.script(ROUTE, Fault("overloaded"), Fault("rate_limit", {"retry_after": 30}))
    told: asyncio.Queue[str] = asyncio.Queue()
    async with connected(sandbox, patience=replace(QUICK, backoff_cap_seconds=60)) as claude:
        call = claude.call(REQUEST, observer=Watching(wait=told.put_nowait))
        answering = asyncio.create_task(call.answer())
        async with asyncio.timeout(10):
            assert await told.get() == "Claude is asked too much at once, next try in 30 s"
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def test_a_wait_beyond_the_deadline_is_not_begun(sandbox: Sandbox) -> None:
    sandbox.faults.add(ROUTE, "rate_limit", retry_after=30)
    async with connected(sandbox, ANSWER_SECONDS="5", patience=replace(QUICK, backoff_cap_seconds=60)) as claude:
        began = time.monotonic()
        assert "Too many questions" in (await fail(claude)).sentence
    assert time.monotonic() - began < 3
    assert len(bodies(sandbox)) == 1


async def test_a_model_that_only_pings_ends_at_the_deadline(sandbox: Sandbox) -> None:
    sandbox.script(None, Script("Never.", first_delta=100_000.0))
    async with connected(sandbox, ANSWER_SECONDS="1", patience=replace(QUICK, idle_seconds=0.5)) as claude:
        call = claude.call(REQUEST)
        with pytest.raises(NoAnswer) as raised:
            await call.answer()
    failure = raised.value
    assert (failure.kind, len(bodies(sandbox))) == ("deadline", 1)
    assert [piece.estimated for piece in call.usage] == [True]
    assert failure.sentence.startswith("Claude took too long")
    assert failure.request_id

"""Streams that Claude's documentation does not know: people get the answer, or one sentence after the attempts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bot.models import Usage
from bot.sandbox import Claude as Sandbox
from tests.kit.claude import MODEL, ask, connected, fail, listening, serving
from workers.claude import call, events
from workers.claude.client import ClaudeClient
from workers.claude.failures import NOT_ACCEPTED, NOT_NOW, UNREACHABLE

Event = dict[str, Any]

MESSAGE: Event = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [],
    "model": MODEL,
    "stop_reason": None,
}
USAGE = {"input_tokens": 25, "output_tokens": 1}
START = {"type": "message_start", "message": {**MESSAGE, "usage": USAGE}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
END = {"type": "content_block_stop", "index": 0}
DELTA = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}
STOP = {"type": "message_stop"}
COUNTED = (Usage(MODEL, input=25, output=4),)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(speed=1000) as sandbox:
        yield sandbox


def said(text: Any, index: int = 0) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}


def begun(block: Event, index: int = 0) -> Event:
    return {"type": "content_block_start", "index": index, "content_block": block}


def ended(stop_reason: Any) -> Event:
    return {**DELTA, "delta": {"stop_reason": stop_reason}}


def encoded(*events: Event | str) -> bytes:
    """A text stands for the data of an event of no known name."""
    lines = [("of_tomorrow", each) if isinstance(each, str) else (each["type"], json.dumps(each)) for each in events]
    return "".join(f"event: {name}\ndata: {data}\n\n" for name, data in lines).encode()


@asynccontextmanager
async def saying(
    sandbox: Sandbox, body: bytes, *, open_end: bool = False
) -> AsyncIterator[tuple[ClaudeClient, list[str]]]:
    """A Claude that says the same each time, and the paths it was asked for; with `open_end` it then stays silent."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(body)
        if open_end:
            await asyncio.sleep(30)
        return response

    async with listening(answer) as url, connected(sandbox, ANTHROPIC_BASE_URL=url) as claude:
        yield claude, asked


HELLO = (BLOCK, said("Hello"), END, DELTA, STOP)
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1"}


@pytest.mark.parametrize(
    "events",
    [
        (START, said("Hello"), END, DELTA, STOP),
        (START, begun({"type": "text"}), said("Hello"), END, DELTA, STOP),
        (START, begun({"type": "text", "text": None}), said(None), said("Hello"), END, DELTA, STOP),
        (START, begun({"no": "type"}), *HELLO),
        (START, {**BLOCK, "content_block": None}, *HELLO[1:]),
        (START, begun({"type": "thinking"}), said("Hello"), END, DELTA, STOP),
        (START, *HELLO[:2], {**END, "index": 7}, DELTA, STOP),
        (START, *HELLO[:3], begun(SEARCH, 1), DELTA, STOP),
        (START, *HELLO[:3], begun({"type": "mcp_tool_use", "id": "mcptoolu_1"}, 1), DELTA, STOP),
        (START, *HELLO[:3], begun({"type": "fallback"}, 1), DELTA, STOP),
        (START, '{"type": "of_tomorrow"}', *HELLO),
        (START, *HELLO[:3], {**DELTA, "usage": {"output_tokens": 4, "iterations": [None]}}, STOP),
        (START, *HELLO[:3], {**DELTA, "usage": {"output_tokens": 4, "iterations": ["one"]}}, STOP),
        (START, *HELLO[:3], {**DELTA, "usage": {"output_tokens": 4, "iterations": 7, "server_tool_use": 5}}, STOP),
        ({**START, "message": {**MESSAGE, "usage": {**USAGE, "cache_creation": 3}}}, *HELLO),
        (START, *HELLO[:3], begun({"type": "fallback", "to": "another"}, 1), DELTA, STOP),
        (START, *HELLO[:4], {"type": "message_delta", "delta": {"stop_reason": None}, "usage": None}, STOP),
        (START, *HELLO[:4], {"type": "message_delta", "delta": None, "usage": None}, STOP),
        ({**START, "message": {**MESSAGE, "usage": USAGE, "model": None}}, *HELLO),
    ],
    ids=[
        *(
            "no start",
            "no text",
            "null text",
            "no type",
            "no block",
            "text for thinking",
            "another end",
            "a tool without a name",
        ),
        *(
            "no server",
            "no fallback",
            "an unknown event",
            "null iterations",
            "odd iterations",
            "odd usage",
            "odd cache",
            "an odd fallback",
            "a null reason",
            "a null delta",
        ),
        "no model",
    ],
)
async def test_what_is_missing_in_a_stream_costs_nobody_the_answer(sandbox: Sandbox, events: tuple[Event, ...]) -> None:
    async with saying(sandbox, encoded(*events)) as (claude, asked):
        answer, shown = await ask(claude)
    assert answer.text == shown[-1] == "Hello"
    assert (answer.model, answer.usage, len(asked)) == (MODEL, COUNTED, 1)


@pytest.mark.parametrize(
    ("first", "last", "usage"),
    [
        (None, {"output_tokens": 4}, (Usage(MODEL, output=4),)),
        (USAGE, None, (Usage(MODEL, input=25, output=2, estimated=True),)),
        (None, None, (Usage(MODEL, output=2, estimated=True),)),
        ({"input_tokens": "many", "cache_creation": None}, {"output_tokens": 4}, (Usage(MODEL, output=4),)),
        ({"input_tokens": 10**30}, {"output_tokens": 4}, (Usage(MODEL, output=4),)),
    ],
)
async def test_usage_that_is_not_told_counts_nothing_but_the_output_is_estimated(
    sandbox: Sandbox, first: Event | None, last: Event | None, usage: tuple[Usage, ...]
) -> None:
    start = {**START, "message": {**MESSAGE, "usage": first}}
    async with saying(sandbox, encoded(start, *HELLO[:3], {**DELTA, "usage": last}, STOP)) as (claude, _):
        answer, _ = await ask(claude)
    assert (answer.text, answer.usage) == ("Hello", usage)


async def test_what_a_tool_gets_may_be_cut_off_by_the_length_limit(sandbox: Sandbox) -> None:
    half = {"type": "input_json_delta", "partial_json": '{"query": "wea'}
    search = begun({**SEARCH, "name": "web_search", "input": {}}, 1)
    delta = {"type": "content_block_delta", "index": 1, "delta": half}
    events = (START, *HELLO[:3], search, delta, {**END, "index": 1}, ended("max_tokens"), STOP)
    async with saying(sandbox, encoded(*events)) as (claude, asked):
        answer, _ = await ask(claude)
    assert (answer.text, answer.stop_reason, len(asked)) == ("Hello", "max_tokens", 1)


async def test_a_call_of_no_tool_is_not_gone_on_from(sandbox: Sandbox) -> None:
    async with saying(sandbox, encoded(START, *HELLO[:3], ended("tool_use"), STOP)) as (claude, asked):
        assert (await ask(claude))[0].text == "Hello"
    assert len(asked) == 1


async def test_half_a_character_waits_for_its_other_half(sandbox: Sandbox) -> None:
    """Who cuts JSON strings where it likes cuts surrogate pairs; what is left of one cannot be stored or sent."""
    events = (START, BLOCK, said("A \ud83d"), said("\ude42, a \ude42b"), said("\ud83d"), END, DELTA, STOP)
    async with saying(sandbox, encoded(*events)) as (claude, _):
        answer, shown = await ask(claude)
    assert answer.text == "A 🙂, a �b"
    assert shown == ["A ", "A 🙂, a �b"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_lines_may_end_in_any_way(sandbox: Sandbox, end: str) -> None:
    body = encoded(START, *HELLO).replace(b"\n", end.encode())
    async with saying(sandbox, body) as (claude, _):
        assert (await ask(claude))[0].text == "Hello"


@pytest.mark.parametrize(
    "more",
    [
        b"event: of_tomorrow\ndata: {no json\n\n",
        b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n',
        encoded(START, *HELLO),
        b"data: [DONE]\n\n",
    ],
    ids=["no json", "an error", "another message", "done"],
)
async def test_what_comes_behind_the_end_of_a_message_is_let_be(sandbox: Sandbox, more: bytes) -> None:
    async with saying(sandbox, encoded(START, *HELLO) + more) as (claude, asked):
        answer, _ = await ask(claude)
    assert (answer.text, answer.usage, len(asked)) == ("Hello", COUNTED, 1)


async def test_a_body_that_does_not_end_is_not_waited_for(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "END_SECONDS", 0.05)
    async with saying(sandbox, encoded(START, *HELLO), open_end=True) as (claude, _), asyncio.timeout(5):
        assert (await ask(claude))[0].text == "Hello"


@pytest.mark.parametrize(
    "event",
    [
        "[1]",
        '"text"',
        {**said("x"), "delta": None},
        said({"a": 1}),
        {**said("x"), "index": "a"},
        {**BLOCK, "index": None},
        begun({"type": 5, "text": ""}),
        ended({"a": 1}),
        {**said("x"), "delta": {"type": "input_json_delta", "partial_json": 7}},
        begun({"type": "mcp_tool_use", "server_name": ["a"]}),
    ],
    ids=[
        *("a list", "a text", "no delta", "odd text", "odd index", "no index", "odd type", "odd reason"),
        *("odd input", "odd server"),
    ],
)
async def test_an_event_that_cannot_be_read_is_a_failure_that_passes(sandbox: Sandbox, event: Event | str) -> None:
    async with saying(sandbox, encoded(START, BLOCK, said("Hello"), event, END, DELTA, STOP)) as (claude, asked):
        failure = await fail(claude)
    assert (failure.sentence, failure.kind, len(asked)) == (UNREACHABLE, "Unreadable", 3)


@pytest.mark.parametrize("data", ['{"type": "error", "error": {"type": "of_tomorrow"}}', "{}", "[]", "SECRET", "null"])
async def test_an_error_of_no_known_type_ends_with_a_sentence(sandbox: Sandbox, data: str) -> None:
    body = encoded(START, BLOCK, said("Hello")) + f"event: error\ndata: {data}\n\n".encode()
    async with saying(sandbox, body) as (claude, asked):
        failure = await fail(claude)
    assert (failure.sentence, len(asked)) == (NOT_NOW, 1)


async def test_many_small_pieces_cost_about_what_few_large_ones_do_and_others_have_their_turn(sandbox: Sandbox) -> None:
    """Of 100,000 pieces in one go, each was once a copy of the whole text: half a minute for everybody else."""
    text = "word " * 400_000
    longest = 0.0

    async def other() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - began)

    spent = []
    for pieces in (1_000, 100_000):
        size = len(text) // pieces
        cut = [said(text[at : at + size]) for at in range(0, len(text), size)]
        body = encoded(START, BLOCK, *cut, END, DELTA, STOP)
        async with saying(sandbox, body) as (claude, _):
            other_one = asyncio.create_task(other())
            began = time.process_time()
            answer, shown = await ask(claude)
            spent.append(time.process_time() - began)
            other_one.cancel()
        assert answer.text == shown[-1] == text
    assert spent[1] < 20
    assert longest < 0.25


async def test_a_stream_whose_event_does_not_end_is_a_failure(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_EVENT_BYTES", 10_000)
    async with saying(sandbox, encoded(START, BLOCK) + b"data: {}\n" * 2_000, open_end=True) as (claude, asked):
        failure = await fail(claude)
    assert (failure.sentence, failure.kind, len(asked)) == (UNREACHABLE, "EventTooLarge", 3)


async def test_of_an_error_only_the_beginning_is_read(sandbox: Sandbox) -> None:
    """This one never ends."""
    ended = asyncio.Event()

    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=400, headers={"content-type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 10_000)
        except ConnectionError:
            ended.set()
        return response

    async with listening(refuse) as url, connected(sandbox, ANTHROPIC_BASE_URL=url) as claude:
        failure = await fail(claude)
        assert (failure.sentence, failure.kind) == (NOT_ACCEPTED, "400")
        await asyncio.wait_for(ended.wait(), 60)

"""What becomes of a message's events: text, links, thoughts, and what it cost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from tests.kit.claude import MODEL, OTHER, REQUEST, Watching, ask, bodies, connected, serving
from workers.claude.client import ClaudeClient

SEARCH = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
CALL = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}}


def result(content: Any) -> dict[str, Any]:
    return {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": content}


def cited(text: str, *urls: str) -> dict[str, Any]:
    place = {"type": "web_search_result_location", "title": "T", "cited_text": "c", "encrypted_index": "e30="}
    return {"type": "text", "text": text, "citations": [{**place, "url": url} for url in urls]}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(speed=1000) as sandbox:
        yield sandbox


async def test_all_text_blocks_are_joined_and_those_after_a_tool_begin_a_paragraph(
    sandbox: Sandbox, claude: ClaudeClient
) -> None:
    blocks = ({"type": "text", "text": "Let me look."}, CALL, result([]), {"type": "text", "text": "It "})
    sandbox.script(None, Script("rains.", thinking="Hm.", blocks=blocks))
    answer, shown = await ask(claude, **SEARCH)
    assert answer.text == shown[-1] == "Let me look.\n\nIt rains."


async def test_citations_become_links_behind_what_they_prove(sandbox: Sandbox, claude: ClaudeClient) -> None:
    first, second = "https://www.example.com/a", "https://example.org/b?c=(d)"
    blocks = (
        CALL,
        result([]),
        cited("It rains", first, first, second),
        {"type": "text", "text": ". "},
        cited("Here", first),
        cited(" too.", first),
    )
    sandbox.script(None, Script(blocks=blocks))
    answer, shown = await ask(claude, **SEARCH)
    two = "[example.com](https://www.example.com/a), [example.org](https://example.org/b?c=%28d%29)"
    assert answer.text == shown[-1] == f"It rains ({two}). Here ([example.com]({first})) too."


async def test_searches_are_counted_and_one_that_failed_is_told(sandbox: Sandbox, claude: ClaudeClient) -> None:
    refused = result({"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"})
    sandbox.script(None, Script("Done.", blocks=(CALL, result([]), {**CALL, "id": "srvtoolu_2"}, refused)))
    answer, _ = await ask(claude, **SEARCH)
    assert [piece.searches for piece in answer.usage] == [1]
    assert answer.text == "Done."


async def test_thoughts_and_what_tools_are_used_for_are_told_apart_from_the_text(
    sandbox: Sandbox, claude: ClaudeClient
) -> None:
    sandbox.script(None, Script("Aloud.", thinking="To myself.", blocks=(CALL, result([]))))
    thoughts: list[str] = []
    texts: list[str] = []
    request = {**REQUEST, **SEARCH, "thinking": {"type": "adaptive", "display": "summarized"}}
    answer = await claude.call(request, observer=Watching(texts.append, thought=thoughts.append)).answer()
    assert answer.text == texts[-1] == "Aloud."
    assert thoughts[-2:] == ["To myself.", "Searching the web"]


async def test_a_thought_that_is_not_shown_says_nothing(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script("Aloud.", thinking="To myself."))
    thoughts: list[str] = []
    await claude.call(REQUEST, observer=Watching(thought=thoughts.append)).answer()
    assert thoughts == []


async def test_what_the_cache_did_is_in_the_usage(sandbox: Sandbox, claude: ClaudeClient) -> None:
    system = [{"type": "text", "text": "s" * 8000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    sandbox.script(None, Script("Yes."))
    [first] = (await ask(claude, system=system))[0].usage
    [second] = (await ask(claude, system=system))[0].usage
    assert (first.write_1h, first.read) == (2000, 0)
    assert first.write_5m > 0
    assert (second.write_1h, second.write_5m, second.read) == (0, 0, first.write_1h + first.write_5m)
    assert not second.estimated


async def test_each_model_that_ran_has_its_own_piece(sandbox: Sandbox) -> None:
    refusal = Script("I wo", stop_reason="refusal", fallback=Script("I will."))
    sandbox.script(None, refusal)
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude)
    assert [piece.model for piece in answer.usage] == [MODEL, OTHER]
    assert all(piece.output for piece in answer.usage)
    [done] = sandbox.journal.entries("claude.done")
    assert [piece.output for piece in answer.usage] == [
        each["output_tokens"] for each in done.data["usage"]["iterations"]
    ]


async def test_what_costs_nothing_is_no_piece(sandbox: Sandbox) -> None:
    sandbox.script(None, Script(stop_reason="refusal", fallback=Script("I will.")))
    async with connected(sandbox, FALLBACK_MODEL=OTHER) as claude:
        answer, _ = await ask(claude)
    assert [piece.model for piece in answer.usage] == [OTHER]


async def test_a_compaction_is_counted_where_its_model_is_not_named(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script("Yes.", compaction="They greeted."))
    edits = [{"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 50_000}}]
    answer, _ = await ask(claude, betas=["compact-2026-01-12"], context_management={"edits": edits})
    assert [piece.model for piece in answer.usage] == [MODEL, MODEL]
    assert answer.content[0]["type"] == "compaction"
    assert answer.content[0]["content"] == "They greeted."


async def test_an_unknown_block_is_let_be(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script("Yes.", blocks=({"type": "of_tomorrow", "thing": 1},)))
    answer, _ = await ask(claude)
    assert answer.text == "Yes."
    assert answer.content[0] == {"type": "of_tomorrow", "thing": 1}


async def test_empty_texts_are_not_sent_back(sandbox: Sandbox, claude: ClaudeClient) -> None:
    empty = {"type": "text", "text": ""}
    sandbox.script(None, Script(blocks=(empty, CALL, result([])), stop_reason="pause_turn"), Script("Done."))
    answer, _ = await ask(claude, **SEARCH)
    assert answer.text == "Done."
    assert [block["type"] for block in bodies(sandbox)[1]["messages"][-1]["content"]] == [
        CALL["type"],
        result([])["type"],
    ]

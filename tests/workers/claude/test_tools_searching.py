"""A whole Parley whose Claude may search the web, asks MCP servers, and has another model to fall back on."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley, text

SERVERS = '[[servers]]\nname = "wiki"\nurl = "https://wiki.example.com/mcp"\n'
CALL = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
CITED = {
    "type": "text",
    "text": "It rains",
    "citations": [
        {
            "type": "web_search_result_location",
            "url": "https://www.example.com/weather",
            "title": "Weather",
            "cited_text": "rain",
            "encrypted_index": "e30=",
        }
    ],
}


@pytest.fixture
async def parley(redis_url: str, tmp_path: Path) -> AsyncIterator[Parley]:
    (tmp_path / "servers.toml").write_text(SERVERS)
    settings = {
        "WEB_SEARCH": "on",
        "MCP_SERVERS": str(tmp_path / "servers.toml"),
        "FALLBACK_MODEL": "claude-opus-5-5",
    }
    async with Parley(redis_url, tmp_path, settings=settings) as parley:
        yield parley


async def test_what_was_found_is_shown_with_its_links_and_figures(parley: Parley) -> None:
    parley.sandbox.claude.script("weather", Answer(blocks=(CALL,), stop_reason="pause_turn"), times=1)
    parley.sandbox.claude.script(None, Answer(".", blocks=(FOUND, CITED)))
    parley.sandbox.faults.add("/v1/messages", "overloaded", times=1)
    ts = await parley.slack.say("ada", "general", "@parley how is the weather?")
    [answer] = await parley.answers("general", ts, within=30)
    assert "It rains (" in answer
    assert "https://www.example.com/weather" in answer
    [line] = [json.loads(line) for line in parley.log.splitlines() if line.startswith("{")]
    assert (line["asked_model"], line["model"]) == ("claude-sonnet-5-5", "claude-opus-5-5")
    assert (line["retries"], line["stop_reason"], line["error"]) == (1, "end_turn", None)
    assert line["ts"] == ts
    assert line["cost_usd_micro"] > 0
    [reply] = parley.replies("general", ts)
    assert "weather" in text(reply)

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.settings import SettingError, Settings
from tests.kit.claude import MODEL, ask, bodies, serving
from workers.claude.client import ClaudeClient
from workers.claude.tools import tools

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
SHOWN = {"thinking": {"type": "adaptive", "display": "summarized"}}
TOML = """
[[servers]]
name = "wiki"
url = "https://wiki.example.com/mcp"
authorization_token = "secret"

[[servers]]
name = "calendar"
url = "https://calendar.example.com/mcp"
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(speed=1000) as sandbox:
        sandbox.script(None, Script("Yes."))
        yield sandbox


def given(**environ: str) -> Settings:
    return Settings.load(environ=environ, dotenv=None)


def written(folder: Path, text: str, name: str = "servers.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_both_are_off_by_default() -> None:
    assert tools(given(), MODEL) == {}


async def test_a_search_is_offered_as_often_as_the_setting_says(sandbox: Sandbox, claude: ClaudeClient) -> None:
    request = tools(given(WEB_SEARCH="on", WEB_SEARCH_USES="2"), MODEL)
    assert request == {"tools": [{**SEARCH, "max_uses": 2}], **SHOWN}
    assert (await ask(claude, **request))[0].text == "Yes."


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-8", "claude-of-tomorrow"])
def test_a_model_that_does_not_think_by_itself_is_not_made_to(model: str) -> None:
    assert tools(given(WEB_SEARCH="on"), model) == {"tools": [SEARCH]}


@pytest.mark.parametrize("suffix", ["toml", "json"])
async def test_the_servers_of_a_file_are_offered_in_a_stable_order(
    sandbox: Sandbox, claude: ClaudeClient, tmp_path: Path, suffix: str
) -> None:
    servers = [
        {"name": "wiki", "url": "https://wiki.example.com/mcp", "authorization_token": "secret"},
        {"name": "calendar", "url": "https://calendar.example.com/mcp"},
    ]
    text = TOML if suffix == "toml" else json.dumps({"servers": servers})
    path = written(tmp_path, text, f"servers.{suffix}")
    request = tools(given(MCP_SERVERS=path, WEB_SEARCH="on"), MODEL)
    names = ("calendar", "wiki")
    assert request["tools"] == [SEARCH, *({"type": "mcp_toolset", "mcp_server_name": name} for name in names)]
    assert [(server["type"], server["name"]) for server in request["mcp_servers"]] == [("url", name) for name in names]
    assert (await ask(claude, **request))[0].text == "Yes."
    [entry] = sandbox.journal.entries("claude.request")
    assert entry.data["headers"]["anthropic-beta"] == "mcp-client-2025-11-20"
    assert await claude.count({"model": MODEL, "messages": entry.data["body"]["messages"], **request}) > 0


async def test_what_a_server_said_goes_back_after_a_pause(
    sandbox: Sandbox, claude: ClaudeClient, tmp_path: Path
) -> None:
    use = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "find", "server_name": "wiki", "input": {"for": "x"}}
    found = {"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": []}
    sandbox.script(None, Script(blocks=(use, found), stop_reason="pause_turn"), times=1)
    answer, _ = await ask(claude, **tools(given(MCP_SERVERS=written(tmp_path, TOML)), MODEL))
    assert answer.text == "Yes."
    assert bodies(sandbox)[1]["messages"][-1] == {"role": "assistant", "content": [use, found]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("servers = [", "is no valid JSON or, ending in .toml, TOML"),
        ("server = []", "has no list `servers`"),
        ('servers = ["a"]', "server 1 of"),
        ("[[servers]]\nname = 5", "text fields only"),
        ("[[servers]]\nurl = 'https://a.example'", "needs a `name`"),
        ("[[servers]]\nname = 'a b'\nurl = 'https://a.example'", "needs a `name`"),
        ("[[servers]]\nname = 'a'", "needs a `url`"),
        ("[[servers]]\nname = 'a'\nurl = 'http://a.example'", "starts with https://"),
        ("[[servers]]\nname = 'a'\nurl = 'https://['", "starts with https://"),
        ("[[servers]]\nname = 'a'\nurl = 'https://a.example'\nkey = 'SECRET'", "not known: key"),
        (TOML + TOML, "two servers of one name"),
    ],
)
def test_a_malformed_file_is_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingError, match=told) as raised:
        tools(given(MCP_SERVERS=written(tmp_path, text)), MODEL)
    assert str(raised.value).startswith("MCP_SERVERS: ")
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "5", "{}"])
def test_json_that_holds_no_servers_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match="MCP_SERVERS"):
        tools(given(MCP_SERVERS=written(tmp_path, text, "servers.json")), MODEL)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.json", b'{"servers":' + b"[" * 100_000),
        ("deep.json", b'{"a":' * 100_000),
        ("deep.toml", b"servers = " + b"[" * 100_000),
        ("half.json", b'{"servers": [{"name": "a", "url": "https://a.example", "authorization_token": "\\ud800"}]}'),
        ("odd.json", bytes(range(256))),
        ("wide.json", b'{"servers": []}'.decode().encode("utf-16")),
        ("digits.json", b'{"servers": ' + b"9" * 10_000 + b"}"),
    ],
)
def test_a_file_of_any_kind_is_told_in_a_sentence(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SettingError, match=r"^MCP_SERVERS: .* is no valid JSON or, ending in \.toml, TOML\.$"):
        tools(given(MCP_SERVERS=str(tmp_path / name)), MODEL)


def test_a_file_without_an_end_is_told_in_a_sentence() -> None:
    with pytest.raises(
        SettingError, match=r"^MCP_SERVERS: /dev/zero has more than 1,000,000 bytes\. Correct the path\.$"
    ):
        tools(given(MCP_SERVERS="/dev/zero"), MODEL)


def test_a_home_that_nobody_has_is_told_in_a_sentence() -> None:
    with pytest.raises(SettingError, match=r"^MCP_SERVERS: ~nobody-of-this-name/a cannot be read"):
        tools(given(MCP_SERVERS="~nobody-of-this-name/a"), MODEL)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        tools(given(MCP_SERVERS=str(tmp_path / "none.toml")), MODEL)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="no valid JSON"):
        tools(given(MCP_SERVERS=str(tmp_path / "binary.json")), MODEL)


async def test_the_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    settings = given(MCP_SERVERS=written(tmp_path, TOML), WEB_SEARCH="on")

    def said() -> str:
        request: Any = tools(settings, MODEL)
        return json.dumps(request)

    first = said()
    (tmp_path / "servers.toml").write_text("")
    assert said() == first

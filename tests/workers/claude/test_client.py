"""The client for Claude: credentials, headers, proxies, and what is asked besides answers."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.settings import SettingError, Settings
from tests.kit.claude import (
    MODEL,
    QUICK,
    REQUEST,
    ROUTE,
    RecordingMeter,
    ask,
    bodies,
    connected,
    fail,
    listening,
    serving,
)
from workers.claude.client import ClaudeClient, NoAnswer

OLD = "claude-haiku-4-5"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(speed=1000) as sandbox:
        sandbox.script(None, Script("Yes."))
        yield sandbox


def betas(sandbox: Sandbox) -> list[str | None]:
    return [entry.data["headers"].get("anthropic-beta") for entry in sandbox.journal.entries("claude.request")]


# Who we are


async def test_a_token_serves_instead_of_a_key(sandbox: Sandbox) -> None:
    async with connected(sandbox, ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN=sandbox.api_key) as claude:
        assert (await ask(claude))[0].text == "Yes."


async def test_a_token_that_is_refused_is_told_too(sandbox: Sandbox) -> None:
    async with connected(sandbox, ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN="wrong") as claude:
        failure = await fail(claude)
    assert "the token or profile that stands for it" in failure.sentence


async def test_a_profile_serves_instead_of_a_key(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("configs", "credentials"):
        (tmp_path / folder).mkdir()
    (tmp_path / "configs/team.json").write_text(json.dumps({"authentication": {"type": "user_oauth"}}))
    secret = tmp_path / "credentials/team.json"
    secret.touch(mode=0o600)
    secret.write_text(json.dumps({"access_token": sandbox.api_key, "expires_at": 4_000_000_000}))
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    async with connected(sandbox, ANTHROPIC_API_KEY="", ANTHROPIC_PROFILE="team") as claude:
        assert (await ask(claude))[0].text == "Yes."
        secret.unlink()
    async with connected(sandbox, ANTHROPIC_API_KEY="", ANTHROPIC_PROFILE="team") as claude:
        failure = await fail(claude)
    assert "`ANTHROPIC_PROFILE`" in failure.sentence
    assert len(bodies(sandbox)) == 1


async def test_a_profile_that_is_not_there_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="ANTHROPIC_PROFILE: there is no usable profile 'nobody'"):
        async with connected(sandbox, ANTHROPIC_API_KEY="", ANTHROPIC_PROFILE="nobody"):
            pass


def test_one_of_the_three_is_needed() -> None:
    Settings(anthropic_profile="team").require_claude()
    with pytest.raises(SettingError, match="ANTHROPIC_API_KEY is missing"):
        Settings().require_claude()


# On the way


Seen = list[Mapping[str, str]]


@asynccontextmanager
async def proxying(sandbox: Sandbox) -> AsyncIterator[tuple[str, Seen]]:
    """An HTTP proxy on loopback that takes every host for the sandbox; its address, and the headers it saw."""
    seen: Seen = []

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers)
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        url = sandbox.url + request.path
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=await request.read(), headers=headers) as answer,
        ):
            response = web.StreamResponse(headers={"request-id": answer.headers["request-id"]})
            response.content_type = answer.content_type
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    async with listening(forward) as url:
        yield url, seen


async def test_a_proxy_of_the_settings_is_used(sandbox: Sandbox) -> None:
    async with proxying(sandbox) as (url, seen):
        more: dict[str, Any] = {"ANTHROPIC_BASE_URL": "http://claude.invalid", "CLAUDE_PROXY": url}
        async with connected(sandbox, **more) as claude:
            assert (await ask(claude))[0].text == "Yes."
    assert [headers["Host"] for headers in seen] == ["claude.invalid"]


async def test_a_proxy_of_the_environment_is_used_but_not_for_a_claude_on_this_machine(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with proxying(sandbox) as (url, seen):
        monkeypatch.setenv("HTTP_PROXY", url)
        async with connected(sandbox) as claude:
            assert (await ask(claude))[0].text == "Yes."
        assert not seen
        async with connected(sandbox, ANTHROPIC_BASE_URL="http://claude.invalid") as claude:
            assert (await ask(claude))[0].text == "Yes."
        assert len(seen) == 1
        monkeypatch.setenv("NO_PROXY", "claude.invalid")
        once = replace(QUICK, attempts=1)
        async with connected(sandbox, ANTHROPIC_BASE_URL="http://claude.invalid", patience=once) as claude:
            assert "cannot be reached" in (await fail(claude)).sentence
        assert len(seen) == 1


async def test_headers_and_betas_of_the_settings_go_with_each_request(sandbox: Sandbox) -> None:
    async with proxying(sandbox) as (url, seen):
        more: dict[str, Any] = {
            "ANTHROPIC_BASE_URL": "http://claude.invalid",
            "CLAUDE_PROXY": url,
            "ANTHROPIC_CUSTOM_HEADERS": "X-Team: blue\\nX-Cost: a:b\\nAnthropic-Beta: compact-2026-01-12, "
            "thinking-binding-controls-2026-08-01",
        }
        async with connected(sandbox, **more) as claude:
            await ask(claude)
            await ask(claude, betas=["compact-2026-09-04"])
    assert (seen[0]["X-Team"], seen[0]["X-Cost"]) == ("blue", "a:b")
    assert seen[0]["anthropic-beta"] == "compact-2026-01-12,thinking-binding-controls-2026-08-01"
    assert seen[1]["anthropic-beta"] == ("compact-2026-01-12,compact-2026-09-04,thinking-binding-controls-2026-08-01")
    assert seen[0]["Authorization"] == f"Bearer {sandbox.api_key}"


async def test_nothing_of_beta_is_asked_for_without_need(sandbox: Sandbox, claude: ClaudeClient) -> None:
    await ask(claude)
    await claude.count(REQUEST)
    assert betas(sandbox) == [None, None]


async def test_a_connection_that_does_not_come_about_ends(sandbox: Sandbox) -> None:
    # A proxy that takes the connection and never answers the CONNECT.
    async def never(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with listening(never) as url:
        more: dict[str, Any] = {"ANTHROPIC_BASE_URL": "https://claude.invalid", "CLAUDE_PROXY": url}
        async with connected(sandbox, **more, patience=replace(QUICK, connect_seconds=0.2, attempts=2)) as claude:
            async with asyncio.timeout(5):
                failure = await fail(claude)
    assert failure.sentence.startswith(("Claude took too long", "Claude cannot be reached"))


# What no Claude would send


@pytest.mark.parametrize(
    "body",
    [
        b"event: message_start\ndata: {not json\n\n",
        b"event: message_start\ndata: {}\n\n",
        b"event: content_block_delta\ndata: \xe6\x9d",
        b"<html>A proxy's page</html>",
        b"",
    ],
    ids=["no json", "no message", "half a character", "a page", "nothing"],
)
async def test_what_is_no_stream_is_a_failure_that_passes(sandbox: Sandbox, body: bytes) -> None:
    asked = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(body=body, content_type="text/event-stream")

    async with listening(answer) as url, connected(sandbox, ANTHROPIC_BASE_URL=url) as claude:
        failure = await fail(claude)
    assert failure.sentence == "Claude cannot be reached right now. Please ask again in a minute."
    assert len(asked) == 3


# Counting


@pytest.mark.parametrize(("body", "of"), [("{}", "json"), ('{"input_tokens": null}', "json"), ("A page", "html")])
async def test_a_count_that_says_no_number_is_a_failure(sandbox: Sandbox, body: str, of: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=body, content_type=f"application/{of}" if of == "json" else f"text/{of}")

    async with listening(answer) as url, connected(sandbox, ANTHROPIC_BASE_URL=url) as claude:
        with pytest.raises(NoAnswer):
            await claude.count(REQUEST)


async def test_a_model_without_a_name_has_its_id(sandbox: Sandbox) -> None:
    said = ['{"id": "m", "type": "model"}', "A page"]

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        text = said.pop(0)
        return web.Response(text=text, content_type="application/json" if said else "text/html")

    async with listening(answer) as url, connected(sandbox, ANTHROPIC_BASE_URL=url) as claude:
        assert await claude.model_name(MODEL) == MODEL
        with pytest.raises(NoAnswer, match="AttributeError"):
            await claude.model_name(MODEL)


async def test_a_prompt_is_counted_as_usage_tells_it(sandbox: Sandbox, claude: ClaudeClient) -> None:
    answer, _ = await ask(claude)
    assert await claude.count(REQUEST) == sum(piece.prompt for piece in answer.usage)


async def test_a_count_is_tried_again_and_what_stays_is_told(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.add(f"{ROUTE}/count_tokens", "overloaded", times=2)
    assert await claude.count(REQUEST) > 0
    assert len(bodies(sandbox)) == 3
    sandbox.faults.add(f"{ROUTE}/count_tokens", "status", status=401)
    with pytest.raises(NoAnswer, match="401"):
        await claude.count(REQUEST)
    assert len(bodies(sandbox)) == 4


# Compaction


async def test_a_conversation_is_summed_up_in_a_block_that_goes_first_from_then_on(
    sandbox: Sandbox, claude: ClaudeClient
) -> None:
    sandbox.script(None, Script("Yes.", compaction="They greeted."))
    meter = RecordingMeter()
    block = await claude.compact({**REQUEST, "max_tokens": 64_000}, usage_observer=meter)
    assert block
    assert (block["type"], block["content"]) == ("compaction", "They greeted.")
    assert block["signature"]
    [piece] = meter.usage
    assert (piece.model, piece.output > 0) == (MODEL, True)
    assert bodies(sandbox)[0]["compaction"] == {"type": "summarize"}
    messages = [{"role": "assistant", "content": [block]}, {"role": "user", "content": "Go on"}]
    answer, _ = await ask(claude, messages=messages, betas=["compact-2026-09-04"])
    assert answer.text == "Yes."
    assert set(betas(sandbox)) == {"compact-2026-09-04"}


async def test_who_cannot_compact_says_so(sandbox: Sandbox, claude: ClaudeClient) -> None:
    assert await claude.compact({**REQUEST, "model": OLD}) is None
    assert not bodies(sandbox)
    sandbox.faults.add(ROUTE, "status", status=400)
    assert await claude.compact(REQUEST) is None


async def test_a_compaction_without_a_summary_is_no_block_but_costs(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.script(None, Script(compaction=""))
    meter = RecordingMeter()
    assert await claude.compact(REQUEST, usage_observer=meter) is None
    assert meter.usage[0].input > 0


async def test_a_compaction_that_failed_is_told(sandbox: Sandbox, claude: ClaudeClient) -> None:
    sandbox.faults.add(ROUTE, "overloaded")
    with pytest.raises(NoAnswer, match="529"):
        await claude.compact(REQUEST)


@pytest.mark.parametrize("kind", ["missing", "no certificate", "folder"])
def test_a_file_of_authorities_that_is_none_is_one_sentence(kind: str, tmp_path: Path) -> None:
    (tmp_path / "no certificate").write_text("no certificate")
    (tmp_path / "folder").mkdir()
    make = (
        "from bot.settings import SettingError, Settings\n"
        "from workers.claude.client import ClaudeClient\n"
        "try:\n    ClaudeClient(Settings(anthropic_api_key='x'))\n"
        "except SettingError as error:\n    print(error)\n"
    )
    environ = {**os.environ, "SSL_CERT_FILE": str(tmp_path / kind)}
    said = subprocess.run([sys.executable, "-c", make], env=environ, capture_output=True, text=True, check=True).stdout
    assert re.match(r"The certificates .* cannot be read \(\w+\)\. Correct SSL_CERT_FILE or SSL_CERT_DIR", said)

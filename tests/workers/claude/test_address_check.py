"""Gateways in Claude's place: what works is told, and what does not with what to do about it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.settings import Settings
from tests.kit.tls import needs_openssl, untrusted
from workers import cli
from workers.claude import address_check
from workers.claude.client import ClaudeClient
from workers.claude.failures import Patience

MODEL = "claude-sonnet-5-5"
SECRET = "user-secret:word-secret"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def message(request: web.Request) -> web.StreamResponse:
    """The beginning of an answer, as Claude streams it."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "usage": usage}
    start = json.dumps({"type": "message_start", "message": begun})
    text = f'event: message_start\ndata: {start}\n\nevent: message_stop\ndata: {{"type": "message_stop"}}\n\n'
    return web.Response(text=text, content_type="text/event-stream")


def status(code: int, text: str = "no", content_type: str = "text/plain", **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type=content_type, headers=headers)

    return answer


def said(code: int, **body: object) -> Answer:
    return status(code, json.dumps(body), "application/json")


@asynccontextmanager
async def gateway(look_up: Answer, messages: Answer, prefix: str = "", **more: object) -> AsyncIterator[str]:
    """Its address. Every other path is 404."""
    application = web.Application()
    application.router.add_get(f"{prefix}/v1/models/{{model}}", look_up)
    application.router.add_post(f"{prefix}/v1/messages", messages)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, **more).start()  # type: ignore[arg-type]
    try:
        scheme = "https" if more else "http"
        yield f"{scheme}://{SECRET}@localhost:{runner.addresses[0][1]}{prefix}"
    finally:
        await runner.cleanup()


async def check(url: str, capsys: pytest.CaptureFixture[str], **more: str) -> tuple[int, list[str]]:
    """Status and lines of `parley check` about Claude."""
    environ = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": url, **more}
    code = await cli.check(Settings.load(environ, dotenv=None))
    lines = capsys.readouterr().out.splitlines()
    assert "secret" not in "".join(lines)
    return code, [line for line in lines if " Claude: " in line]


@pytest.mark.parametrize(
    "look_up",
    [
        status(404),
        status(404, "<html>Not here</html>", "text/html"),
        said(404, detail="Not Found"),
        said(404, type="error", error={"type": "not_found_error", "message": "no route"}),
        status(405),
        status(501),
        said(403, error={"message": "this key may not call this route"}),
        said(200, id=MODEL, object="model", created=1, owned_by="somebody"),
        said(200, data=[]),
        status(200, "<html>Welcome</html>", "text/html"),
    ],
)
async def test_a_gateway_that_only_answers_messages_is_well_with_a_warning(
    look_up: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(look_up, message) as url:
        code, [fine, warning] = await check(url, capsys)
    assert code == 0
    assert fine == f"ok    Claude: {MODEL} ({MODEL})"
    assert "answers messages, but does not look up models" in warning
    assert warning.startswith("warn  Claude: http://***@localhost:")


async def test_a_model_that_is_looked_up_is_not_asked_anything(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(said(200, id=MODEL, type="model", display_name="Claude"), status(500)) as url:
        assert await check(url, capsys) == (0, [f"ok    Claude: Claude ({MODEL})"])


async def test_a_fallback_is_tried_by_a_message_too(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(404), message) as url:
        code, _ = await check(url, capsys, FALLBACK_MODEL="claude-opus-5-5")
    assert code == 0


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (status(404), "it may have a path of its own for Anthropic's API"),
        (status(405), "it may have a path of its own for Anthropic's API"),
        (said(404, type="error", error={"type": "not_found_error", "message": "model: x"}), "`MODEL` in `.env`"),
        (said(400, error={"message": "Invalid model name"}), f"it may not know MODEL={MODEL}"),
        (status(403, "<html>Forbidden</html>", "text/html"), f"the key may not use it, or not MODEL={MODEL}"),
        (status(401), "set `ANTHROPIC_AUTH_TOKEN` instead"),
        (status(200, "<html>Welcome</html>", "text/html"), "not as Claude does; perhaps with a page for people"),
        (said(200, choices=[]), "not as Claude does"),
        (status(200, "", "text/event-stream"), "not as Claude does"),
        (
            status(307, Location="https://who-secret@other.example/x?key=key-secret"),
            "https://***@other.example/x?key=***",
        ),
    ],
)
async def test_what_does_not_answer_is_told_with_what_to_do(
    messages: Answer, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with gateway(status(404), messages) as url:
        code, [line] = await check(url, capsys)
    assert code == 1
    assert line.startswith("FAIL  Claude: ")
    assert told in line


@pytest.mark.parametrize("end", ["/v1", "/v1/", "/v1/messages"])
async def test_an_end_that_is_too_much_is_named(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(404), message) as url:
        code, [line] = await check(url + end, capsys)
    assert code == 1
    assert f": leave out {end.rstrip('/')} at its end" in line


@pytest.mark.parametrize("end", ["", "/"])
async def test_a_path_before_the_api_is_fine(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(404), message, prefix="/claude/proxy") as url:
        code, _ = await check(url + end, capsys)
    assert code == 0


async def test_who_sends_the_token_as_bearer_is_told_of_the_other_header(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(401), status(401)) as url:
        _, [line] = await check(url, capsys, ANTHROPIC_API_KEY="", ANTHROPIC_AUTH_TOKEN="token-secret")
    assert "set `ANTHROPIC_API_KEY` instead" in line


async def test_the_key_does_not_follow_a_redirect(capsys: pytest.CaptureFixture[str]) -> None:
    keys: list[str | None] = []

    async def other(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers.get("x-api-key"))
        return await message(request)

    async with gateway(other, other) as elsewhere:
        address = elsewhere.replace(f"{SECRET}@", "")
        leads = status(307, Location=f"{address}/v1/messages")
        async with gateway(leads, leads) as url:
            code, [line] = await check(url, capsys)
    assert code == 1
    assert f"redirects to {address}/v1/messages (307), which is not followed" in line
    assert keys == []


@needs_openssl
async def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(404), message, ssl_context=untrusted(tmp_path)) as url:
        _, [line] = await check(url, capsys)
        assert "is not trusted here" in line
        assert "SSL_CERT_FILE" in line
        _, [line] = await check(url.replace("https", "http"), capsys)
        assert line.startswith("FAIL  Claude: ")


async def test_an_address_without_tls_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway(status(404), message) as url:
        _, [line] = await check(url.replace("http", "https"), capsys)
    assert "does not speak TLS as it should: is it an http:// address" in line


async def test_a_name_that_leads_nowhere_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, [line] = await check("http://gateway.invalid", capsys)
    assert "cannot be reached at http://gateway.invalid (" in line
    assert "check the network, ANTHROPIC_BASE_URL and CLAUDE_PROXY" in line


async def test_one_that_never_ends_is_told_in_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address_check, "PATIENCE", Patience(idle_seconds=0.5, attempts=1))

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b": wait\n\n")
            await asyncio.sleep(0.1)

    async with gateway(status(404), drip) as url:
        _, [line] = await check(url, capsys)
    assert "did not answer within 0 seconds" in line


def test_an_address_in_clear_is_a_warning_unless_it_is_this_machine() -> None:
    reached = address_check.Reached("Claude")
    for url, is_told in (
        ("http://litellm:4000", True),
        ("http://10.0.0.7", True),
        ("https://litellm", False),
        ("http://127.0.0.1:4000", False),
        ("http://localhost:4000", False),
    ):
        told = address_check.cautions(Settings(anthropic_base_url=url), reached)
        assert ["not encrypted" in sentence for sentence in told] == [True] * is_told
    assert address_check.cautions(Settings(), reached) == []


async def test_user_and_password_of_the_address_go_into_the_header_that_gateways_expect() -> None:
    heard: list[tuple[str | None, str | None]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        heard.append((request.headers.get("Authorization"), request.headers.get("x-api-key")))
        return await said(200, id=MODEL, type="model", display_name="Claude")(request)

    async with gateway(answer, message) as url:
        for settings in (
            Settings(anthropic_base_url=url, anthropic_api_key="key"),
            Settings(anthropic_base_url=url, anthropic_auth_token="token"),
        ):
            claude = ClaudeClient(settings)
            await claude.model_name(MODEL)
            await claude.close()
    basic = base64.b64encode(SECRET.encode()).decode()
    assert heard == [(f"Basic {basic}", "key"), ("Bearer token", None)]

"""Fetching what people share, from a sandbox's Slack and from servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web as server
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.talk.file import File
from workers.files.download import FAILED, GONE, NO_ACCESS, DownloadLimits, LeftOut, described, fetch

LIMITS = DownloadLimits(1_000, 5.0)


async def shared(sandbox: Sandbox, content: bytes = b"hello", *, user: str = "ada", mode: str = "hosted") -> File:
    """A file as its event tells of it."""
    place = "dm" if user == "ada" else "engineering"
    ts = await sandbox.slack.upload(user, place, [("notes.txt", content)], mode=mode)
    [shown] = sandbox.slack.thread("@ada" if user == "ada" else place, ts)[0].files
    file = File.of(shown.view())
    assert file
    return file


async def left_out(call: Awaitable[object]) -> LeftOut:
    with pytest.raises(LeftOut) as raised:
        await call
    return raised.value


@asynccontextmanager
async def answering(
    handler: Callable[[server.Request], Awaitable[server.StreamResponse]],
) -> AsyncIterator[tuple[AsyncWebClient, File]]:
    """A Slack whose file server answers so, and a file of it."""
    app = server.Application()
    app.router.add_get("/files-pri/F1/a.txt", handler)
    async with TestServer(app, host="127.0.0.1") as there:
        environ = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": str(there.make_url("/api/"))}
        async with slack.client(Settings.load(environ=environ, dotenv=None)) as web:
            yield web, File("F1", "a.txt", "text/plain", 5, str(there.make_url("/files-pri/F1/a.txt")))


async def test_the_bytes_come_for_the_bot_token(sandbox: Sandbox, web: AsyncWebClient) -> None:
    file = await shared(sandbox)
    assert await described(web, file) == file
    assert await fetch(web, file, LIMITS) == b"hello"


async def test_a_login_page_is_no_file(sandbox: Sandbox, web: AsyncWebClient) -> None:
    sandbox.slack.scopes.remove("files:read")
    failure = await left_out(fetch(web, await shared(sandbox), LIMITS))
    assert (failure.reason, failure.why) == ("login_page", NO_ACCESS)


async def test_a_web_page_that_somebody_shares_is_a_file() -> None:
    async def page(request: server.Request) -> server.Response:
        return server.Response(text="<p>hi", content_type="text/html")

    async with answering(page) as (web, file):
        assert await fetch(web, replace(file, mimetype="text/html"), LIMITS) == b"<p>hi"
        assert (await left_out(fetch(web, replace(file, mimetype="text/html", size=6), LIMITS))).why == NO_ACCESS


async def test_a_file_that_is_too_large_is_not_asked_for(sandbox: Sandbox, web: AsyncWebClient) -> None:
    failure = await left_out(fetch(web, await shared(sandbox, bytes(1_001)), LIMITS))
    assert failure.reason == "too_large"
    assert sandbox.journal.entries("slack.download") == []


async def test_a_file_that_is_larger_than_slack_said_is_cut_off() -> None:
    sent = 0

    async def endless(request: server.Request) -> server.StreamResponse:
        nonlocal sent
        response = server.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(10_000))
            sent += 10_000

    async with answering(endless) as (web, file):
        assert (await left_out(fetch(web, file, LIMITS))).reason == "too_large"
    assert sent < 50_000_000


async def test_no_redirect_is_followed() -> None:
    seen: list[str | None] = []

    async def elsewhere(request: server.Request) -> server.Response:
        seen.append(request.headers.get("Authorization"))
        raise server.HTTPFound("/other")

    async with answering(elsewhere) as (web, file):
        assert (await left_out(fetch(web, file, LIMITS))).reason == "status_302"
    assert seen == ["Bearer xoxb-1"]


async def test_passing_failures_are_tried_again(sandbox: Sandbox, web: AsyncWebClient) -> None:
    file = await shared(sandbox)
    sandbox.faults.add("files.download", "half", times=1)
    sandbox.faults.add("files.download", "status", status=503, times=1)
    assert await fetch(web, file, LIMITS) == b"hello"


async def test_failures_that_last_are_told(sandbox: Sandbox, web: AsyncWebClient) -> None:
    file = await shared(sandbox)
    sandbox.faults.add("files.download", "status", status=500)
    assert (await left_out(fetch(web, file, LIMITS))).why == FAILED


async def test_a_server_that_hangs_is_given_up() -> None:
    async def hang(request: server.Request) -> server.Response:
        await asyncio.sleep(30)
        return server.Response()

    async with answering(hang) as (web, file):
        assert (await left_out(fetch(web, file, DownloadLimits(1_000, 0.2)))).reason == "timeout"


async def test_a_file_that_is_gone_is_told(sandbox: Sandbox, web: AsyncWebClient) -> None:
    file = await shared(sandbox)
    sandbox.slack.workspace.files[file.id].mode = "tombstone"
    assert (await left_out(fetch(web, file, LIMITS))).why == GONE


@pytest.mark.parametrize("mode", ["tombstone", "hidden_by_limit", "external"])
async def test_some_files_have_no_bytes_at_slack(sandbox: Sandbox, web: AsyncWebClient, mode: str) -> None:
    assert (await left_out(described(web, await shared(sandbox, mode=mode)))).reason == mode


async def test_a_file_of_another_company_is_asked_about(sandbox: Sandbox, web: AsyncWebClient) -> None:
    file = await described(web, await shared(sandbox, user="gwen"))
    assert (file.name, file.mimetype, file.size) == ("notes.txt", "text/plain", 5)
    assert await fetch(web, file, LIMITS) == b"hello"


@pytest.mark.parametrize(
    ("error", "why"), [("file_deleted", GONE), ("missing_scope", NO_ACCESS), ("strange_error", FAILED)]
)
async def test_what_slack_says_about_a_file_is_told(
    sandbox: Sandbox, web: AsyncWebClient, error: str, why: str
) -> None:
    sandbox.faults.add("files.info", "error", error=error)
    failure = await left_out(described(web, await shared(sandbox, user="gwen")))
    assert (failure.reason, failure.why) == (error, why)


async def test_a_file_of_which_only_the_name_is_known_is_left_out(web: AsyncWebClient) -> None:
    assert (await left_out(described(web, File(name="a.pdf")))).reason == "no_id"


async def test_the_token_goes_to_no_method_of_the_api(sandbox: Sandbox, web: AsyncWebClient) -> None:
    for address in ("api/auth.test", "files-pri/../api/auth.test", "files-pri/%2e%2e/api/auth.test"):
        file = File("F1", "a.png", "image/png", 5, f"{str(web.base_url).removesuffix('api/')}{address}", "hosted")
        assert (await left_out(fetch(web, file, LIMITS))).reason == "foreign_host"
    assert sandbox.journal.entries("slack.request", "auth.test") == []


async def test_nothing_is_sent_to_a_foreign_host(web: AsyncWebClient) -> None:
    file = File("F1", "a.png", "image/png", 5, "https://files.example.com/a.png", "hosted")
    assert (await left_out(fetch(web, file, LIMITS))).reason == "foreign_host"

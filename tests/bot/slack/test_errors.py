"""What each refusal of a sandbox's Slack means."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web as server
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import describe, error_name, retry_after, verdict
from tests.kit.failing import failure, post


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    """A client whose calls may take half a second: half of the lease."""
    environ = {**sandbox.environ(), "LEASE_SECONDS": "1"}
    async with slack.client(Settings.load(environ=environ, dotenv=None)) as web:
        yield web


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("message_not_found", "deleted"),
        ("edit_window_closed", "frozen"),
        ("cant_update_message", "frozen"),
        ("msg_too_long", "payload"),
        ("invalid_blocks", "payload"),
        ("markdown_text_conflict", "payload"),
        ("no_text", "payload"),
        ("ratelimited", "limited"),
        ("rate_limited", "limited"),
        ("internal_error", "transient"),
        ("service_unavailable", "transient"),
        ("team_added_to_org", "transient"),
        ("is_archived", "permanent"),
        ("not_in_channel", "permanent"),
        ("account_inactive", "permanent"),
        ("an_error_of_next_year", "permanent"),
    ],
)
async def test_each_error_of_slacks_has_a_meaning(
    sandbox: Sandbox, web: AsyncWebClient, error: str, meaning: str
) -> None:
    sandbox.faults.add("chat.postMessage", "error", error=error)
    refused = await failure(post(web, sandbox))
    assert (error_name(refused), verdict(refused)) == (error, meaning)


@pytest.mark.parametrize("body", ["", "<html>Bad gateway</html>", "{", "[]", '"text"', '{"ok": false, "error": "x"}'])
@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_passes_whatever_its_body(
    sandbox: Sandbox, web: AsyncWebClient, status: int, body: str
) -> None:
    sandbox.faults.add("chat.postMessage", "status", status=status, body=body)
    assert verdict(await failure(post(web, sandbox))) == "transient"


async def test_a_server_error_passes_even_if_it_names_an_error_that_stays() -> None:
    async def refuse(request: server.Request) -> server.Response:
        return server.json_response({"ok": False, "error": "invalid_auth"}, status=503)

    app = server.Application()
    app.router.add_post("/api/{method}", refuse)
    async with TestServer(app) as listening:
        address = f"http://127.0.0.1:{listening.port}/api/"
        async with slack.client(Settings.load(environ={"SLACK_API_URL": address}, dotenv=None)) as web:
            assert verdict(await failure(web.auth_test())) == "transient"


@pytest.mark.parametrize("kind", ["reset", "half", "delay"])
async def test_a_broken_or_late_answer_passes(sandbox: Sandbox, web: AsyncWebClient, kind: str) -> None:
    sandbox.faults.add("chat.postMessage", kind, times=1, seconds=1.0)
    broken = await failure(post(web, sandbox))
    assert verdict(broken) == "transient"
    assert error_name(broken) is None
    assert retry_after(broken) == 1.0


@pytest.mark.parametrize(("told", "seconds"), [(30, 30.0), (0, 0.0), ("soon", 1.0), (-5, 0.0)])
async def test_how_long_to_wait_is_what_slack_says(
    sandbox: Sandbox, web: AsyncWebClient, told: object, seconds: float
) -> None:
    sandbox.faults.add("chat.postMessage", "rate_limit", retry_after=told)
    refused = await failure(post(web, sandbox))
    assert verdict(refused) == "limited"
    assert retry_after(refused) == seconds


async def test_a_refusal_without_slacks_words_is_one_all_the_same(sandbox: Sandbox, web: AsyncWebClient) -> None:
    sandbox.faults.add("chat.postMessage", "status", status=429, body="slow down")
    assert verdict(await failure(post(web, sandbox))) == "limited"


async def test_an_error_is_described_by_slacks_word_for_it_or_by_its_class(
    sandbox: Sandbox, web: AsyncWebClient
) -> None:
    sandbox.faults.add("chat.postMessage", "error", times=1, error="is_archived")
    assert describe(await failure(post(web, sandbox))) == "is_archived"
    sandbox.faults.add("chat.postMessage", "delay", times=1, seconds=1.0)
    assert describe(await failure(post(web, sandbox))) == "TimeoutError"

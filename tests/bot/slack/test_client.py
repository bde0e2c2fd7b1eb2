"""The Web API client against a sandbox: who we are, and what each refusal means."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from aiohttp import web as server
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import SettingError, Settings
from bot.slack import client as slack
from bot.slack.client import SLACK_TROUBLE, describe, error_name, identify, retry_after, try_app_token, verdict


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False, scopes=["chat:write", "users:read"]) as sandbox:
        yield sandbox


def settings(sandbox: Sandbox, **more: str) -> Settings:
    return Settings.load(environ={**sandbox.environ(), **more}, dotenv=None)


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    # A call may take half of the lease.
    async with slack.client(settings(sandbox, LEASE_SECONDS="1")) as web:
        yield web


async def failure(call: Awaitable[Any]) -> Exception:
    with pytest.raises(SLACK_TROUBLE) as raised:
        await call
    return raised.value


def post(web: AsyncWebClient, sandbox: Sandbox) -> Awaitable[Any]:
    return web.chat_postMessage(channel=sandbox.channels["general"], text="hello")


# Who we are


async def test_we_learn_who_we_are_and_what_we_may(sandbox: Sandbox, web: AsyncWebClient) -> None:
    identity = await identify(web)
    assert (identity.team, identity.user, identity.name) == (sandbox.team, sandbox.bot_user, "parley")
    assert identity.bot
    assert identity.team_name
    assert identity.enterprise is None
    assert identity.scopes == frozenset({"chat:write", "users:read"})


async def test_where_we_are_installed_in_a_whole_organization_it_is_the_team(
    sandbox: Sandbox, web: AsyncWebClient
) -> None:
    sandbox.slack.workspace.organization = "E0ORG"
    identity = await identify(web)
    assert (identity.team, identity.enterprise) == ("E0ORG", "E0ORG")


async def test_a_refused_token_is_told_at_once_without_itself(sandbox: Sandbox) -> None:
    async with slack.client(settings(sandbox, SLACK_BOT_TOKEN="xoxb-wrong")) as web:
        with pytest.raises(SettingError) as raised:
            await identify(web)
    assert str(raised.value).startswith("SLACK_BOT_TOKEN is refused by Slack (invalid_auth)")
    assert "xoxb-wrong" not in str(raised.value)
    assert len(sandbox.journal.entries("slack.request", "auth.test")) == 1


async def test_a_slack_that_stumbles_is_asked_again(sandbox: Sandbox, web: AsyncWebClient) -> None:
    sandbox.faults.add("auth.test", "status", times=1, status=503)
    assert (await identify(web)).user == sandbox.bot_user


async def test_a_slack_that_cannot_be_reached_is_told_in_the_end(sandbox: Sandbox, web: AsyncWebClient) -> None:
    sandbox.faults.add("auth.test", "reset")
    with pytest.raises(SettingError, match=r"Slack cannot be reached \(Client.*SLACK_API_URL"):
        await identify(web, attempts=2)


async def test_a_slack_that_asks_to_wait_gets_its_time(sandbox: Sandbox, web: AsyncWebClient) -> None:
    sandbox.faults.add("auth.test", "rate_limit", times=1, retry_after=2)
    began = time.monotonic()
    await identify(web)
    assert time.monotonic() - began >= 1.95


# What a refusal means


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


async def test_who_asks_about_the_same_person_at_the_same_time_shares_the_answer(
    sandbox: Sandbox, web: AsyncWebClient
) -> None:
    ada = sandbox.users["ada"]
    impatient = asyncio.create_task(web.users_info(user=ada))
    asking = [asyncio.create_task(web.users_info(user=ada)) for _ in range(50)]
    await asyncio.sleep(0)
    impatient.cancel()
    names = {answer["user"]["name"] for answer in await asyncio.gather(*asking)}
    assert (names, len(sandbox.journal.entries("slack.request", "users.info"))) == ({"ada"}, 1)
    for _ in range(2):
        assert error_name(await failure(web.users_info(user="U0NOBODY"))) == "user_not_found"
    assert len(sandbox.journal.entries("slack.request", "users.info")) == 3


async def test_a_post_is_sent_once_however_it_fails(sandbox: Sandbox, web: AsyncWebClient) -> None:
    for kind, params in (("reset", {"after": True}), ("rate_limit", {"retry_after": 0}), ("status", {"status": 503})):
        sandbox.faults.add("chat.postMessage", kind, times=1, **params)
        before = len(sandbox.journal.entries("slack.fault"))
        await failure(post(web, sandbox))
        assert len(sandbox.journal.entries("slack.fault")) == before + 1
    assert len(sandbox.journal.entries("slack.request", "chat.postMessage")) == 1


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(sandbox: Sandbox) -> None:
    ask = (
        "import asyncio\n"
        "from bot.slack import client as slack\n"
        "from bot.settings import Settings\n"
        "async def ask():\n"
        "    async with slack.client(Settings.load(dotenv=None)) as web:\n"
        "        print((await slack.identify(web, attempts=1)).user)\n"
        "asyncio.run(ask())\n"
    )
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environ = {**os.environ, **sandbox.environ(), **nowhere}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ask, env=environ, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.decode().strip() == sandbox.bot_user


async def test_an_app_level_token_is_tried_and_a_refusal_for_good_told(sandbox: Sandbox, web: AsyncWebClient) -> None:
    await try_app_token(web, sandbox.app_token)
    with pytest.raises(
        SettingError, match=r"^SLACK_APP_TOKEN is refused by Slack \(invalid_auth\): .*connections:write"
    ):
        await try_app_token(web, "xapp-wrong")
    sandbox.faults.add("apps.connections.open", "status", times=1, status=503)
    await try_app_token(web, sandbox.app_token)

"""Who we are, and which tokens are refused, from a sandbox's Slack."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import SettingError, Settings
from bot.slack import client as slack
from bot.slack.identity import identify, try_app_token
from tests.kit.tls import needs_openssl, untrusted


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False, scopes=["chat:write", "users:read"]) as sandbox:
        yield sandbox


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
    async with slack.client(Settings.load({**sandbox.environ(), "SLACK_BOT_TOKEN": "xoxb-wrong"}, dotenv=None)) as web:
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


async def test_an_app_level_token_is_tried_and_a_refusal_for_good_told(sandbox: Sandbox, web: AsyncWebClient) -> None:
    await try_app_token(web, sandbox.app_token)
    with pytest.raises(
        SettingError, match=r"^SLACK_APP_TOKEN is refused by Slack \(invalid_auth\): .*connections:write"
    ):
        await try_app_token(web, "xapp-wrong")
    sandbox.faults.add("apps.connections.open", "status", times=1, status=503)
    await try_app_token(web, sandbox.app_token)


@needs_openssl
async def test_a_certificate_that_is_not_trusted_is_told_at_once_with_what_to_do(tmp_path: Path) -> None:
    runner = web.AppRunner(web.Application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=untrusted(tmp_path)).start()
    address = f"https://localhost:{runner.addresses[0][1]}/api/"
    try:
        async with slack.client(Settings(slack_bot_token="xoxb-1", slack_api_url=address)) as client:
            began = time.monotonic()
            with pytest.raises(SettingError, match=r"^Slack's certificate is not trusted here .* SSL_CERT_FILE"):
                await identify(client)
        assert time.monotonic() - began < 5
    finally:
        await runner.cleanup()

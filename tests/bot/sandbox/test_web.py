"""Tokens, scopes, bodies and refusals, as Slack's Web API has them."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post


async def raw(sandbox: Sandbox, method: str, **request: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {sandbox.bot_token}", **request.pop("headers", {})}
    async with (
        aiohttp.ClientSession() as session,
        session.post(sandbox.slack_url + method, headers=headers, **request) as response,
    ):
        return response.status, await response.json()


async def test_token_is_needed_known_and_of_the_right_kind(sandbox: Sandbox) -> None:
    url = sandbox.slack_url
    assert await error(AsyncWebClient(base_url=url).auth_test()) == "not_authed"
    assert await error(AsyncWebClient("xoxb-someone-else", base_url=url).auth_test()) == "invalid_auth"
    assert await error(AsyncWebClient(sandbox.app_token, base_url=url).auth_test()) == "not_allowed_token_type"
    opening = AsyncWebClient(base_url=url).apps_connections_open(app_token=sandbox.bot_token)
    assert await error(opening) == "not_allowed_token_type"


async def test_auth_test_says_who_the_app_is_and_what_it_may_do(sandbox: Sandbox, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == sandbox.bot_user
    assert answer["team_id"] == sandbox.team
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


async def test_missing_scope_names_what_is_needed_and_what_was_provided() -> None:
    async with Sandbox(with_claude=False, scopes=["users:read", "commands"]) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel=sandbox.channels["general"], text="hi")
        assert refused.value.response["error"] == "missing_scope"
        assert refused.value.response["needed"] == "chat:write"
        assert refused.value.response["provided"] == "users:read,commands"
        assert (await client.users_info(user=sandbox.users["ada"]))["ok"]


async def test_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert await error(client.api_call("chat.scheduleMessage")) == "unknown_method"


async def test_json_and_form_bodies_are_both_read(sandbox: Sandbox) -> None:
    channel = sandbox.channels["general"]
    for request in ({"json": {"channel": channel, "text": "hi"}}, {"data": {"channel": channel, "text": "hi"}}):
        status, answer = await raw(sandbox, "chat.postMessage", **request)
        assert (status, answer["ok"]) == (200, True)
    blocks = '[{"type": "divider"}]'
    _, answer = await raw(sandbox, "chat.postMessage", data={"channel": channel, "blocks": blocks})
    assert answer["ok"]
    _, answer = await raw(sandbox, "chat.postMessage", data={"channel": channel, "text": "hi", "token": "x"})
    assert answer["ok"]


async def test_bad_bodies_are_refused_by_name(sandbox: Sandbox) -> None:
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    assert (await raw(sandbox, "chat.postMessage", data="{", headers=json_type))[1]["error"] == "invalid_json"
    assert (await raw(sandbox, "chat.postMessage", data="[]", headers=json_type))[1]["error"] == "json_not_object"
    text_type = {"Content-Type": "text/plain"}
    assert (await raw(sandbox, "chat.postMessage", data="hi", headers=text_type))[1]["error"] == "invalid_post_type"


async def test_methods_that_read_take_no_json(sandbox: Sandbox) -> None:
    _, answer = await raw(sandbox, "users.info", json={"user": sandbox.users["ada"]})
    assert answer["error"] == "invalid_arguments"


async def test_other_hosts_and_origins_are_refused(sandbox: Sandbox) -> None:
    assert (await raw(sandbox, "auth.test", headers={"Host": "sandbox.example.com"}))[0] == 403
    assert (await raw(sandbox, "auth.test", headers={"Origin": "https://example.com"}))[0] == 403
    own = sandbox.page_url.rstrip("/")
    assert (await raw(sandbox, "auth.test", headers={"Origin": own}))[0] == 200


async def test_token_in_the_query_is_no_token(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(sandbox.slack_url + "auth.test", params={"token": sandbox.bot_token}) as response,
    ):
        assert (await response.json())["error"] == "not_authed"


async def test_uninstalled_app_is_told_and_shut_out(sandbox: Sandbox, client: AsyncWebClient) -> None:
    await sandbox.slack.uninstall()
    await sandbox.journal.until(lambda entry: (entry.kind, entry.name) == ("slack.delivery", "app_uninstalled"))
    await sandbox.journal.until(lambda entry: (entry.kind, entry.name) == ("slack.delivery", "tokens_revoked"))
    assert await error(client.auth_test()) == "account_inactive"
    await sandbox.slack.install()
    assert (await client.auth_test())["ok"]


async def test_faults_spoil_answers_by_route(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts = await post(client, sandbox)
    channel = sandbox.channels["general"]
    sandbox.faults.add("chat.update", "error", error="update_failed", times=1)
    assert await error(client.chat_update(channel=channel, ts=ts, text="1")) == "update_failed"
    sandbox.faults.add("chat.update", "rate_limit", retry_after=7, times=1)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_update(channel=channel, ts=ts, text="1")
    assert refused.value.response.headers["Retry-After"] == "7"
    sandbox.faults.add("chat.update", "status", status=503, times=1)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_update(channel=channel, ts=ts, text="1")
    assert refused.value.response.status_code == 503
    assert sandbox.slack.thread(channel, ts)[0].text == "Hello"


@pytest.mark.parametrize("kind", ["reset", "half"])
async def test_faults_cut_connections(sandbox: Sandbox, kind: str) -> None:
    sandbox.faults.add("auth.test", kind)
    with pytest.raises(aiohttp.ClientError):
        await raw(sandbox, "auth.test")


async def test_fault_after_the_fact_lets_the_call_take_effect(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.faults.add("chat.postMessage", "status", status=500, after=True, times=1)
    with pytest.raises(SlackApiError):
        await post(client, sandbox, "sent, but you will not know")
    messages = sandbox.slack.workspace.channels[sandbox.channels["general"]].messages
    assert [message.text for message in messages.values()] == ["sent, but you will not know"]


async def test_delay_passes_on_the_sandbox_clock(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.faults.add("auth.test", "delay", seconds=3600)
    waiting = asyncio.ensure_future(client.auth_test())
    await sandbox.journal.until(lambda entry: entry.kind == "slack.fault")
    sandbox.clock.advance(3600)
    assert (await waiting)["ok"]

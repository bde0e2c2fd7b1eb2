"""One call under each limit passes, one over it is refused until the minute has moved on."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.server import METHODS
from tests.bot.sandbox.calls import error, post

TIERS = {
    "agents.sessions.setStatus": 50,
    "chat.appendStream": 100,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "files.info": 100,
    "reactions.add": 50,
    "reactions.remove": 20,
    "usergroups.users.list": 20,
    "users.info": 100,
    "views.open": 100,
}


@pytest.mark.parametrize(("method", "tier"), TIERS.items())
async def test_method_has_its_tier(sandbox: Sandbox, client: AsyncWebClient, method: str, tier: int) -> None:
    async def call() -> str:
        return await error(client.api_call(method, json={}))

    sandbox.clock.speed = 0
    for _ in range(tier):
        assert await call() != "ratelimited"
    assert await call() == "ratelimited"


async def test_refusal_says_when_to_come_again_and_the_window_slides(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.clock.speed = 0
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    for _ in range(25):
        await client.chat_update(channel=channel, ts=ts, text="x")
    sandbox.clock.advance(30)
    for _ in range(25):
        await client.chat_update(channel=channel, ts=ts, text="x")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_update(channel=channel, ts=ts, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response["error"] == "ratelimited"
    assert refused.value.response.headers["Retry-After"] == "30"
    sandbox.clock.advance(30)
    for _ in range(25):
        await client.chat_update(channel=channel, ts=ts, text="x")
    assert await error(client.chat_update(channel=channel, ts=ts, text="x")) == "ratelimited"


async def test_update_budget_is_shared_by_all_threads(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.clock.speed = 0
    channel = sandbox.channels["general"]
    messages = [await post(client, sandbox) for _ in range(2)]
    for number in range(50):
        await client.chat_update(channel=channel, ts=messages[number % 2], text="x")
    for ts in messages:
        assert await error(client.chat_update(channel=channel, ts=ts, text="x")) == "ratelimited"


async def test_posting_is_limited_for_each_channel(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.clock.speed = 0

    async def say(channel: str) -> Any:
        return await client.chat_postMessage(channel=sandbox.channels[channel], text="hi")

    for _ in range(10):
        await say("general")
    assert await error(say("general")) == "ratelimited"
    assert await error(client.chat_postMessage(channel="#general", text="hi")) == "ratelimited"
    await say("random")
    for _ in range(5):
        sandbox.clock.advance(5)
        for _ in range(10):
            await say("general")
    sandbox.clock.advance(5)
    assert await error(say("general")) == "ratelimited"
    sandbox.clock.advance(30)
    await say("general")


async def test_statuses_are_limited_for_each_channel(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.clock.speed = 0
    where: dict[str, dict[str, Any]] = {
        name: {"channel_id": sandbox.channels[name], "thread_ts": await sandbox.slack.say("ada", name, "hi")}
        for name in ("general", "random")
    }
    for _ in range(10):
        await client.assistant_threads_setStatus(**where["general"], status="is thinking…")
    assert await error(client.assistant_threads_setStatus(**where["general"], status="x")) == "ratelimited"
    await client.assistant_threads_setStatus(**where["random"], status="is thinking…")


async def test_posting_is_limited_for_the_workspace(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.slack.limits.set("chat.postMessage", 3)
    for channel in ("general", "random", "engineering"):
        await client.chat_postMessage(channel=sandbox.channels[channel], text="hi")
    assert await error(client.chat_postMessage(channel=sandbox.channels["leads"], text="hi")) == "ratelimited"


async def test_events_over_the_hours_number_are_dropped_and_told(sandbox: Sandbox) -> None:
    assert sandbox.slack.limits.events.limit == 30_000
    sandbox.slack.limits.events.limit = 2
    for text in ("one", "two", "three", "four"):
        await sandbox.slack.say("ada", "dm", text)
    assert [entry.data["reason"] for entry in sandbox.journal.entries("slack.lost")] == ["app_rate_limited"] * 2
    told = await sandbox.journal.until(lambda entry: entry.name == "app_rate_limited")
    assert told.kind == "slack.delivery"
    sandbox.clock.advance(3600)
    await sandbox.slack.say("ada", "dm", "five")
    assert len(sandbox.journal.entries("slack.lost")) == 2


async def test_limits_can_be_off() -> None:
    async with Sandbox(with_claude=False, limits=False) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        for _ in range(60):
            await client.usergroups_users_list(usergroup=next(iter(sandbox.slack.workspace.usergroups)))


def test_every_method_has_a_limit() -> None:
    assert all(method.per_minute > 0 for method in METHODS.values())

"""Reading channels and threads."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post


async def test_replies_are_the_thread_oldest_first(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    root = await sandbox.slack.say("ada", "general", "hi")
    metadata = {"event_type": "reply", "event_payload": {}}
    reply = await post(client, sandbox, thread_ts=root, metadata=metadata)
    answer = await client.conversations_replies(channel=channel, ts=root, include_all_metadata=True)
    assert [message["ts"] for message in answer["messages"]] == [root, reply]
    assert answer["messages"][0]["reply_count"] == 1
    assert answer["messages"][1]["metadata"] == metadata
    assert answer["messages"][1]["parent_user_id"] == sandbox.users["ada"]
    assert "metadata" not in (await client.conversations_replies(channel=channel, ts=root))["messages"][1]


async def test_replies_come_in_pages_and_within_times(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    root = await sandbox.slack.say("ada", "general", "0")
    sent = [root] + [await sandbox.slack.say("ada", "general", str(n), thread_ts=root) for n in range(1, 6)]
    first = await client.conversations_replies(channel=channel, ts=root, limit=4)
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_replies(channel=channel, ts=root, limit=4, cursor=cursor)
    assert [m["ts"] for m in [*first["messages"], *second["messages"]]] == sent
    assert not second["has_more"]
    between = await client.conversations_replies(channel=channel, ts=root, oldest=sent[1], latest=sent[3])
    assert [m["ts"] for m in between["messages"]] == [sent[2]]
    between = await client.conversations_replies(
        channel=channel, ts=root, oldest=sent[1], latest=sent[3], inclusive=True
    )
    assert [m["ts"] for m in between["messages"]] == sent[1:4]


async def test_history_is_newest_first_without_replies(sandbox: Sandbox, client: AsyncWebClient) -> None:
    first = await sandbox.slack.say("ada", "general", "1")
    await sandbox.slack.say("ben", "general", "reply", thread_ts=first)
    second = await sandbox.slack.say("ada", "general", "2")
    answer = await client.conversations_history(channel=sandbox.channels["general"])
    assert [message["ts"] for message in answer["messages"]] == [second, first]


async def test_reading_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    assert await error(client.conversations_replies(channel="C0000000000", ts="1.0")) == "channel_not_found"
    assert await error(client.conversations_replies(channel=channel, ts="1.0")) == "thread_not_found"
    assert await error(client.conversations_history(channel=channel, limit=0)) == "invalid_limit"
    assert await error(client.conversations_history(channel=channel, cursor="?")) == "invalid_cursor"
    await sandbox.slack.remove("parley", "general")
    assert await error(client.conversations_history(channel=channel)) == "not_in_channel"


@pytest.mark.parametrize(("channel", "scope"), [("general", "channels"), ("leads", "groups"), ("@ada", "im")])
async def test_each_kind_of_channel_has_its_scopes(channel: str, scope: str) -> None:
    others = {"channels", "groups", "im"} - {scope}
    scopes = [f"{other}:{what}" for other in others for what in ("history", "read")]
    async with Sandbox(with_claude=False, scopes=scopes) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        assert await error(client.conversations_history(channel=sandbox.channels[channel])) == "missing_scope"
        assert await error(client.conversations_info(channel=sandbox.channels[channel])) == "missing_scope"


async def test_info_tells_kinds_apart(sandbox: Sandbox, client: AsyncWebClient) -> None:
    async def info(name: str) -> dict[str, object]:
        found: dict[str, object] = (await client.conversations_info(channel=sandbox.channels[name]))["channel"]
        return found

    assert (await info("general"))["is_private"] is False
    assert (await info("leads"))["is_private"] is True
    assert (await info("engineering"))["is_ext_shared"] is True
    assert (await info("@ada"))["user"] == sandbox.users["ada"]
    assert await error(client.conversations_info(channel="C0000000000")) == "channel_not_found"


async def test_members_come_in_pages(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["engineering"]
    first = await client.conversations_members(channel=channel, limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_members(channel=channel, limit=3, cursor=cursor)
    assert {*first["members"], *second["members"]} == set(sandbox.users.values())
    assert await error(client.conversations_members(channel="C0000000000")) == "channel_not_found"


async def test_open_gives_the_dm(sandbox: Sandbox, client: AsyncWebClient) -> None:
    answer = await client.conversations_open(users=sandbox.users["ben"])
    assert answer["channel"]["id"] == sandbox.channels["@ben"]
    assert await error(client.conversations_open(users="U0000000000")) == "user_not_found"
    assert await error(client.api_call("conversations.open", json={})) == "users_list_not_supplied"
    both = [sandbox.users["ada"], sandbox.users["ben"]]
    assert await error(client.conversations_open(users=both)) == "missing_scope"


async def test_open_gives_a_group_dm_with_its_scope() -> None:
    async with Sandbox(with_claude=False, scopes=["mpim:write", "chat:write"]) as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        answer = await client.conversations_open(users=[sandbox.users["ada"], sandbox.users["ben"]], return_im=True)
        assert answer["channel"]["is_mpim"]

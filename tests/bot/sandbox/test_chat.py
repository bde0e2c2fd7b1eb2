"""Posting, editing and deleting through slack_sdk, with Slack's errors."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post, problems

MARKDOWN = {"type": "markdown", "text": "**Hello**"}


async def test_posted_message_is_in_its_thread_with_its_metadata(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = await sandbox.slack.say("ada", "general", "@parley hi")
    metadata = {"event_type": "reply", "event_payload": {"job": "1"}}
    answer = await client.chat_postMessage(
        channel=sandbox.channels["general"], text="a < b", thread_ts=question, blocks=[MARKDOWN], metadata=metadata
    )
    message = sandbox.slack.thread("general", question)[1]
    assert message.ts == answer["ts"]
    assert message.text == "a &lt; b"
    assert message.metadata == metadata
    assert message.blocks[0]["text"] == "**Hello**"
    assert message.blocks[0]["block_id"]


async def test_post_goes_to_names_ids_and_people(sandbox: Sandbox, client: AsyncWebClient) -> None:
    for channel in ("#general", "general", sandbox.channels["general"]):
        answer = await client.chat_postMessage(channel=channel, text="hi")
        assert answer["channel"] == sandbox.channels["general"]
    answer = await client.chat_postMessage(channel=sandbox.users["ada"], text="hi")
    assert answer["channel"] == sandbox.channels["@ada"]


async def test_post_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    assert await error(client.chat_postMessage(channel="C0000000000", text="hi")) == "channel_not_found"
    assert await error(client.api_call("chat.postMessage", json={"channel": channel})) == "no_text"
    conflict = client.chat_postMessage(channel=channel, text="hi", markdown_text="hi")
    assert await error(conflict) == "markdown_text_conflict"
    ghost = client.chat_postMessage(channel=channel, text="hi", thread_ts="1.000001")
    assert await error(ghost) == "thread_not_found"
    root = await post(client, sandbox)
    reply = await post(client, sandbox, thread_ts=root)
    nested = client.chat_postMessage(channel=channel, text="hi", thread_ts=reply)
    assert await error(nested) == "cannot_reply_to_message"
    await sandbox.slack.remove("parley", "general")
    assert await error(client.chat_postMessage(channel=channel, text="hi")) == "not_in_channel"
    await sandbox.slack.remove("parley", "leads")
    assert await error(client.chat_postMessage(channel=sandbox.channels["leads"], text="hi")) == "channel_not_found"
    await sandbox.slack.archive("random")
    assert await error(client.chat_postMessage(channel=sandbox.channels["random"], text="hi")) == "is_archived"


async def test_long_post_is_cut_with_a_warning(sandbox: Sandbox, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=sandbox.channels["general"], text="a" * 40_000)
    assert "warning" not in answer.data
    answer = await client.chat_postMessage(channel=sandbox.channels["general"], text="a" * 40_001)
    assert answer["warning"] == "message_truncated"
    assert len(answer["message"]["text"]) == 40_000


@pytest.mark.parametrize(
    "metadata", [{"event_type": "x"}, {"event_payload": {}}, {"event_type": "x", "event_payload": "y"}]
)
async def test_malformed_metadata_is_refused(sandbox: Sandbox, client: AsyncWebClient, metadata: Any) -> None:
    call = client.chat_postMessage(channel=sandbox.channels["general"], text="hi", metadata=metadata)
    assert await error(call) == "invalid_metadata_format"


async def test_edit_keeps_metadata_unless_it_is_given(sandbox: Sandbox, client: AsyncWebClient) -> None:
    metadata = {"event_type": "reply", "event_payload": {"job": "1"}}
    ts, channel = await post(client, sandbox, metadata=metadata), sandbox.channels["general"]
    message = sandbox.slack.thread(channel, ts)[0]
    await client.chat_update(channel=channel, ts=ts, text="one")
    assert message.metadata == metadata
    other = {"event_type": "reply", "event_payload": {"job": "2"}}
    await client.api_call("chat.update", json={"channel": channel, "ts": ts, "metadata": other})
    assert (message.text, message.metadata) == ("one", other)
    await client.chat_update(channel=channel, ts=ts, text="two", metadata={})
    assert message.metadata is None


async def test_metadata_has_a_size(sandbox: Sandbox, client: AsyncWebClient) -> None:
    metadata = {"event_type": "x", "event_payload": {"text": "a" * 16_000}}
    call = client.chat_postMessage(channel=sandbox.channels["general"], text="hi", metadata=metadata)
    assert await error(call) == "metadata_too_large"


async def test_edit_with_text_alone_drops_blocks_and_shows_edited(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts = await post(client, sandbox, blocks=[MARKDOWN])
    channel = sandbox.channels["general"]
    message = sandbox.slack.thread("general", ts)[0]
    await client.chat_update(channel=channel, ts=ts, text="with blocks", blocks=[MARKDOWN])
    assert message.blocks
    assert message.edited is None
    await client.chat_update(channel=channel, ts=ts, text="without")
    assert (message.text, message.blocks) == ("without", [])
    assert message.edited


async def test_edit_text_may_have_four_thousand_bytes_once_escaped(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    for fits in ("a" * 4000, "é" * 2000, "&" * 800, "&amp;" * 800):
        await client.chat_update(channel=channel, ts=ts, text=fits)
    for too_long in ("a" * 4001, "é" * 2001, "&" * 801, "<" * 1001):
        assert await error(client.chat_update(channel=channel, ts=ts, text=too_long)) == "msg_too_long"


async def test_markdown_text_may_have_twelve_thousand_characters(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    await client.chat_update(channel=channel, ts=ts, markdown_text="é" * 12_000)
    assert await error(client.chat_update(channel=channel, ts=ts, markdown_text="a" * 12_001)) == "msg_too_long"


async def test_edit_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    theirs = await sandbox.slack.say("ada", "general", "mine")
    ts = await post(client, sandbox)
    assert await error(client.chat_update(channel=channel, ts="1.000001", text="x")) == "message_not_found"
    assert await error(client.chat_update(channel="#general", ts=ts, text="x")) == "channel_not_found"
    assert await error(client.chat_update(channel=channel, ts=theirs, text="x")) == "cant_update_message"
    assert await error(client.api_call("chat.update", json={"channel": channel, "ts": ts})) == "no_text"
    await sandbox.slack.archive("general")
    assert await error(client.chat_update(channel=channel, ts=ts, text="x")) == "is_inactive"


async def test_edit_window_closes(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.slack.workspace.edit_window = 60
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    sandbox.clock.advance(50)
    await client.chat_update(channel=channel, ts=ts, text="in time")
    sandbox.clock.advance(11)
    assert await error(client.chat_update(channel=channel, ts=ts, text="late")) == "edit_window_closed"


async def test_rich_text_is_not_replaced_by_other_blocks(sandbox: Sandbox, client: AsyncWebClient) -> None:
    rich = {"type": "rich_text", "elements": []}
    ts = await post(client, sandbox, blocks=[rich])
    call = client.chat_update(channel=sandbox.channels["general"], ts=ts, text="x", blocks=[MARKDOWN])
    assert await error(call) == "block_mismatch"


async def test_deleted_message_is_gone_and_a_deleted_parent_leaves_a_tombstone(
    sandbox: Sandbox, client: AsyncWebClient
) -> None:
    channel = sandbox.channels["general"]
    root = await post(client, sandbox)
    reply = await post(client, sandbox, thread_ts=root)
    await client.chat_delete(channel=channel, ts=root)
    assert [m.subtype for m in sandbox.slack.thread("general", root)] == ["tombstone", None]
    await client.chat_delete(channel=channel, ts=reply)
    assert len(sandbox.slack.thread("general", root)) == 1
    assert await error(client.chat_update(channel=channel, ts=reply, text="x")) == "message_not_found"
    assert await error(client.chat_delete(channel=channel, ts=reply)) == "message_not_found"
    theirs = await sandbox.slack.say("ada", "general", "mine")
    assert await error(client.chat_delete(channel=channel, ts=theirs)) == "cant_delete_message"


async def test_ephemeral_is_for_one_member(sandbox: Sandbox, client: AsyncWebClient) -> None:
    channel = sandbox.channels["general"]
    answer = await client.chat_postEphemeral(channel=channel, user=sandbox.users["ada"], text="psst")
    [(user, message)] = sandbox.slack.workspace.ephemerals
    assert (user, message.ts, message.text) == (sandbox.users["ada"], answer["message_ts"], "psst")
    outsider = client.chat_postEphemeral(channel=channel, user=sandbox.users["gwen"], text="psst")
    assert await error(outsider) == "user_not_in_channel"


async def test_permalink_names_channel_and_message(sandbox: Sandbox, client: AsyncWebClient) -> None:
    ts, channel = await post(client, sandbox), sandbox.channels["general"]
    answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
    assert answer["permalink"].endswith(f"/archives/{channel}/p{ts.replace('.', '')}")
    assert await error(client.chat_getPermalink(channel=channel, message_ts="1.000001")) == "message_not_found"


ATTACHED = [
    ([{"color": "#439FE0", "blocks": [{"type": "divider"}]}], None),
    ([{"text": "an old attachment", "footer": "a footer"}], None),
    ({"text": "no list"}, "invalid_attachments"),
    (["no object"], "invalid_attachments"),
    ([{"text": "x"}] * 101, "too_many_attachments"),
    ([{"blocks": [{"type": "marquee"}]}], "invalid_blocks"),
]


@pytest.mark.parametrize(("attachments", "refused"), ATTACHED)
async def test_attachments_are_checked_with_the_blocks_in_them(
    sandbox: Sandbox, client: AsyncWebClient, attachments: Any, refused: str | None
) -> None:
    channel = sandbox.channels["general"]
    call = client.api_call("chat.postMessage", json={"channel": channel, "text": "hi", "attachments": attachments})
    if refused:
        assert await error(call) == refused
    else:
        [shown] = (await call)["message"]["attachments"]
        assert shown.items() >= {key: value for key, value in attachments[0].items() if key != "blocks"}.items()


async def test_refusal_of_attached_blocks_says_where_they_are(sandbox: Sandbox, client: AsyncWebClient) -> None:
    attachments: list[dict[str, Any]] = [
        {"text": "a"},
        {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": ""}}]},
    ]
    call = client.chat_postMessage(channel=sandbox.channels["general"], text="hi", attachments=attachments)
    where = "json-pointer:/attachments/1/blocks/0/text/text"
    assert await problems(call) == [f"[ERROR] must be more than 0 characters [{where}]"]

"""Native streaming: growing, stopping, dying after five minutes, being stopped."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post


async def start(client: AsyncWebClient, sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """The channel and ts of a stream that answers Ada in #general."""
    question = await sandbox.slack.say("ada", "general", "@parley hi")
    recipient = {"recipient_user_id": sandbox.users["ada"], "recipient_team_id": sandbox.team}
    answer = await client.chat_startStream(
        channel=sandbox.channels["general"], thread_ts=question, **{**recipient, **more}
    )
    return {"channel": str(answer["channel"]), "ts": str(answer["ts"])}


async def test_stream_grows_and_ends_with_blocks(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox, markdown_text="**Hel")
    await client.chat_appendStream(**stream, markdown_text="lo**")
    await client.chat_stopStream(**stream, markdown_text="!", blocks=[{"type": "divider"}])
    message = sandbox.slack.thread(stream["channel"], stream["ts"])[0]
    assert message.text == "**Hello**!"
    assert [block["type"] for block in message.blocks] == ["markdown", "divider"]
    assert message.stream == "stopped"
    await client.chat_update(**stream, text="corrected")
    assert message.text == "corrected"


async def test_the_sdk_helper_streams(sandbox: Sandbox, client: AsyncWebClient) -> None:
    question = await sandbox.slack.say("ada", "dm", "hi")
    stream = await client.chat_stream(channel=sandbox.channels["@ada"], thread_ts=question, buffer_size=4)
    await stream.append(markdown_text="Hello ")
    await stream.append(markdown_text="there")
    await stream.stop()
    assert sandbox.slack.thread("@ada", question)[1].text == "Hello there"


async def test_task_chunks_replace_status_and_grow_details(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox)
    task = {"type": "task_update", "id": "1", "title": "Reading", "status": "in_progress", "details": "one"}
    await client.chat_appendStream(**stream, chunks=[task])
    await client.chat_appendStream(**stream, chunks=[{**task, "status": "complete", "details": " two"}])
    [shown] = sandbox.slack.workspace.find(stream["channel"], stream["ts"]).chunks  # type: ignore[union-attr]
    assert (shown["status"], shown["details"]) == ("complete", "one two")


async def test_recipient_is_needed_in_channels(sandbox: Sandbox, client: AsyncWebClient) -> None:
    assert await error(start(client, sandbox, recipient_team_id=None)) == "missing_recipient_team_id"
    assert await error(start(client, sandbox, recipient_user_id=None)) == "missing_recipient_user_id"


async def test_stream_dies_after_five_minutes_whatever_is_appended(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox, markdown_text="Hello")
    sandbox.clock.advance(290)
    await client.chat_appendStream(**stream, markdown_text=" there")
    sandbox.clock.advance(11)
    late = client.chat_appendStream(**stream, markdown_text="!")
    assert await error(late) == "message_not_in_streaming_state"
    assert await error(client.chat_stopStream(**stream)) == "message_not_in_streaming_state"
    await client.chat_update(**stream, text="Hello there!")


async def test_update_of_an_open_stream_conflicts(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox)
    assert await error(client.chat_update(**stream, text="x")) == "streaming_state_conflict"
    assert await error(client.chat_delete(**stream)) == "streaming_state_conflict"


async def test_stop_button_ends_the_stream_and_tells_the_app(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox)
    message = sandbox.slack.workspace.find(stream["channel"], stream["ts"])
    assert message
    thread = {"channel_id": stream["channel"], "thread_ts": message.root}
    with pytest.raises(LookupError):
        await sandbox.slack.press_stop("ada", "general", message.root)
    await client.agents_sessions_setStatus(**thread, status="processing")
    await sandbox.slack.press_stop("ada", "general", message.root)
    told = await sandbox.journal.until(lambda entry: entry.name == "agent_session_stopped")
    assert told.data["thread_ts"] == message.root
    assert await error(client.chat_appendStream(**stream, markdown_text="!")) == "stopped_by_user"


async def test_stream_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    stream = await start(client, sandbox)
    channel = sandbox.channels["general"]
    plain = await post(client, sandbox)
    theirs = await sandbox.slack.say("ada", "general", "mine")
    for ts, expected in ((plain, "message_not_in_streaming_state"), (theirs, "message_not_owned_by_app")):
        assert await error(client.chat_appendStream(channel=channel, ts=ts, markdown_text="x")) == expected
    assert await error(client.chat_appendStream(**stream, chunks=[{"type": "video"}])) == "invalid_chunks"
    assert await error(client.chat_appendStream(**stream)) == "no_text"
    await client.chat_appendStream(**stream, markdown_text="a" * 12_000)
    assert await error(client.chat_appendStream(**stream, markdown_text="a" * 12_001)) == "msg_too_long"
    assert await error(client.chat_stopStream(**stream, session_status="asleep")) == "invalid_status"


TASK = {"type": "task_update", "id": "1", "title": "Reading", "status": "complete"}
SOURCE = {"type": "url", "url": "https://a.example", "text": "A"}


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "markdown_text"},
        {"type": "markdown_text", "text": "a", "blocks": []},
        {"type": "plan_update", "title": 1},
        {**TASK, "status": "done"},
        {**TASK, "details": ["a"]},
        {**TASK, "sources": [{**SOURCE, "type": "file"}]},
        {**TASK, "sources": [{"type": "url", "url": "https://a.example"}]},
        {**TASK, "id": None},
    ],
)
async def test_chunks_that_differ_from_what_slack_publishes_are_refused(
    sandbox: Sandbox, client: AsyncWebClient, chunk: dict[str, Any]
) -> None:
    stream = await start(client, sandbox, chunks=[{**TASK, "sources": [SOURCE]}])
    assert await error(client.chat_appendStream(**stream, chunks=[chunk])) == "invalid_chunks"

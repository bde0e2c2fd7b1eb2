"""Statuses, titles, prompts and agent sessions."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error


async def thread(sandbox: Sandbox, channel: str = "general") -> dict[str, Any]:
    ts = await sandbox.slack.say("ada", "dm" if channel == "@ada" else channel, "@parley hi")
    return {"channel_id": sandbox.channels[channel], "thread_ts": ts}


async def test_status_clears_after_two_minutes(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox)
    await client.assistant_threads_setStatus(**where, status="is thinking…", loading_messages=["Reading"])
    [status] = sandbox.slack.workspace.statuses.values()
    assert (status.text, status.loading_messages) == ("is thinking…", ["Reading"])
    sandbox.clock.advance(110)
    await client.assistant_threads_setStatus(**where, status="is still thinking…")
    sandbox.clock.advance(110)
    await client.auth_test()
    assert sandbox.slack.workspace.statuses
    sandbox.clock.advance(11)
    await sandbox.slack.until(lambda: not sandbox.slack.workspace.statuses)


async def test_status_clears_when_the_app_posts_or_says_so(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox)
    await client.assistant_threads_setStatus(**where, status="is thinking…")
    await client.chat_postMessage(channel=where["channel_id"], thread_ts=where["thread_ts"], text="Done")
    assert not sandbox.slack.workspace.statuses
    await client.assistant_threads_setStatus(**where, status="is thinking…")
    await client.assistant_threads_setStatus(**where, status="")
    assert not sandbox.slack.workspace.statuses


async def test_status_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox)
    set_status = client.assistant_threads_setStatus
    await set_status(**where, status="x", loading_messages=["a" * 50] * 10)
    assert await error(set_status(**where, status="x", loading_messages=["a"] * 11)) == "invalid_arguments"
    assert await error(set_status(**where, status="x", loading_messages=["a" * 51])) == "invalid_arguments"
    assert await error(set_status(**{**where, "thread_ts": "1.0"}, status="x")) == "invalid_thread_ts"
    assert await error(set_status(**{**where, "channel_id": "C0000000000"}, status="x")) == "channel_not_found"


async def test_title_and_prompts_are_kept(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox, "@ada")
    await client.assistant_threads_setTitle(**where, title="Greetings")
    assert list(sandbox.slack.workspace.titles.values()) == ["Greetings"]
    prompts = [{"title": "Hi", "message": "Say hi"}] * 4
    channel = where["channel_id"]
    await client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=prompts)
    assert sandbox.slack.workspace.prompts[channel, ""]["prompts"] == prompts
    five = client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=[*prompts, prompts[0]])
    assert await error(five) == "invalid_arguments"
    empty = client.assistant_threads_setSuggestedPrompts(channel_id=channel, prompts=[{"title": "Hi"}])
    assert await error(empty) == "invalid_arguments"


async def test_session_has_a_status_and_a_title(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox)
    answer = await client.agents_sessions_setStatus(**where, status="processing", title="t" * 200)
    assert "warning" not in answer.data
    assert (answer["status"], answer["title"]) == ("processing", "t" * 200)
    await client.agents_sessions_setStatus(**where, status="active")
    await client.agents_sessions_rename(**where, title="Greetings")
    [session] = sandbox.slack.workspace.sessions.values()
    assert (session.status, session.title) == ("active", "Greetings")


async def test_session_errors(sandbox: Sandbox, client: AsyncWebClient) -> None:
    where = await thread(sandbox)
    set_status = client.agents_sessions_setStatus
    assert await error(set_status(**where, status="asleep")) == "invalid_status"
    assert await error(set_status(channel_id=where["channel_id"], status="active")) == "thread_ts_required"
    assert await error(set_status(**where, status="active", title="t" * 201)) == "invalid_arguments"
    unknown = set_status(**where, status="active", initiator_user_id="U0000000000")
    assert await error(unknown) == "user_not_found"
    outsider = set_status(**where, status="active", initiator_user_id=sandbox.users["gwen"])
    assert await error(outsider) == "user_not_found"
    assert await error(client.agents_sessions_rename(**where, title="Greetings")) == "session_not_found"
    await sandbox.slack.remove("parley", "general")
    assert await error(set_status(**where, status="active")) == "not_authorized"


async def test_session_without_the_stop_event_has_no_stop_button(sandbox: Sandbox, client: AsyncWebClient) -> None:
    sandbox.slack.app.subscribed.discard("agent_session_stopped")
    answer = await client.agents_sessions_setStatus(**await thread(sandbox), status="processing")
    assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
    [session] = sandbox.slack.workspace.sessions.values()
    assert not session.stoppable

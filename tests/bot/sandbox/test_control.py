"""The feed and the control endpoints that the page and other programs use."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from tests.bot.sandbox.calls import error, post


class Control:
    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self._sandbox, self._session = sandbox, session

    async def post(self, action: str, **given: Any) -> tuple[int, dict[str, Any]]:
        async with self._session.post(self._sandbox.control_url + action, json=given) as response:
            return response.status, await response.json()

    async def get(self, name: str, **query: str) -> dict[str, Any]:
        async with self._session.get(self._sandbox.control_url + name, params=query) as response:
            found: dict[str, Any] = await response.json()
            return found

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any]]]]:
        async with self._session.get(self._sandbox.page_url + "feed") as response:

            async def events() -> AsyncIterator[tuple[str, dict[str, Any]]]:
                while block := await response.content.readuntil(b"\n\n"):
                    fields = dict(line.split(": ", 1) for line in block.decode().strip().splitlines())
                    yield fields["event"], json.loads(fields["data"])

            yield events()


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession() as session:
        yield Control(sandbox, session)


async def next_of(events: AsyncIterator[tuple[str, dict[str, Any]]], kind: str) -> dict[str, Any]:
    async for name, data in events:
        if name == kind:
            return data
    raise AssertionError(f"the feed ended before {kind}")


async def test_feed_begins_with_everything_and_goes_on_with_changes(
    sandbox: Sandbox, control: Control, client: AsyncWebClient
) -> None:
    ts = await post(client, sandbox)
    channel = sandbox.channels["general"]
    async with control.feed() as events:
        snapshot = await next_of(events, "snapshot")
        assert {user["name"] for user in snapshot["users"]} == set(sandbox.users)
        assert {entry["id"] for entry in snapshot["channels"]} == set(sandbox.channels.values())
        assert [message["text"] for message in snapshot["messages"]] == ["Hello"]
        await client.chat_update(channel=channel, ts=ts, text="Hello there")
        assert (await next_of(events, "usage"))["method"] == "chat.update"
        assert (await next_of(events, "message"))["text"] == "Hello there"
        await client.assistant_threads_setStatus(channel_id=channel, thread_ts=ts, status="is thinking…")
        assert (await next_of(events, "status"))["status"] == "is thinking…"
        await client.agents_sessions_setStatus(channel_id=channel, thread_ts=ts, status="processing")
        assert (await next_of(events, "session"))["stoppable"] is True
        await client.chat_postEphemeral(channel=channel, user=sandbox.users["ada"], text="psst")
        assert (await next_of(events, "ephemeral"))["only_for"] == sandbox.users["ada"]
        await client.views_publish(user_id=sandbox.users["ada"], view={"type": "home", "blocks": [{"type": "divider"}]})
        assert (await next_of(events, "home"))["user"] == sandbox.users["ada"]
        await client.chat_delete(channel=channel, ts=ts)
        assert (await next_of(events, "deleted"))["ts"] == ts


async def test_state_is_the_snapshot(sandbox: Sandbox, control: Control) -> None:
    state = await control.get("state")
    usage = {entry["method"]: entry["limit"] for entry in state["usage"]}
    assert usage["chat.update"] == 50
    assert state["team"]["id"] == sandbox.team


async def test_programs_can_speak_edit_react_and_delete(sandbox: Sandbox, control: Control) -> None:
    _, said = await control.post("say", user="ada", channel="general", text="hi @ben")
    where = {"channel": "general", "ts": said["ts"]}
    message = sandbox.slack.thread("general", said["ts"])[0]
    assert message.text == f"hi <@{sandbox.users['ben']}>"
    await control.post("edit", user="ada", text="hello", **where)
    assert message.text == "hello"
    await control.post("react", user="ben", name="wave", **where)
    assert "wave" in message.reactions
    await control.post("delete", user="ada", **where)
    assert not sandbox.slack.thread("general", said["ts"])


async def test_programs_can_upload_command_and_click(sandbox: Sandbox, control: Control, app: AsyncApp) -> None:
    @app.command("/ai-usage")
    async def usage(ack: Any) -> None:
        button = {"type": "button", "action_id": "more", "text": {"type": "plain_text", "text": "More"}}
        await ack(text="Usage", blocks=[{"type": "actions", "elements": [button]}])

    @app.action("more")
    async def more(ack: Any) -> None:
        await ack()

    file = {"name": "a.txt", "content": base64.b64encode(b"hello").decode()}
    _, shared = await control.post("upload", user="ada", channel="dm", files=[file])
    assert sandbox.slack.thread("@ada", shared["ts"])[0].files[0].content == b"hello"
    status, answer = await control.post("command", user="ada", channel="dm", command="/ai-usage")
    assert (status, answer["answer"]["text"]) == (200, "Usage")
    [(_, message)] = sandbox.slack.workspace.ephemerals
    status, _ = await control.post("click", user="ada", channel="dm", ts=message.ts, action_id="more")
    assert status == 200


async def test_wrong_requests_are_told_what_is_wrong(sandbox: Sandbox, control: Control) -> None:
    assert (await control.post("dance"))[0] == 404
    assert await control.post("say", user="ada", channel="general") == (400, {"ok": False, "error": "missing 'text'"})
    status, answer = await control.post("say", user="zoe", channel="general", text="hi")
    assert (status, answer["error"]) == (400, "no such person: zoe")
    status, answer = await control.post("say", user="gwen", channel="general", text="hi")
    assert (status, answer["error"]) == (400, "gwen is not in general")
    sandbox.clock.speed = 100
    status, answer = await control.post("command", user="ada", channel="general", command="/ai-usage")
    assert (status, answer["ok"]) == (504, False)


async def test_control_takes_only_json_from_its_own_origin(sandbox: Sandbox) -> None:
    url = sandbox.control_url + "uninstall"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data="{}", headers={"Content-Type": "text/plain"}) as response:
            assert response.status == 415
        async with session.post(url, json={}, headers={"Origin": "http://localhost:1"}) as response:
            assert response.status == 403
    assert sandbox.slack.workspace.installed


async def test_clock_faults_and_limits_are_in_reach(sandbox: Sandbox, control: Control) -> None:
    before = sandbox.clock.time()
    _, moved = await control.post("clock", advance=600)
    assert moved["time"] >= before + 600
    await control.post("faults", route="chat.update", kind="delay", probability=0.5, params={"seconds": 2})
    [plan] = (await control.get("state"))["faults"]["plans"]
    assert (plan["route"], plan["kind"], plan["params"], plan["probability"]) == (
        "chat.update",
        "delay",
        {"seconds": 2},
        0.5,
    )
    await control.post("faults/clear")
    assert not sandbox.faults.plans()
    await control.post("limit", method="chat.update", per_minute=5)
    assert sandbox.slack.limits.used("chat.update") == (0, 5)


async def test_faults_can_be_scripted_and_rights_changed(
    sandbox: Sandbox, control: Control, client: AsyncWebClient
) -> None:
    await control.post("faults/script", route="auth.test", faults=[None, {"kind": "error", "params": {"error": "no"}}])
    assert (await client.auth_test())["ok"]
    assert await error(client.auth_test()) == "no"
    assert (await client.auth_test())["ok"]
    await control.post("admin", user="ben", admin=True)
    assert (await client.users_info(user=sandbox.users["ben"]))["user"]["is_admin"]
    await control.post("archive", channel="random")
    assert await error(client.chat_postMessage(channel="random", text="hi")) == "is_archived"


async def test_everything_a_person_does_is_in_reach(sandbox: Sandbox, control: Control, client: AsyncWebClient) -> None:
    thread = {"channel": "general", "thread_ts": await sandbox.slack.say("ada", "general", "@parley hi")}
    channel_id = sandbox.channels["general"]
    await client.agents_sessions_setStatus(channel_id=channel_id, thread_ts=thread["thread_ts"], status="processing")
    acts: dict[str, dict[str, Any]] = {
        "stop": {"user": "ada", **thread},
        "home": {"user": "ben"},
        "invite": {"user": "gwen", "channel": "random"},
        "remove": {"user": "gwen", "channel": "random"},
        "deliver": {"event": {"type": "app_context_changed"}},
        "reconnect": {},
        "uninstall": {},
        "install": {},
    }
    for action, given in acts.items():
        status, answer = await control.post(action, **given)
        assert (status, answer["ok"]) == (200, True), action
    delivered = {entry.name for entry in sandbox.journal.entries("slack.delivery")}
    assert {"agent_session_stopped", "app_home_opened", "app_context_changed", "app_uninstalled"} <= delivered


async def test_journal_can_be_read(sandbox: Sandbox, control: Control, client: AsyncWebClient) -> None:
    await client.auth_test()
    [entry] = (await control.get("journal", kind="slack.request"))["entries"]
    assert entry["name"] == "auth.test"
    assert not (await control.get("journal", kind="slack.request", after=str(entry["monotonic"])))["entries"]


async def test_page_is_served_with_a_strict_policy(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.slack.control.page = tmp_path / "page"
    sandbox.slack.control.page.mkdir()
    (sandbox.slack.control.page / "index.html").write_text("<!DOCTYPE html>")
    (sandbox.slack.control.page / "app.js").write_text("export {}")
    (tmp_path / "control.py").write_text("secret")
    async with aiohttp.ClientSession() as session:
        for path, kind in (("", "text/html"), ("app.js", "text/javascript")):
            async with session.get(sandbox.page_url + path) as response:
                assert (response.status, response.content_type) == (200, kind)
                assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        for path in ("../control.py", "..%2fcontrol.py", "control.py", "nothing.html"):
            async with session.get(sandbox.page_url + path) as response:
                assert response.status == 404

"""Events reach a real Bolt app over Socket Mode and signed HTTP, again and again until they are acknowledged."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox


@asynccontextmanager
async def socket_client(sandbox: Sandbox, requests: list[SocketModeRequest], *, ack: bool = True) -> AsyncIterator[Any]:
    client = SocketModeClient(
        sandbox.app_token, web_client=AsyncWebClient(sandbox.app_token, base_url=sandbox.slack_url)
    )

    async def listen(client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        requests.append(request)
        if ack:
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))

    client.socket_mode_request_listeners.append(listen)
    await client.connect()
    try:
        yield client
    finally:
        await client.close()


async def unanswered(sandbox: Sandbox, attempt: int) -> None:
    """Wait until the app has failed to acknowledge an event for that time; from there Slack's next pause runs."""
    await sandbox.journal.until(lambda e: e.kind == "slack.unanswered" and e.data["attempt"] == attempt)


async def everybody_acts() -> None:
    """Let all run that the clock has woken."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def http_app(handle: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


async def test_mention_reaches_a_bolt_app_over_a_socket_and_its_reply_comes_back(sandbox: Sandbox) -> None:
    app = AsyncApp(client=AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url))

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: Any) -> None:
        await say(text="Hello", thread_ts=event["ts"])

    @app.event("message")
    async def message() -> None: ...

    handler = AsyncSocketModeHandler(app, sandbox.app_token)
    await handler.connect_async()
    try:
        ts = await sandbox.slack.say("ada", "general", "@parley what is a < b?")
        await sandbox.slack.until(lambda: len(sandbox.slack.thread("general", ts)) == 2)
    finally:
        await handler.close_async()
    question, answer = sandbox.slack.thread("general", ts)
    assert question.text == f"<@{sandbox.bot_user}> what is a &lt; b?"
    assert (answer.text, answer.user) == ("Hello", sandbox.bot_user)


async def test_mention_arrives_as_message_and_as_app_mention_with_different_event_ids(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        ts = await sandbox.slack.say("ben", "general", "@parley hi")
        await sandbox.slack.until(lambda: len(sandbox.journal.entries("slack.ack")) == 2)
    payloads = [request.payload for request in requests]
    assert sorted(p["event"]["type"] for p in payloads) == ["app_mention", "message"]
    assert {p["event"]["ts"] for p in payloads} == {ts}
    assert len({p["event_id"] for p in payloads}) == 2


async def test_mention_in_a_dm_arrives_once(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.say("ben", "dm", "@parley hi")
        await sandbox.slack.until(lambda: sandbox.journal.entries("slack.ack"))
    assert [r.payload["event"]["channel_type"] for r in requests] == ["im"]


async def test_unacknowledged_event_comes_again_at_once_then_after_one_and_five_minutes() -> None:
    async with Sandbox(with_claude=False, speed=0) as sandbox:
        requests: list[SocketModeRequest] = []
        async with socket_client(sandbox, requests, ack=False):
            await sandbox.slack.say("ben", "dm", "hi")
            async with asyncio.timeout(10):
                while not sandbox.journal.entries("slack.lost"):
                    # Time passes for Slack while the app is idle, not while an event is on its way.
                    if len(requests) == len(sandbox.journal.entries("slack.delivery")):
                        sandbox.clock.advance(0.5)
                        await everybody_acts()
                    else:
                        await asyncio.sleep(0.005)
    attempts = sandbox.journal.entries("slack.delivery")
    assert [entry.data["attempt"] for entry in attempts] == [0, 1, 2, 3]
    assert [b.at - a.at for a, b in itertools.pairwise(attempts)] == pytest.approx([3, 63, 303], abs=1)
    assert [r.retry_attempt for r in requests] == [0, 1, 2, 3]
    assert [r.retry_reason for r in requests][1:] == ["timeout"] * 3
    assert len({r.payload["event_id"] for r in requests}) == 1
    assert len({r.envelope_id for r in requests}) == 4


async def test_event_from_before_the_socket_opened_is_kept(sandbox: Sandbox) -> None:
    await sandbox.slack.say("ben", "dm", "hi")
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.until(lambda: sandbox.journal.entries("slack.ack"))
    assert len(requests) == 1


async def test_each_envelope_goes_to_one_connection(sandbox: Sandbox) -> None:
    first: list[SocketModeRequest] = []
    second: list[SocketModeRequest] = []
    async with socket_client(sandbox, first), socket_client(sandbox, second):
        for number in range(20):
            await sandbox.slack.say("ben", "dm", f"hi {number}")
        await sandbox.slack.until(lambda: len(sandbox.journal.entries("slack.ack")) == 20)
    assert len(first) + len(second) == 20
    assert first
    assert second


async def test_refreshed_connection_comes_back(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.sockets.disconnect()
        await sandbox.slack.until(lambda: len(sandbox.slack.sockets) == 1)
        await sandbox.slack.say("ben", "dm", "still there?")
        await sandbox.slack.until(lambda: sandbox.journal.entries("slack.ack"))


async def test_signed_http_event_reaches_a_bolt_app() -> None:
    async with Sandbox(with_claude=False, transport="http") as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        app = AsyncApp(client=client, signing_secret=sandbox.signing_secret)
        seen = asyncio.Event()

        @app.event("message")
        async def message() -> None:
            seen.set()

        async def handle(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        async with http_app(handle) as url:
            sandbox.events_url = url
            await sandbox.slack.say("ada", "dm", "hi")
            async with asyncio.timeout(5):
                await seen.wait()


async def test_refused_http_event_comes_again_with_retry_headers() -> None:
    async with Sandbox(with_claude=False, transport="http", speed=0) as sandbox:
        seen: list[tuple[str | None, str | None]] = []

        async def handle(request: web.Request) -> web.Response:
            body = await request.text()
            verifier = SignatureVerifier(sandbox.signing_secret)
            expected = verifier.generate_signature(timestamp=request.headers["X-Slack-Request-Timestamp"], body=body)
            assert request.headers["X-Slack-Signature"] == expected
            seen.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
            return web.Response(status=200 if len(seen) == 3 else 503)

        async with http_app(handle) as url:
            sandbox.events_url = url
            await sandbox.slack.say("ada", "dm", "hi")
            await unanswered(sandbox, 1)
            sandbox.clock.advance(60)
            await sandbox.slack.until(lambda: sandbox.journal.entries("slack.ack"))
        assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]


async def test_no_retry_header_ends_redelivery() -> None:
    async with Sandbox(with_claude=False, transport="http", speed=0) as sandbox:

        async def handle(request: web.Request) -> web.Response:
            return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

        async with http_app(handle) as url:
            sandbox.events_url = url
            await sandbox.slack.say("ada", "dm", "hi")
            await sandbox.journal.until(lambda entry: entry.kind == "slack.lost")
        assert len(sandbox.journal.entries("slack.delivery")) == 1


async def events_of(sandbox: Sandbox, requests: list[SocketModeRequest], count: int) -> list[dict[str, Any]]:
    """The first `count` events that reach a connected app."""
    await sandbox.slack.until(lambda: len(requests) >= count)
    return [request.payload["event"] for request in requests]


async def test_edits_and_deletions_are_told(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        ts = await sandbox.slack.say("ada", "general", "one")
        await sandbox.slack.edit("ada", "general", ts, "two")
        await sandbox.slack.delete("ada", "general", ts)
        posted, changed, deleted = await events_of(sandbox, requests, 3)
    assert posted["text"] == "one"
    assert changed["subtype"] == "message_changed"
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("one", "two")
    assert changed["message"]["ts"] == ts != changed["ts"]
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_the_apps_own_edits_come_back(sandbox: Sandbox, client: AsyncWebClient) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        channel = sandbox.channels["general"]
        ts = (await client.chat_postMessage(channel=channel, text="one"))["ts"]
        await client.chat_update(channel=channel, ts=ts, text="two")
        posted, changed = await events_of(sandbox, requests, 2)
    assert posted["bot_id"] == changed["message"]["bot_id"]
    assert changed["subtype"] == "message_changed"


async def test_uploads_arrive_as_file_share_and_mention(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.upload("ada", "general", [("a.txt", b"hello")], text="@parley read this")
        events = {event["type"]: event for event in await events_of(sandbox, requests, 2)}
    assert events["message"]["subtype"] == "file_share"
    assert "subtype" not in events["app_mention"]
    assert events["app_mention"]["files"][0]["size"] == 5


async def test_someone_from_another_company_is_marked(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.say("gwen", "engineering", "hi")
        [event] = await events_of(sandbox, requests, 1)
    assert event["user_team"] == event["team"] != sandbox.team
    payload = requests[0].payload
    assert payload["is_ext_shared_channel"] is True
    assert payload["team_id"] == payload["authorizations"][0]["team_id"] == sandbox.team


async def test_channels_without_the_app_and_events_not_subscribed_are_silent(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.remove("parley", "leads")
        await sandbox.slack.say("ada", "leads", "@parley hi")
        sandbox.slack.app.subscribed.discard("message.channels")
        await sandbox.slack.say("ada", "general", "hi")
        await sandbox.slack.say("ada", "dm", "hi")
        [event] = await events_of(sandbox, requests, 1)
    assert event["channel_type"] == "im"


async def test_any_event_body_can_be_delivered(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    async with socket_client(sandbox, requests):
        await sandbox.slack.deliver({"type": "message", "channel": 7}, event_id="Ev1", team_id=None)
        [event] = await events_of(sandbox, requests, 1)
    assert event == {"type": "message", "channel": 7}
    assert (requests[0].payload["event_id"], requests[0].payload["team_id"]) == ("Ev1", None)


async def test_events_can_come_twice_and_out_of_order(sandbox: Sandbox) -> None:
    requests: list[SocketModeRequest] = []
    sandbox.faults.add("event:duplicate", "twice", times=1)
    sandbox.faults.add("event", "delay", seconds=0.5, times=2)
    async with socket_client(sandbox, requests):
        await sandbox.slack.say("ada", "dm", "first")
        await sandbox.slack.say("ada", "dm", "second")
        events = await events_of(sandbox, requests, 3)
    assert [event["text"] for event in events] == ["second", "first", "first"]


async def test_eleventh_socket_is_turned_away(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:

        async def connect() -> dict[str, Any]:
            web_client = AsyncWebClient(sandbox.app_token, base_url=sandbox.slack_url)
            url = (await web_client.apps_connections_open(app_token=sandbox.app_token))["url"]
            socket = await stack.enter_async_context(session.ws_connect(url))
            frame: dict[str, Any] = await socket.receive_json()
            return frame

        for number in range(10):
            assert (await connect())["num_connections"] == number + 1
        assert (await connect())["reason"] == "too_many_websockets"


async def test_socket_address_works_once(sandbox: Sandbox) -> None:
    url = sandbox.slack.world.socket_url()
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_old_socket_is_warned_and_then_refreshed(sandbox: Sandbox) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(sandbox.slack.world.socket_url()) as socket,
    ):
        hello = await socket.receive_json()
        sandbox.clock.advance(hello["debug_info"]["approximate_connection_time"] - 5)
        assert (await socket.receive_json())["reason"] == "warning"
        sandbox.clock.advance(10)
        assert (await socket.receive_json())["reason"] == "refresh_requested"


async def test_command_and_click_reach_a_bolt_app_over_signed_http() -> None:
    async with Sandbox(with_claude=False, transport="http") as sandbox:
        client = AsyncWebClient(sandbox.bot_token, base_url=sandbox.slack_url)
        app = AsyncApp(client=client, signing_secret=sandbox.signing_secret)
        button = {"type": "button", "action_id": "more", "text": {"type": "plain_text", "text": "More"}}

        @app.command("/ai-usage")
        async def usage(ack: Any, command: dict[str, Any]) -> None:
            await ack(text=command["text"], blocks=[{"type": "actions", "elements": [button]}])

        clicked = asyncio.Event()

        @app.action("more")
        async def more(ack: Any) -> None:
            await ack()
            clicked.set()

        async def handle(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

        async with http_app(handle) as url:
            sandbox.events_url = url
            await sandbox.slack.command("ada", "general", "/ai-usage", "7d & more")
            [(_, message)] = sandbox.slack.workspace.ephemerals
            assert message.text == "7d &amp; more"
            await sandbox.slack.click("ada", "more", channel="general", ts=message.ts)
        assert clicked.is_set()

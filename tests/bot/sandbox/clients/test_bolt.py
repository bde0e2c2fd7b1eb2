"""Bolt's synchronous App, the commonest Bolt program, against the sandbox by every way that it has to get events."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond, Say
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.app.app import SlackAppDevelopmentServer
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.world.records import Message

BUTTON = {"type": "button", "action_id": "again", "text": {"type": "plain_text", "text": "Again"}, "value": "42"}


def program(sandbox: Sandbox) -> App:
    """Answers a mention with a button, edits its answer, and answers the click and a command."""
    client = WebClient(sandbox.bot_token, base_url=sandbox.slack_url)
    app = App(client=client, signing_secret=sandbox.signing_secret)

    @app.event("app_mention")
    def mentioned(event: dict[str, Any], say: Say, client: WebClient) -> None:
        answer = say(text="Let me see…", thread_ts=event["ts"])
        blocks = [{"type": "actions", "block_id": "row", "elements": [BUTTON]}]
        client.chat_update(channel=event["channel"], ts=answer["ts"], text="Here you are.", blocks=blocks)

    @app.action("again")
    def clicked(ack: Ack, respond: Respond, action: dict[str, Any]) -> None:
        ack()
        respond(text=f"You clicked {action['value']}.", replace_original=False)

    @app.command("/parley")
    def commanded(ack: Ack, command: dict[str, Any]) -> None:
        ack(f"You typed {command['text']}.")

    return app


async def use(sandbox: Sandbox) -> None:
    """Do what a person does, and see everything that the program says."""
    slack = sandbox.slack
    ts = await slack.say("ada", "general", "@parley hello")

    def answer() -> Message | None:
        replies = [message for message in slack.thread("general", ts) if message.bot_id]
        return replies[0] if replies and replies[0].text == "Here you are." else None

    message = await slack.until(answer, within=30)
    await slack.click("ada", "again", channel="general", ts=message.ts)
    await slack.until(lambda: any(m.text == "You clicked 42." for _, m in slack.workspace.ephemerals), within=30)
    acknowledged = await slack.command("ada", "general", "/parley", "help")
    assert "You typed help." in str(acknowledged)


def builtin(app: App, sandbox: Sandbox) -> Any:
    return SocketModeHandler(app, sandbox.app_token)


def websocket_client(app: App, sandbox: Sandbox) -> Any:
    pytest.importorskip("websocket", reason="the package websocket-client is not installed")
    from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler as WebsocketClientHandler

    return WebsocketClientHandler(app, sandbox.app_token)


@pytest.mark.parametrize("connect", [builtin, websocket_client])
async def test_bolt_by_socket_mode(connect: Callable[[App, Sandbox], Any]) -> None:
    async with Sandbox(with_claude=False) as sandbox:
        app = await asyncio.to_thread(program, sandbox)
        handler = connect(app, sandbox)
        await asyncio.to_thread(handler.connect)
        try:
            await use(sandbox)
        finally:
            await asyncio.to_thread(handler.close)


async def test_bolt_by_its_own_http_server() -> None:
    async with Sandbox(transport="http", with_claude=False) as sandbox:
        app = await asyncio.to_thread(program, sandbox)
        server = SlackAppDevelopmentServer(0, "/slack/events", app, http_server_logger_enabled=False)._server
        sandbox.events_url = f"http://127.0.0.1:{server.server_port}/slack/events"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            await use(sandbox)
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()

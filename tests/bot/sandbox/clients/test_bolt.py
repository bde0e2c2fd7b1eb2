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
from tests.bot.sandbox.clients import person

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
            await person.talks_to(sandbox)
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
            await person.talks_to(sandbox)
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()

"""The usual way: a bot that edits its message once a second and leaves refusals to the SDK's retry handler.

Better than most in two things: it reads Claude while it waits for Slack, and it tries the last edit until it passes.
"""

import asyncio
import os
from typing import Any

import anthropic
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

EDIT_SECONDS = 1.0
# Slack takes 12,000 characters: https://docs.slack.dev/reference/methods/chat.update
MESSAGE_LENGTH = 11_000


class Reply:
    """One answer in the messages of a thread."""

    def __init__(self, slack: AsyncWebClient, channel: str, thread_ts: str) -> None:
        self._slack, self._channel, self._thread_ts = slack, channel, thread_ts
        self._messages: list[str] = []
        self._shown: list[str] = []

    async def show(self, text: str) -> None:
        """Raises SlackApiError where the SDK has given up."""
        parts = [text[at : at + MESSAGE_LENGTH] for at in range(0, len(text), MESSAGE_LENGTH)]
        for number, part in enumerate(parts):
            if number == len(self._messages):
                posted = await self._slack.chat_postMessage(
                    channel=self._channel, thread_ts=self._thread_ts, markdown_text=part
                )
                self._messages.append(str(posted["ts"]))
                self._shown.append(part)
            elif part != self._shown[number]:
                await self._slack.chat_update(channel=self._channel, ts=self._messages[number], markdown_text=part)
                self._shown[number] = part


async def answer(claude: anthropic.AsyncAnthropic, reply: Reply, question: str) -> None:
    text, reading = "", True

    async def read() -> None:
        nonlocal text, reading
        async with claude.messages.stream(
            model="claude-sonnet-5-5", max_tokens=16_000, messages=[{"role": "user", "content": question}]
        ) as stream:
            async for piece in stream.text_stream:
                text += piece
        reading = False

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        while reading:
            await asyncio.sleep(EDIT_SECONDS)
            await _tried(reply, text)
    while not await _tried(reply, text):
        await asyncio.sleep(EDIT_SECONDS)


async def _tried(reply: Reply, text: str) -> bool:
    try:
        await reply.show(text)
    except SlackApiError:
        return False
    return True


async def main() -> None:
    slack = AsyncWebClient(
        os.environ["SLACK_BOT_TOKEN"],
        base_url=os.environ["SLACK_API_URL"],
        retry_handlers=[AsyncConnectionErrorRetryHandler(), AsyncRateLimitErrorRetryHandler()],
    )
    claude = anthropic.AsyncAnthropic(
        api_key=None, auth_token=os.environ["ANTHROPIC_API_KEY"], http_client=anthropic.DefaultAioHttpClient()
    )
    app = AsyncApp(client=slack)
    answering: set[asyncio.Task[None]] = set()

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        reply = Reply(slack, event["channel"], event.get("thread_ts") or event["ts"])
        answering.add(asyncio.create_task(answer(claude, reply, event["text"])))

    @app.event("message")
    async def said() -> None: ...

    handler: AsyncSocketModeHandler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=slack)
    await handler.start_async()


if __name__ == "__main__":
    asyncio.run(main())

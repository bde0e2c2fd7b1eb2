"""What the sandbox tests share: asking for an error by name, and posting as the app."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox


async def error(call: Awaitable[Any]) -> str:
    """The error string Slack answers with."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def problems(call: Awaitable[Any]) -> list[str]:
    """The messages of Slack's answer to an invalid call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    messages: list[str] = refused.value.response["response_metadata"]["messages"]
    return messages


async def post(client: AsyncWebClient, sandbox: Sandbox, text: str = "Hello", **more: Any) -> str:
    """The app posts in #general; the message's ts."""
    answer = await client.chat_postMessage(channel=sandbox.channels["general"], text=text, **more)
    return str(answer["ts"])

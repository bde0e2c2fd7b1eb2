"""Calls to Slack that fail."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.errors import SLACK_TROUBLE


async def failure(call: Awaitable[Any]) -> Exception:
    with pytest.raises(SLACK_TROUBLE) as raised:
        await call
    return raised.value


def post(web: AsyncWebClient, sandbox: Sandbox) -> Awaitable[Any]:
    return web.chat_postMessage(channel=sandbox.channels["general"], text="hello")

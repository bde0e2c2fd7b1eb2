"""Signed HTTP deliveries. https://docs.slack.dev/authentication/verifying-requests-from-slack"""

import asyncio
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.delivery import Parcel, Unanswered
from bot.sandbox.slack.world.state import World


class Postman:
    """Posts to the app's one request URL, `url`, which is set once the app listens."""

    late = "http_timeout"

    def __init__(self, world: World) -> None:
        self.url: str | None = None
        self._world = world
        self._session: aiohttp.ClientSession | None = None

    async def send(self, parcel: Parcel) -> Any:
        if self.url is None:
            raise Unanswered("connection_failed")
        if parcel.kind == "events_api":
            body, content_type = json.dumps(parcel.payload), "application/json"
        else:
            form = parcel.payload if parcel.kind == "slash_commands" else {"payload": json.dumps(parcel.payload)}
            body, content_type = urlencode(form), "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, **self.sign(body)}
        if parcel.attempt:
            headers |= {"X-Slack-Retry-Num": str(parcel.attempt), "X-Slack-Retry-Reason": parcel.reason}
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), headers={"User-Agent": "Slackbot 1.0 (sandbox)"}
            )
        try:
            async with self._session.post(self.url, data=body, headers=headers, allow_redirects=False) as response:
                text = await response.text()
        except (aiohttp.ClientError, ConnectionError):
            raise Unanswered("connection_failed") from None
        if not 200 <= response.status < 300:
            raise Unanswered("http_error", retry=response.headers.get("X-Slack-No-Retry") != "1")
        return _answer(text, response.content_type) if text else None

    def sign(self, body: str) -> dict[str, str]:
        now = str(int(self._world.clock.time()))
        secret = self._world.app.signing_secret.encode()
        digest = hmac.new(secret, f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={digest}"}

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)


def _answer(text: str, content_type: str) -> Any:
    """What the app said in its acknowledgement: JSON, or plain text for the person who asked."""
    if content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return None
    return {"text": text}

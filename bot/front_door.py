"""Slack's deliveries over HTTP: what a request must pass before anything reads it.

In this order, each cheaper than the next for whoever has no signing secret: the length, the signature over the bytes as
they came, UTF-8, and then Bolt.
https://docs.slack.dev/authentication/verifying-requests-from-slack/
"""

import hashlib
import hmac
import logging
import re
import time
from collections.abc import Sequence

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.app import UNREADABLE
from bot.http_server import waiting_for_body
from bot.store.metrics import Metrics

log = logging.getLogger("parley.front_door")

# A message of 40,000 characters with its blocks, and the same once more as the one before the edit, is below 1 MB.
MOST_BYTES = 1024 * 1024
# Slack advises to refuse what is older, because it may be a request that somebody recorded.
WINDOW_SECONDS = 5 * 60
TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
# Headers are not signed. Bolt gets those that Slack sends and Bolt needs, and for example no X-Slack-Bolt-Lazy-Only.
PASSED_ON = ("Content-Type", TIMESTAMP, SIGNATURE)


class Refused(Exception):
    """A request that is not acted on; `reason` is a phrase of ours, and nothing of the request."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class FrontDoor:
    def __init__(self, app: AsyncApp, signing_secret: str, metrics: Metrics) -> None:
        self._app, self._secret, self._metrics = app, signing_secret.encode(), metrics

    async def slack_events(self, request: web.Request) -> web.Response:
        try:
            text = await self._signed_text(request)
        except Refused as refused:
            log.warning("refused status=%s reason=%s from=%s", refused.status, refused.reason, request.remote)
            self._metrics.count("acks", str(refused.status))
            return _answer(refused.status, "invalid request")
        headers: dict[str, str | Sequence[str]] = {
            name: request.headers[name] for name in PASSED_ON if name in request.headers
        }
        try:
            delivery = AsyncBoltRequest(body=text, headers=headers)
            return await to_aiohttp_response(await self._app.async_dispatch(delivery))
        except UNREADABLE as error:
            log.error("unreadable characters=%s error=%s", len(text), type(error).__name__)
            return _answer(400, "unreadable")

    async def _signed_text(self, request: web.Request) -> str:
        """The body, if Slack sent it. Raises Refused, ConnectionError."""
        if (request.content_length or 0) > MOST_BYTES:
            raise Refused(400, "too long")
        timestamp = _only(request, TIMESTAMP, r"[0-9]{1,12}")
        signature = _only(request, SIGNATURE, r"v0=[0-9a-f]{64}")
        if abs(time.time() - int(timestamp)) > WINDOW_SECONDS:
            raise Refused(401, "timestamp outside of the window")
        body = await _body(request)
        # slack_sdk's verifier would decode the bytes, and raise for some, before it knows who sent them.
        digest = hmac.new(self._secret, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"v0={digest}", signature):
            raise Refused(401, "signature does not match")
        try:
            # Whatever charset the request names: Slack's deliveries are UTF-8, and some codecs of Python take minutes.
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(400, "not UTF-8") from None


def _only(request: web.Request, header: str, form: str) -> str:
    """The header's one value. Raises Refused if it has not this form, in ASCII."""
    values = request.headers.getall(header, [])
    if len(values) != 1 or not re.fullmatch(form, values[0], re.ASCII):
        raise Refused(401, f"no good {header}")
    return values[0]


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    try:
        async with waiting_for_body(request):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise Refused(400, "too long")
    except TimeoutError:
        raise Refused(408, "too slow") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise Refused(400, "broken off or wrongly framed") from None
    return bytes(body)


def _answer(status: int, error: str) -> web.Response:
    headers = {"X-Slack-No-Retry": "1"} if status == 400 else None
    return web.json_response({"error": error}, status=status, headers=headers)

"""Answers orchestrators and Prometheus over HTTP: /healthz, /readyz, /metrics.

An orchestrator should ask a few times before it restarts a process: Slack renews Socket Mode connections, and for a
moment there may be none.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Sequence
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from bot.ops import prometheus as metrics
from bot.settings import Settings
from bot.store import keys
from bot.store.threads.inbox import Inbox

MOST_SECONDS = 2.0
PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


class Health:
    """`sockets` are the Socket Mode connections; empty where Slack sends events over HTTP."""

    def __init__(
        self, redis: Redis, inbox: Inbox, settings: Settings, team: str, sockets: Sequence[SocketModeClient]
    ) -> None:
        self._redis, self._inbox, self._settings, self._team = redis, inbox, settings, team
        self._sockets = sockets

    def add_routes(self, server: web.Application) -> None:
        server.router.add_get("/healthz", self.alive)
        server.router.add_get("/readyz", self.ready)
        if self._settings.metrics_token or self._settings.slack_app_token:
            server.router.add_get("/metrics", self.metrics)

    async def alive(self, request: web.Request) -> web.Response:
        """Whether Redis answers and Slack can reach us, over one connection at least."""
        return await self._say(self._redis.ping(), needed=1)

    async def ready(self, request: web.Request) -> web.Response:
        """Whether an event can be kept now: Redis takes writes and has room, and every connection is there."""
        # A write that creates no key: nothing is appended to a key that does not exist. https://redis.io/docs/latest/commands/setrange
        return await self._say(self._redis.setrange(keys.nothing(self._team), 0, ""), needed=len(self._sockets))

    async def metrics(self, request: web.Request) -> web.Response:
        if self._settings.metrics_token is None and not _is_from_this_machine(request):
            error = "without METRICS_TOKEN only this machine may read the metrics, at 127.0.0.1"
            return web.json_response({"error": error}, status=403)
        if not self._may_read(request):
            return web.json_response({"error": "the token is not METRICS_TOKEN"}, status=401)
        try:
            async with asyncio.timeout(MOST_SECONDS):
                page = await metrics.page(self._redis, self._inbox, self._settings, self._team, await self._connected())
        except (RedisError, TimeoutError) as error:
            return web.json_response({"redis": type(error).__name__}, status=503)
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _say(self, redis_call: Awaitable[object], needed: int) -> web.Response:
        """200 if the call to Redis works and so many connections are `needed` and alive; 503 with what is wrong."""
        troubles: dict[str, object] = {}
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await redis_call
        except (RedisError, TimeoutError) as error:
            troubles["redis"] = type(error).__name__
        alive = await self._connected()
        if self._sockets and alive < needed:
            troubles["sockets"] = alive
        return web.json_response({"ok": not troubles, **troubles}, status=503 if troubles else 200)

    async def _connected(self) -> int:
        return sum([await socket.is_connected() for socket in self._sockets])

    def _may_read(self, request: web.Request) -> bool:
        token = self._settings.metrics_token
        if token is None:
            return True
        header = request.headers.get("Authorization", "")
        # aiohttp hands on bytes that are not UTF-8 as surrogates, which make plain encode() raise.
        return hmac.compare_digest(header.encode(errors="surrogateescape"), f"Bearer {token}".encode())


def _is_from_this_machine(request: web.Request) -> bool:
    """Whether the request came over loopback, to a name of this machine, and nobody passed it on.

    A proxy on this machine hands on requests from elsewhere, and a web page can have a name of its own that leads here.
    """
    if any(name in request.headers for name in PASSED_ON):
        return False
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return False
    return _is_loopback(request.remote or "") and _is_loopback(name)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

"""Listens to Slack: Socket Mode when there is an app-level token, else HTTP on PORT."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aiohttp import web
from redis.exceptions import RedisError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.app import UNREADABLE, bolt_log, create_app
from bot.front_door import FrontDoor
from bot.http_server import listening
from bot.loop_watch import LoopWatch
from bot.ops.alerts import Alerts
from bot.ops.health import Health
from bot.services import Services
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.identity import identify, try_app_token
from bot.slack.rate_limits import RateLimits
from bot.store import connections, keys
from bot.store.metrics import Metrics
from bot.store.threads.inbox import Inbox

log = logging.getLogger("parley.serve")

DEFAULT_PORT = 3000
# While Slack refreshes one connection, events come through the other.
SOCKETS = 2


async def serve(settings: Settings, redis_url: str) -> None:
    """Listen until SIGTERM or SIGINT. Raises SettingError."""
    settings.require_slack()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(_connected(settings, redis_url))
        await stack.enter_async_context(LoopWatch("serve", services.metrics.stalled("serve")).watching())
        identity = services.identity
        app = create_app(services)
        alerts = Alerts(services.redis, services.web, services.admins, settings.admin_channel, identity.team)
        await stack.enter_async_context(alerts.telling())
        sockets = []
        if settings.slack_app_token:
            await try_app_token(services.web, settings.slack_app_token)
            for _ in range(SOCKETS):
                socket = _socket(app, services.web, settings.slack_app_token)
                sockets.append(await stack.enter_async_context(socket))
        if settings.port or not settings.slack_app_token:
            health = Health(services.redis, services.inbox, settings, identity.team, sockets)
            await stack.enter_async_context(_http(app, health, services))
        log.info("listening team=%s bot=%s mode=%s", identity.team, identity.user, mode(settings))
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def _connected(settings: Settings, redis_url: str) -> AsyncIterator[Services]:
    """Raises SettingError."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(slack.client(settings))
        redis = connections.shared(redis_url)
        stack.push_async_callback(redis.aclose)
        producer = connections.producer(redis_url)
        stack.callback(producer.close)
        queue = connections.queue(settings.queue, producer)
        inbox = Inbox(redis, queue, settings.lease_seconds, settings.redis_wait_replicas)
        identity = await identify(client)
        with suppress(RedisError):
            # Nothing is counted of a team that we do not have; without Redis its first message adds it.
            await redis.sadd(keys.TEAMS, identity.team)
        client.rate_limits = RateLimits(redis, identity.team)
        client.metrics = await stack.enter_async_context(Metrics(redis, identity.team).flushing())
        yield Services(settings, redis, client, identity, inbox, client.metrics)


def mode(settings: Settings) -> str:
    return "socket" if settings.slack_app_token else f"http:{settings.port or DEFAULT_PORT}"


class _SocketHandler(AsyncSocketModeHandler):
    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """As Bolt does it, but a body that Bolt cannot read is dropped with a line in the log."""
        try:
            await super().handle(client, req)
        except UNREADABLE as error:
            log.error("unreadable envelope_id=%s error=%s", req.envelope_id, type(error).__name__)
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=req.envelope_id))


@asynccontextmanager
async def _socket(app: AsyncApp, client: AsyncWebClient, app_token: str) -> AsyncIterator[SocketModeClient]:
    handler: AsyncSocketModeHandler = _SocketHandler(app, app_token, logger=bolt_log, web_client=client)
    handler.client.proxy = client.proxy
    await handler.connect_async()
    try:
        yield handler.client
    finally:
        await handler.close_async()


@asynccontextmanager
async def _http(app: AsyncApp, health: Health, services: Services) -> AsyncIterator[None]:
    settings = services.settings
    server = web.Application()
    health.add_routes(server)
    if not settings.slack_app_token and settings.slack_signing_secret:
        door = FrontDoor(app, settings.slack_signing_secret, services.metrics)
        server.router.add_post("/slack/events", door.slack_events)
    async with listening(server, settings.host, settings.port or DEFAULT_PORT):
        yield

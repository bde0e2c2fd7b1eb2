"""The sandbox's Slack: one workspace with one app in it, served on loopback."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.clock import Clock, Timers
from bot.sandbox.faults import Faults
from bot.sandbox.journal import Journal
from bot.sandbox.slack import assistant, chat, conversations, files, people, reactions, streams, views
from bot.sandbox.slack.acts import Acts
from bot.sandbox.slack.control.routes import Control
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.methods import Method
from bot.sandbox.slack.mishaps import Mishaps
from bot.sandbox.slack.postman import Postman
from bot.sandbox.slack.responses import Responses
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.views import Views
from bot.sandbox.slack.web import WebAPI, own_origin
from bot.sandbox.slack.world.limits import Limits
from bot.sandbox.slack.world.records import JSON, Message, Status
from bot.sandbox.slack.world.workspace import Workspace

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "mpim:history",
    "mpim:read",
    "reactions:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
)

METHODS: dict[str, Method] = {
    **assistant.METHODS,
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **people.METHODS,
    **reactions.METHODS,
    **streams.METHODS,
    **views.METHODS,
}


class Slack(Acts):
    """Serves the Web API, Socket Mode or signed HTTP deliveries, the page and its control endpoints.

    `viewer` is what lets the sandbox's own page show files; `edit_window` is the team's, in seconds (None: no end);
    `page` is the folder of the page's files.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        *,
        port: int = 0,
        transport: str = "socket",
        events_url: str | None = None,
        scopes: Iterable[str] | None = None,
        limits: bool = True,
    ) -> None:
        self.clock, self.journal, self.faults = clock, journal, faults
        self.bot_token = "xoxb-sandbox-bot"
        self.app_token = "xapp-sandbox-app"
        self.signing_secret = "sandbox-signing-secret"
        self.scopes = list(SCOPES if scopes is None else scopes)
        self.edit_window: float | None = None
        self.timers = Timers(clock)
        self.workspace = Workspace(clock)
        self.workspace.on_change = self._changed
        self.limits = Limits(clock, [(name, method.per_minute) for name, method in METHODS.items()], on=limits)
        self.delivery = Delivery(self.workspace, clock, self.timers, journal, faults, self.limits)
        self.sockets = Sockets(self.workspace, clock, self.timers)
        self.postman = Postman(clock, self.signing_secret, events_url)
        if transport not in ("socket", "http"):
            raise ValueError(f'transport is "socket" or "http", not {transport!r}')
        self.delivery.transport = self.sockets if transport == "socket" else self.postman
        self.viewer = secrets.token_hex(8)
        self.views = Views(self.workspace)
        self.files = Files(self)
        self.responses = Responses(self)
        self.interactions = Interactions(self)
        super().__init__(self)
        self.control = Control(self)
        self.page = Path(__file__).parent.parent / "page"
        self._port = port
        self._runner: web.AppRunner | None = None
        self._moved = asyncio.Event()
        self._status_timers: dict[tuple[str, str], asyncio.Task[None]] = {}

    # Its life

    async def start(self) -> None:
        app = web.Application(middlewares=[own_origin, Mishaps(self).middleware()], client_max_size=64 * 1024 * 1024)
        api = WebAPI(self, METHODS)
        app.router.add_route("*", "/api/{method}", api.handle)
        app.router.add_get("/link/", self.sockets.handle)
        self.files.add_routes(app)
        self.responses.add_routes(app)
        self.control.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self.timers.close()
        await self.control.close()
        await self.sockets.close()
        await self.postman.close()
        if self._runner:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/link/?ticket={self.sockets.ticket()}&app_id={self.workspace.app_id}"

    def request_id(self) -> str:
        return secrets.token_hex(16)

    async def deliver(self, event: JSON, *, event_id: str | None = None, **outer: Any) -> str:
        """Deliver any event body, well-formed or not; its event_id. `outer` replaces what is around it."""
        return self.delivery.raw(event, event_id=event_id, **outer)

    # What is to be seen

    def thread(self, channel: str, thread_ts: str) -> list[Message]:
        """The thread's messages, oldest first."""
        return self.workspace.thread(self.workspace.channel(channel), thread_ts)

    async def until(self, condition: Callable[[], Any], within: float = 10.0) -> Any:
        """What `condition` gives once that is true; asked again at every change. Raises TimeoutError (real seconds)."""
        async with asyncio.timeout(within):
            while not (result := condition()):
                await self._moved.wait()
        return result

    def show_status(self, channel: str, thread_ts: str, status: Status | None) -> None:
        """Show what the app says it is doing, for two minutes at most."""
        timer = self._status_timers.pop((channel, thread_ts), None)
        if timer:
            timer.cancel()
        self.workspace.set_status(channel, thread_ts, status)
        if status:
            self._status_timers[channel, thread_ts] = self.timers.after(
                assistant.STATUS_SECONDS, lambda: self.workspace.set_status(channel, thread_ts, None)
            )

    def on_usage(self, method: str) -> None:
        self.control.changed("usage", method)

    def _changed(self, kind: str, what: Any) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
        self.control.changed(kind, what)

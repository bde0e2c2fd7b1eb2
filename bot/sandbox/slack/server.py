"""The sandbox's Slack: one workspace with one app in it, served on loopback."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.slack import assistant, chat, conversations, files, people, reactions, streams, views
from bot.sandbox.slack.acts import Acts
from bot.sandbox.slack.control.actions import Levers
from bot.sandbox.slack.control.routes import Control
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.methods import Method
from bot.sandbox.slack.mishaps import Mishaps
from bot.sandbox.slack.postman import Postman
from bot.sandbox.slack.responses import Responses
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.web import WebAPI, own_origin
from bot.sandbox.slack.world.records import JSON, Message
from bot.sandbox.slack.world.state import World

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
    """Serves a world: the Web API, Socket Mode or signed HTTP deliveries, the page and its control endpoints.

    `transport` is "socket" or "http".
    """

    def __init__(self, world: World, *, transport: str = "socket") -> None:
        if transport not in ("socket", "http"):
            raise ValueError(f'transport is "socket" or "http", not {transport!r}')
        for name, method in METHODS.items():
            world.limits.set(name, method.per_minute)
        self.workspace, self.app, self.limits, self.views = world.workspace, world.app, world.limits, world.views
        self.sockets = Sockets(world)
        self.postman = Postman(world)
        self.delivery = Delivery(world, self.sockets if transport == "socket" else self.postman)
        self.responses = Responses(world)
        self.interactions = Interactions(world, self.delivery, self.responses)
        super().__init__(world, self.interactions)
        self.control = Control(Levers(world, self, self.delivery, self.sockets))
        self._runner: web.AppRunner | None = None
        self._moved = asyncio.Event()
        world.workspace.on_change = self._changed
        world.on_panel = self.control.changed

    # Its life

    async def start(self, port: int = 0) -> None:
        """Listen on that port of 127.0.0.1; 0 takes a free one."""
        world = self.world
        app = web.Application(middlewares=[own_origin, Mishaps(world).middleware()], client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", WebAPI(world, METHODS).handle)
        app.router.add_get("/link/", self.sockets.handle)
        Files(world).add_routes(app)
        self.responses.add_routes(app)
        self.control.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        world.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self.world.timers.close()
        await self.control.close()
        await self.sockets.close()
        await self.postman.close()
        if self._runner:
            await self._runner.cleanup()

    @property
    def scopes(self) -> list[str]:
        """The app's scopes; change them in place."""
        return self.app.scopes

    async def deliver(self, event: JSON, *, event_id: str | None = None, **outer: Any) -> str:
        """Deliver any event body, well-formed or not, and return its event_id.

        `outer` replaces fields of the envelope around the event.
        """
        return self.delivery.raw(event, event_id=event_id, **outer)

    # What is to be seen

    def thread(self, channel: str, thread_ts: str) -> list[Message]:
        """The thread's messages, oldest first."""
        return self.workspace.thread(self.workspace.channel(channel), thread_ts)

    async def until(self, condition: Callable[[], Any], within: float = 10.0) -> Any:
        """Wait until `condition` is true, asking again at every change, and return what it gave.

        Raises TimeoutError after `within` real seconds.
        """
        async with asyncio.timeout(within):
            while not (result := condition()):
                await self._moved.wait()
        return result

    def _changed(self, kind: str, what: Any) -> None:
        self._moved.set()
        self._moved = asyncio.Event()
        self.control.changed(kind, what)

"""The routes for the page and other programs: the feed, the control endpoints, the page's files.

docs/sandbox.md describes both.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.sandbox.slack.control.actions import ACTIONS, Levers
from bot.sandbox.slack.control.feed import Feed
from bot.sandbox.slack.delivery import Unanswered
from bot.sandbox.slack.methods import Refused

PAGE = Path(__file__).parent.parent.parent / "page"
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
CONTENT_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}


class Control:
    """`page` is the folder of the page's files."""

    def __init__(self, levers: Levers) -> None:
        self.page = PAGE
        self._levers = levers
        self._feed = Feed(levers.world, levers.sockets)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/feed", self._feed.handle)
        app.router.add_get("/control/state", self._state)
        app.router.add_get("/control/journal", self._journal)
        app.router.add_post("/control/{action:.+}", self._act)
        app.router.add_get("/", self._file)
        app.router.add_get("/{name}", self._file)

    def changed(self, kind: str, what: Any) -> None:
        self._feed.changed(kind, what)

    async def close(self) -> None:
        await self._feed.close()

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self._feed.snapshot())

    async def _journal(self, request: web.Request) -> web.Response:
        """The entries of that `kind` and `name` whose `monotonic` (real time) is greater than `after`."""
        after = float(request.query.get("after", "-inf"))
        entries = self._levers.world.journal.entries(request.query.get("kind"), request.query.get("name"))
        shown = [
            {"kind": e.kind, "name": e.name, "at": e.at, "monotonic": e.monotonic, "data": e.data}
            for e in entries
            if e.monotonic > after
        ]
        return web.json_response({"entries": shown}, dumps=_dumps)

    async def _act(self, request: web.Request) -> web.Response:
        action = ACTIONS.get(request.match_info["action"])
        if action is None:
            return web.json_response({"ok": False, "error": "no such action"}, status=404)
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "send JSON"}, status=415)
        try:
            given = await request.json()
            return web.json_response({"ok": True, **await action(self._levers, given)}, dumps=_dumps)
        except Unanswered as missed:
            return web.json_response({"ok": False, "error": f"the app did not answer: {missed.reason}"}, status=504)
        except KeyError as missing:
            return web.json_response({"ok": False, "error": f"missing {missing}"}, status=400)
        except (LookupError, PermissionError, ValueError, TypeError, AttributeError, Refused) as problem:
            return web.json_response({"ok": False, "error": str(problem)}, status=400)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "index.html")
        path = self.page / name
        kind = CONTENT_TYPES.get(path.suffix)
        if kind is None or path.parent != self.page or not await asyncio.to_thread(path.is_file):
            return web.Response(status=404, text="Not found")
        body = await asyncio.to_thread(path.read_bytes)
        charset = None if kind == "image/png" else "utf-8"
        return web.Response(body=body, content_type=kind, charset=charset, headers=PAGE_HEADERS)


def _dumps(body: Any) -> str:
    return json.dumps(body, default=str)

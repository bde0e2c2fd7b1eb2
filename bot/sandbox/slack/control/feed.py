"""The live feed: Server-Sent Events that carry what a person at the page would see."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.sandbox.slack.people import describe
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.world.records import JSON, Channel, Message, Person
from bot.sandbox.slack.world.state import World
from bot.sandbox.slack.world.views import View

KEEPALIVE_SECONDS = 15.0


class Feed:
    def __init__(self, world: World, sockets: Sockets) -> None:
        self._world = world
        self._sockets = sockets
        self._readers: set[asyncio.Queue[tuple[str, Any] | None]] = set()
        # The kinds of changes that the page shows, and how.
        self._shown: dict[str, Callable[[Any], JSON]] = {
            "message": self._message,
            "deleted": lambda message: {
                "channel": message.channel,
                "ts": message.ts,
                "thread_ts": message.thread_ts,
            },
            "status": self._status,
            "ephemeral": self._ephemeral,
            "session": self._session,
            "title": self._title,
            "prompts": self._prompts,
            "view": self._view,
            "home": self._view,
            "view_closed": lambda view: {"user": view.user, "id": view.id},
            "view_errors": lambda refused: {"user": refused[0].user, "id": refused[0].id, "errors": refused[1]},
            "channel": self._channel,
            "user": self._person,
            "problem": dict,
            "installed": lambda installed: {"installed": installed},
            "usage": self._usage,
            "sockets": lambda count: {"open": count},
            "clock": lambda _: self._clock(),
        }

    def changed(self, kind: str, what: Any) -> None:
        for reader in self._readers:
            reader.put_nowait((kind, what))

    async def close(self) -> None:
        for reader in self._readers:
            reader.put_nowait(None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        reader: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()
        self._readers.add(reader)
        try:
            await self._write(response, "snapshot", self.snapshot())
            faults = self._faults()
            while True:
                try:
                    async with asyncio.timeout(KEEPALIVE_SECONDS):
                        change = await reader.get()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if change is None:
                    return response
                kind, what = change
                shown = self.show(kind, what)
                if shown is not None:
                    await self._write(response, kind, shown)
                # No change tells that a fault has struck for the last time.
                if (left := self._faults()) != faults:
                    faults = left
                    await self._write(response, "faults", left)
        except ConnectionError:
            return response
        finally:
            self._readers.discard(reader)

    @staticmethod
    async def _write(response: web.StreamResponse, kind: str, data: JSON) -> None:
        await response.write(f"event: {kind}\ndata: {json.dumps(data, default=str)}\n\n".encode())

    def snapshot(self) -> JSON:
        """Everything there is to see now."""
        world, workspace = self._world, self._world.workspace
        return {
            "team": {"id": workspace.team, "name": "Sandbox"},
            "bot": {"user": workspace.bot, "name": "parley"},
            "users": [self._person(person) for person in workspace.people.values()],
            "channels": [self._channel(channel) for channel in workspace.channels.values()],
            "messages": [self._message(m) for c in workspace.channels.values() for m in c.messages.values()],
            "ephemerals": [self._ephemeral(entry) for entry in workspace.ephemerals],
            "statuses": [self._status(key) for key in workspace.statuses],
            "sessions": [self._session(key) for key in workspace.sessions],
            "titles": [self._title(key) for key in workspace.titles],
            "prompts": [self._prompts(key) for key in workspace.prompts],
            "views": [self._view(view) for view in world.views.open.values()],
            "homes": [self._view(view) for view in world.views.homes.values()],
            "viewer": world.viewer,
            "installed": {"installed": workspace.installed},
            "usage": [self._usage(method) for method in world.limits.methods],
            "sockets": {"open": len(self._sockets)},
            "clock": self._clock(),
            "faults": self._faults(),
        }

    def show(self, kind: str, what: Any) -> JSON | None:
        """One change as the page gets it, or None if the page does not show such changes."""
        shown = self._shown.get(kind)
        return shown(what) if shown else None

    def _person(self, person: Person) -> JSON:
        shown = describe(person)
        return {**shown, "is_admin": person.is_admin, "is_stranger": person.is_stranger}

    def _channel(self, channel: Channel) -> JSON:
        return {
            "id": channel.id,
            "name": channel.name,
            "kind": channel.kind,
            "members": channel.members,
            "shared": channel.shared,
            "archived": channel.archived,
        }

    def _message(self, message: Message) -> JSON:
        return {**self._world.workspace.show(message), "channel": message.channel}

    def _ephemeral(self, entry: tuple[str, Message]) -> JSON:
        return {**self._message(entry[1]), "only_for": entry[0]}

    def _session(self, key: tuple[str, str]) -> JSON:
        session = self._world.workspace.sessions[key]
        shown = {"status": session.status, "title": session.title, "stoppable": session.stoppable}
        return {"channel": key[0], "thread_ts": key[1], **shown}

    def _title(self, key: tuple[str, str]) -> JSON:
        return {"channel": key[0], "thread_ts": key[1], "title": self._world.workspace.titles[key]}

    def _prompts(self, key: tuple[str, str]) -> JSON:
        return {"channel": key[0], "thread_ts": key[1], **self._world.workspace.prompts[key]}

    def _view(self, view: View) -> JSON:
        return {"user": view.user, "view": view.show(self._world.workspace)}

    def _status(self, key: tuple[str, str]) -> JSON:
        status = self._world.workspace.statuses.get(key)
        return {
            "channel": key[0],
            "thread_ts": key[1],
            "status": status.text if status else "",
            "loading_messages": status.loading_messages if status else [],
        }

    def _usage(self, method: str) -> JSON:
        used, limit = self._world.limits.used(method)
        return {"method": method, "used": used, "limit": limit, "calls": self._world.limits.recent(method)}

    def _clock(self) -> JSON:
        return {"time": self._world.clock.time(), "speed": self._world.clock.speed}

    def _faults(self) -> JSON:
        plans = self._world.faults.plans()
        return {
            "plans": [
                {
                    "route": route,
                    "kind": fault.kind,
                    "params": dict(fault.params),
                    "probability": probability,
                    "left": left,
                }
                for route, switched_on in plans.items()
                for fault, probability, left in switched_on
            ]
        }

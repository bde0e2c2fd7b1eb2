"""Socket Mode: the app opens connections, and each envelope goes to one of them.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import json
import random
import uuid
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from bot.sandbox.slack.delivery import Parcel
from bot.sandbox.slack.world.state import World

MOST_SOCKETS = 10
LIFETIME_SECONDS = 18_060.0
NOTICE_SECONDS = 10.0


class Sockets:
    late = "timeout"

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: list[web.WebSocketResponse] = []
        self._opened = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if not self._world.app.redeem(request.query.get("ticket", "")):
            return web.Response(status=404)
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        if len(self._open) >= MOST_SOCKETS:
            await self._say_goodbye(socket, "too_many_websockets")
            return socket
        await self._hello(socket, request.host)
        self._open.append(socket)
        self._opened.set()
        self._world.workspace.on_change("sockets", len(self._open))
        age = self._world.timers.run(self._refresh(socket))
        try:
            # A client that is killed does not close its connection.
            with suppress(ConnectionError):
                async for frame in socket:
                    if frame.type is WSMsgType.TEXT:
                        self._receive(frame.data)
        finally:
            age.cancel()
            self._retire(socket)
        return socket

    async def send(self, parcel: Parcel) -> Any:
        while not self._open:
            self._opened.clear()
            await self._opened.wait()
        envelope = str(uuid.uuid4())
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope] = answer
        frame = {
            "envelope_id": envelope,
            "payload": parcel.payload,
            "type": parcel.kind,
            "accepts_response_payload": parcel.kind != "events_api",
        }
        if parcel.kind == "events_api":
            frame |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.reason}
        try:
            with contextlib.suppress(ConnectionError):
                await random.choice(self._open).send_str(json.dumps(frame))
            return await answer
        finally:
            del self._waiting[envelope]

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Ask every open connection to reconnect, then close it, as Slack does now and then."""
        await asyncio.gather(*(self._say_goodbye(socket, reason) for socket in list(self._open)))

    async def close(self) -> None:
        await asyncio.gather(*(socket.close() for socket in list(self._open)))

    def _receive(self, data: str) -> None:
        try:
            frame = json.loads(data)
            waiting = self._waiting.get(frame["envelope_id"])
        except (ValueError, TypeError, KeyError):
            return
        if waiting and not waiting.done():
            waiting.set_result(frame.get("payload"))

    async def _hello(self, socket: web.WebSocketResponse, host: str) -> None:
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self._open) + 1,
                "debug_info": {"host": host, "build_number": 1, "approximate_connection_time": int(LIFETIME_SECONDS)},
                "connection_info": {"app_id": self._world.workspace.app_id},
            }
        )

    async def _refresh(self, socket: web.WebSocketResponse) -> None:
        await self._world.clock.sleep(LIFETIME_SECONDS - NOTICE_SECONDS)
        await socket.send_json({"type": "disconnect", "reason": "warning", "debug_info": {}})
        await self._world.clock.sleep(NOTICE_SECONDS)
        await self._say_goodbye(socket, "refresh_requested")

    async def _say_goodbye(self, socket: web.WebSocketResponse, reason: str) -> None:
        self._retire(socket)
        with contextlib.suppress(ConnectionError):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})
            await socket.close()

    def _retire(self, socket: web.WebSocketResponse) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._world.workspace.on_change("sockets", len(self._open))

"""Faults that a route meets: late, refused, cut or lost answers.

Routes are method names, "response_url", "files.upload", "files.download", and "*" for all of them. Kinds: "delay"
(seconds), "status" (status, body), "rate_limit" (retry_after), "error" (error), "reset", "half". With `after=True` the
call takes effect first and only its answer is lost.
"""

import socket
import struct

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.sandbox.faults import Fault
from bot.sandbox.slack.world.state import World

_PLACES = {"respond": "response_url", "upload": "files.upload", "files-pri": "files.download"}


class Mishaps:
    def __init__(self, world: World) -> None:
        self._world = world

    def middleware(self) -> Middleware:
        @web.middleware
        async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = request.match_info.get("method") or _PLACES.get(request.path.split("/")[1])
            fault = (self._world.faults.draw(route) or self._world.faults.draw("*")) if route else None
            if fault is None or route is None:
                return await handler(request)
            self._world.journal.add("slack.fault", route, fault=fault.kind, **fault.params)
            if fault.kind == "delay":
                # Read it now: the call takes effect even if the client hangs up meanwhile.
                await request.read()
                await self._world.clock.sleep(float(fault.params.get("seconds", 1.0)))
                return await handler(request)
            if fault.kind == "half":
                return await _half(request, await handler(request))
            if fault.params.get("after"):
                await handler(request)
            return _spoilt(request, fault)

        return meet


def _spoilt(request: web.Request, fault: Fault) -> web.Response:
    params = fault.params
    match fault.kind:
        case "reset":
            _reset(request)
            return web.Response(status=500)
        case "status":
            return web.Response(status=int(params.get("status", 500)), text=str(params.get("body", "")))
        case "rate_limit":
            headers = {"Retry-After": str(params.get("retry_after", 1))}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        case "error":
            return web.json_response({"ok": False, "error": str(params.get("error", "internal_error"))})
    return web.json_response({"ok": False, "error": f"the sandbox knows no fault {fault.kind!r}"}, status=500)


async def _half(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    """The first half of the answer, then a cut connection."""
    body = whole.body if isinstance(whole, web.Response) and isinstance(whole.body, bytes) else b""
    headers = {"Content-Type": whole.content_type, "Content-Length": str(len(body))}
    response = web.StreamResponse(status=whole.status, headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


def _reset(request: web.Request) -> None:
    """Close the connection with a TCP reset, as a dying peer does."""
    if request.transport is None:
        return
    raw = request.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()

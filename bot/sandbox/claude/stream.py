"""Sends a message as a stream at its pace, and breaks it where a fault says so."""

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.sandbox.claude.events import Frame, encode
from bot.sandbox.claude.faults import CUTS, streamed
from bot.sandbox.clock import Clock
from bot.sandbox.faults import Fault

PING_EVERY = 10.0


@dataclass(frozen=True)
class Pace:
    """Seconds to the first delta, and deltas a second from there."""

    first_delta: float
    deltas_per_second: float

    def due(self, deltas: int) -> float:
        """Seconds from the start to the delta that comes after `deltas` others."""
        return self.first_delta + deltas / self.deltas_per_second


class Stream:
    """One streamed answer."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, clock: Clock, pace: Pace, fault: Fault | None
    ) -> None:
        self._request, self._response = request, response
        self._clock, self._pace, self._fault = clock, pace, fault

    async def send(self, frames: Sequence[Frame], request_id: str, on_first_text: Callable[[], object]) -> bool:
        """Send the frames, each at its time; False if the fault ended the stream before its end."""
        if self._fault and self._fault.kind == "error_first":
            await self._error(self._fault, request_id)
            return False
        cut = self._cut(sum(frame.paced for frame in frames))
        began, sent, silent = self._clock.time(), 0, True
        for frame in frames:
            if cut is not None and (sent >= cut if frame.paced else frame.event["type"] == "message_delta"):
                cut = None
                if self._fault and not await self._break(self._fault, request_id):
                    return False
            if frame.paced:
                await self._wait(began + self._pace.due(sent))
                sent += 1
            await self._write(encode(frame.event))
            if silent and frame.text:
                silent = False
                on_first_text()
        await self._response.write_eof()
        return True

    def _cut(self, deltas: int) -> int | None:
        """After how many deltas the fault strikes, or None if it does not cut the stream."""
        if self._fault is None or self._fault.kind not in CUTS:
            return None
        return int(self._fault.params.get("after", deltas // 2))

    async def _wait(self, until: float) -> None:
        due = self._clock.time()
        while until - due > PING_EVERY:
            due += PING_EVERY
            await self._clock.until(due)
            await self._write(encode({"type": "ping"}))
        await self._clock.until(until)

    async def _write(self, data: bytes) -> None:
        if self._fault is None or self._fault.kind != "split":
            await self._response.write(data)
            return
        start = 0
        for at, byte in enumerate(data):
            if byte & 0b1100_0000 == 0b1000_0000 and data[at - 1] & 0b1100_0000 == 0b1100_0000:
                await self._response.write(data[start:at])
                start = at
        await self._response.write(data[start:])

    async def _break(self, fault: Fault, request_id: str) -> bool:
        """Apply the fault; whether the stream goes on afterwards."""
        match fault.kind:
            case "error":
                await self._error(fault, request_id)
            case "eof":
                await self._response.write_eof()
            case "half":
                close(self._request)
            case "reset":
                reset(self._request)
            case "stall":
                await self._clock.sleep(fault.params.get("seconds", math.inf))
                return True
        return False

    async def _error(self, fault: Fault, request_id: str) -> None:
        await self._write(encode(streamed(fault).body(request_id)))
        await self._response.write_eof()


def close(request: web.Request) -> None:
    """Close the connection once what was written has gone out."""
    if request.transport is not None:
        request.transport.close()


def reset(request: web.Request) -> None:
    """Close the connection with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()

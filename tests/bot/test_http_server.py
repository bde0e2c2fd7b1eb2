"""Connections that say nothing, half of something or too much: over real sockets, with short limits."""

import asyncio
import logging
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web

from bot.http_server import ServerLimits, listening, waiting_for_body

# Longer than any test should take, so that what ends a connection is not a time-out.
LONG = ServerLimits(header_seconds=300.0, body_seconds=300.0, idle_seconds=300.0)
SHORT_HEADER = replace(LONG, header_seconds=0.3)
SHORT_BODY = replace(LONG, body_seconds=0.3)
SHORT_IDLE = replace(LONG, idle_seconds=0.3)
SHORT = ServerLimits(header_seconds=0.3, body_seconds=0.3, idle_seconds=0.3)
# A test that waits longer has failed.
WITHIN = 30.0
HALF_BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nten bytes."
OPEN_CHUNK = b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """A server with a quick page, one that waits for `release`, and one that reads a body."""

    def __init__(self) -> None:
        self.port = 0
        self.entered, self.release = asyncio.Event(), asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

    async def quick(self, request: web.Request) -> web.Response:
        return web.Response(text="quick")

    async def slow(self, request: web.Request) -> web.Response:
        self.entered.set()
        await self.release.wait()
        return web.Response(text="slow")

    async def body(self, request: web.Request) -> web.Response:
        try:
            async with waiting_for_body(request):
                return web.Response(text=str(len(await request.read())))
        except TimeoutError:
            return web.Response(status=408)

    async def connect(self, host: str | None = None) -> Streams:
        local = (host, 0) if host else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=local)
        self._writers.append(writer)
        return reader, writer

    async def says(self, request: bytes) -> bytes:
        """The status line of the answer on a connection of its own."""
        reader, writer = await self.connect()
        writer.write(request)
        return await asyncio.wait_for(reader.readline(), WITHIN)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def served(limits: ServerLimits) -> AsyncIterator[Served]:
    it = Served()
    application = web.Application()
    application.router.add_get("/quick", it.quick)
    application.router.add_get("/slow", it.slow)
    application.router.add_post("/body", it.body)
    async with listening(application, "127.0.0.1", 0, limits) as (_, it.port):
        try:
            yield it
        finally:
            it.release.set()
            it.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server closes the connection."""
    came = b""
    async with asyncio.timeout(WITHIN):
        try:
            while some := await reader.read(65536):
                came += some
        except ConnectionError:
            pass
    return came


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        pytest.param(SHORT_HEADER, b"", id="silent"),
        pytest.param(SHORT_HEADER, b"GET /quick HTTP/1.1\r\nHost: x", id="half header"),
        pytest.param(SHORT_BODY, HALF_BODY, id="half body"),
        pytest.param(SHORT_BODY, OPEN_CHUNK, id="open chunk"),
        pytest.param(LONG, b"GET /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", id="body that nobody reads"),
        pytest.param(SHORT_IDLE, GET, id="idle after an answer"),
        pytest.param(SHORT_IDLE, GET + b"GET /qui", id="half of a second request"),
    ],
)
async def test_who_keeps_the_server_waiting_is_cut_off(limits: ServerLimits, said: bytes) -> None:
    async with served(limits) as server:
        reader, writer = await server.connect()
        writer.write(said)
        await rest(reader)


@pytest.mark.parametrize("before", [b"", GET], ids=["first request", "second request"])
async def test_a_header_that_comes_byte_by_byte_has_no_more_time(before: bytes) -> None:
    async with served(SHORT_HEADER) as server:
        reader, writer = await server.connect()
        if before:
            writer.write(before)
            await asyncio.wait_for(reader.readuntil(b"quick"), WITHIN)
        closed = asyncio.create_task(rest(reader))
        writer.write(b"GET /quick HTTP/1.1\r\nX-Long: ")
        while not closed.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        assert await closed == b""


async def test_who_waits_for_a_slow_answer_is_not_cut_off() -> None:
    async with served(SHORT) as server:
        answer = asyncio.create_task(server.says(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.wait_for(server.entered.wait(), WITHIN)
        await asyncio.sleep(1.0)
        server.release.set()
        assert b"200" in await answer


async def test_a_connection_takes_one_request_after_another() -> None:
    async with served(ServerLimits()) as server:
        reader, writer = await server.connect()
        for _ in range(3):
            writer.write(GET)
            assert b"200" in await asyncio.wait_for(reader.readline(), WITHIN)
            await asyncio.wait_for(reader.readuntil(b"quick"), WITHIN)


@pytest.mark.parametrize("limits", [replace(LONG, connections=5), replace(LONG, connections_by_address=5)])
@pytest.mark.parametrize(
    "said",
    [b"", b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nten bytes."],
    ids=["silent", "half body"],
)
async def test_connections_that_wait_make_room_for_new_ones(
    limits: ServerLimits, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(limits) as server:
        waiting = []
        for _ in range(60):
            waiting.append(await server.connect())
            waiting[-1][1].write(said)
        ends = asyncio.as_completed([rest(reader) for reader, _ in waiting])
        for _, end in zip(range(55), ends, strict=False):
            await end
        assert b"200" in await server.says(GET)
    assert [record.getMessage() for record in caplog.records if "too many connections" in record.getMessage()][1:] == []
    assert "too many connections" in caplog.text


async def test_a_connection_that_is_worked_for_is_never_closed_for_another() -> None:
    async with served(replace(LONG, connections_by_address=5)) as server:
        answer = asyncio.create_task(server.says(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.wait_for(server.entered.wait(), WITHIN)
        waiting = [await server.connect() for _ in range(20)]
        await asyncio.gather(*(rest(reader) for reader, _ in waiting[:16]))
        server.release.set()
        assert b"200" in await answer


async def test_where_all_are_worked_for_the_new_one_is_closed() -> None:
    async with served(replace(LONG, connections=1)) as server:
        answer = asyncio.create_task(server.says(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
        await asyncio.wait_for(server.entered.wait(), WITHIN)
        reader, _ = await server.connect()
        assert await rest(reader) == b""
        server.release.set()
        assert b"200" in await answer


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
async def test_the_address_with_most_connections_loses_one_of_its_own() -> None:
    async with served(replace(LONG, connections=6)) as server:
        reader, writer = await server.connect()
        many = [await server.connect("127.0.0.2") for _ in range(30)]
        await asyncio.gather(*(rest(reader) for reader, _ in many[:25]))
        writer.write(GET)
        assert b"200" in await asyncio.wait_for(reader.readline(), WITHIN)


async def test_a_process_with_few_files_holds_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    limits = ServerLimits.for_this_process()
    assert limits.connections + 3 * limits.backlog < 256
    assert limits.connections_by_address < limits.connections


async def test_without_file_descriptors_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with served(LONG) as server:
        clients = [socket.socket() for _ in range(4)]
        highest = os.open(os.devnull, os.O_RDONLY)
        # Whatever is free below gets used, so that the next one is beyond the limit.
        fillers = [highest]
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, files[1]))
            while True:
                try:
                    fillers.append(os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    break
            for client in clients:
                client.setblocking(False)
                await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
            async with asyncio.timeout(WITHIN):
                while "cannot be accepted" not in caplog.text:
                    await asyncio.sleep(0.02)
            # asyncio tries again after a second.
            await asyncio.sleep(2.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, files)
            for number in fillers:
                os.close(number)
        assert len([record for record in caplog.records if record.levelno >= logging.ERROR]) == 1
        assert b"200" in await server.says(GET)
        for client in clients:
            client.close()


async def test_what_is_no_http_leaves_one_line_without_a_word_of_it(caplog: pytest.LogCaptureFixture) -> None:
    async with served(ServerLimits()) as server:
        reader, writer = await server.connect()
        writer.write(b"secret\x1b[31m words\r\n" + b"x" * 5000 + b"\r\n\r\n")
        came = await rest(reader)
    assert came.startswith(b"HTTP/1.0 400")
    assert b"secret" not in came
    assert [record.getMessage() for record in caplog.records] == ["refused status=400 reason=no HTTP from=127.0.0.1"]

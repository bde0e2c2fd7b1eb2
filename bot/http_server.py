"""The HTTP server on PORT: how long a connection may keep it waiting, and how many connections it holds.

aiohttp has no time-outs for a request that never ends and no limit of connections. An open connection costs a file
descriptor and some memory, so whoever opens enough of them would stop everything else, without a signature.
"""

import asyncio
import ipaddress
import logging
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.settings import SettingError

log = logging.getLogger("parley.http")

STOP_SECONDS = 5.0
# How long the rest of a request that was refused is read and dropped, so that its sender gets to see the refusal.
LINGER_SECONDS = 2.0
SELDOM_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Seconds and counts that no well-behaved client comes near."""

    # Slack gives up on us after three seconds, so whoever takes longer than ten to send is not Slack.
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    # Longer than the 60 s after which common proxies close: the side that closes first should be theirs, or they send
    # a request into a connection that we just closed.
    idle_seconds: float = 75.0
    # Slack opens about as many connections as it has deliveries under way. 100 a second, each answered only after the
    # three seconds, would be 300; behind a proxy all of them come from one address.
    connections: int = 1_000
    connections_by_address: int = 500
    # How many connections asyncio accepts at once, before the server sees the first of them.
    backlog: int = 128

    @classmethod
    def for_this_process(cls) -> "ServerLimits":
        """Fewer connections where the process may open few files, so that Redis and Slack always find one left."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        usual = cls()
        if files == resource.RLIM_INFINITY:
            return usual
        connections = max(2, min(usual.connections, files // 3))
        return cls(
            connections=connections,
            connections_by_address=min(usual.connections_by_address, connections // 2),
            # Up to three batches of accepted connections are open before the first of them is counted.
            backlog=max(1, min(usual.backlog, files // 8)),
        )


@asynccontextmanager
async def listening(
    application: web.Application, host: str, port: int, limits: ServerLimits | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serve the application; gives the address on which it listens. Raises SettingError."""
    limits = limits or ServerLimits.for_this_process()
    application.middlewares.append(_marked)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        manager = runner.server
        assert manager is not None
        connections = _Connections(limits)
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: _Connection(manager, connections), host, port, backlog=limits.backlog
            )
        except OSError as error:
            raise SettingError(f"HOST {host}, PORT {port} cannot be used ({error.strerror}): choose others.") from None
        with _accept_errors_logged_seldom(loop):
            try:
                address, bound_port, *_ = server.sockets[0].getsockname()
                yield address, bound_port
            finally:
                server.close()
                manager.pre_shutdown()
                await manager.shutdown(STOP_SECONDS)
    finally:
        await runner.cleanup()


@contextmanager
def _accept_errors_logged_seldom(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """asyncio reports each failed accept, 128 times a second while the process has no file descriptor left."""
    before = loop.get_exception_handler()
    seldom = _Seldom()

    def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if str(context.get("message")).startswith("socket.accept()"):
            seldom.log("connections cannot be accepted error=%s", context.get("exception"))
        elif before is not None:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(report)
    try:
        yield
    finally:
        loop.set_exception_handler(before)


class _Seldom:
    """Logs at most one line a minute, so that a flood does not become a flood of lines."""

    def __init__(self) -> None:
        self._next = 0.0

    def log(self, line: str, *values: object) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SELDOM_SECONDS
        log.error(line, *values)


class _Connections:
    """Every open connection by its address, those first that have waited longest for their peer.

    Where there are too many, the one that has waited longest is closed, and not the newcomer: it is most likely
    silent, and the newcomer may be Slack.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self.limits = limits
        self._by_address: dict[str, dict[_Connection, None]] = {}
        self._count = 0
        self._seldom = _Seldom()

    def add(self, connection: "_Connection") -> None:
        neighbours = self._by_address.setdefault(connection.address, {})
        neighbours[connection] = None
        self._count += 1
        if len(neighbours) > self.limits.connections_by_address:
            self._seldom.log("too many connections address=%s count=%s", connection.address, len(neighbours))
            self._close_one(neighbours, connection)
        elif self._count > self.limits.connections:
            self._seldom.log("too many connections count=%s", self._count)
            self._close_one(max(self._by_address.values(), key=len), connection)

    def remove(self, connection: "_Connection") -> None:
        neighbours = self._by_address.get(connection.address, {})
        if connection not in neighbours:
            return
        del neighbours[connection]
        self._count -= 1
        if not neighbours:
            del self._by_address[connection.address]

    def begins_to_wait(self, connection: "_Connection") -> None:
        neighbours = self._by_address.get(connection.address, {})
        if connection in neighbours:
            del neighbours[connection]
            neighbours[connection] = None

    def _close_one(self, candidates: "dict[_Connection, None]", newcomer: "_Connection") -> None:
        waiting = (connection for connection in candidates if not connection.works)
        victim = next(waiting, newcomer)
        self.remove(victim)
        victim.abort()


class _Connection(web.RequestHandler):
    """One connection: it works on a request, or it waits for its peer and has a deadline for that."""

    def __init__(self, manager: web.Server, connections: _Connections) -> None:
        limits = connections.limits
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle_seconds,
            lingering_time=LINGER_SECONDS,
            # Slack compresses nothing, and what it signs are the bytes that it sends.
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
        )
        self.address = ""
        self.works = False
        self.limits = limits
        self._connections = connections
        self._idle = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.address = _address(transport.get_extra_info("peername"))
        self._wait(self.limits.header_seconds)
        self._connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel_deadline()
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._idle and data:
            self._idle = False
            self._wait(self.limits.header_seconds)
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP leaves one line; aiohttp would log, and answer with, a piece of it."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        log.warning("refused status=400 reason=no HTTP from=%s", self.address)
        answer = web.Response(status=400)
        answer.force_close()
        return answer

    def request_began(self) -> None:
        """Its header is complete. From here on the handler minds the time."""
        self._idle = False
        self.works = True
        self._cancel_deadline()

    def request_ended(self) -> None:
        """Its answer is about to be sent, which may take no longer than the next request may be waited for."""
        self.works = False
        self._idle = True
        self._wait(self.limits.idle_seconds)

    def waits_for_body(self) -> None:
        self.works = False
        self._connections.begins_to_wait(self)

    def abort(self) -> None:
        """Close at once: closing kindly would wait until the peer has read what it was sent."""
        self._cancel_deadline()
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _wait(self, seconds: float) -> None:
        self._cancel_deadline()
        if self.transport is None:
            return
        self._connections.begins_to_wait(self)
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _address(peer: Any) -> str:
    """For IPv6 the network of 64 bits, of which anybody has all addresses."""
    if not isinstance(peer, tuple) or not peer:
        return "unknown"
    host = str(peer[0]).partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


@web.middleware
async def _marked(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    connection = _of(request)
    connection.request_began()
    try:
        return await handler(request)
    finally:
        connection.request_ended()


@asynccontextmanager
async def waiting_for_body(request: web.Request) -> AsyncIterator[None]:
    """Read the body of a stranger's request within this. Raises TimeoutError.

    If there are too many connections meanwhile, it may be closed, which raises ConnectionError in the reader.
    """
    connection = _of(request)
    connection.waits_for_body()
    try:
        async with asyncio.timeout(connection.limits.body_seconds):
            yield
    finally:
        connection.works = True


def _of(request: web.Request) -> _Connection:
    connection = request.protocol
    assert isinstance(connection, _Connection)
    return connection

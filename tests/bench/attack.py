"""A stranger at the HTTP port, in a process of its own: silent connections, and requests that nobody signed."""

import asyncio
import gzip
import itertools
import socket
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.queues import Queue
from urllib.parse import urlsplit

# Linux takes the whole of 127.0.0.0/8 for this machine: connections come from several addresses, as from many machines.
ADDRESSES = tuple(f"127.0.0.{number}" for number in range(2, 10))
ANSWER_SECONDS = 3.0
LARGE = 900_000


@dataclass(frozen=True)
class Attack:
    """So many `connections` are held open in silence, and `rate` requests a second sent, for so many `seconds`."""

    connections: int
    rate: int
    seconds: int


@dataclass(frozen=True)
class Request:
    """Its bytes on the wire. `body` follows the header; a `length` that is not the body's is a lie."""

    headers: Mapping[str, str]
    body: bytes = b"{}"
    length: int | None = None
    path: str = ""

    def bytes(self, host: str, path: str) -> bytes:
        signed = {"Host": host, "X-Slack-Request-Timestamp": str(int(time.time())), "Connection": "close"}
        length = len(self.body) if self.length is None else self.length
        headers = {**signed, "Content-Length": str(length), **self.headers}
        if "Transfer-Encoding" in headers:
            del headers["Content-Length"]
        lines = [f"POST {self.path or path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


JSON = {"Content-Type": "application/json"}
WRONG = {**JSON, "X-Slack-Signature": "v0=" + "0" * 64}
KINDS: Mapping[str, Request] = {
    "no signature": Request(JSON),
    "wrong signature": Request(WRONG, b'{"type":"event_callback"}'),
    "large body": Request(WRONG, b"[" * LARGE),
    "too large body": Request(WRONG, b"x" * 2_000_000),
    "punycode": Request({**WRONG, "Content-Type": "application/json; charset=punycode"}, b"a-" * (LARGE // 2)),
    "utf-7": Request({**WRONG, "Content-Type": "application/json; charset=utf-7"}, b"+AAA-" * (LARGE // 5)),
    "nested JSON": Request(WRONG, b'{"a":' * 5_000),
    "form": Request({**WRONG, "Content-Type": "application/x-www-form-urlencoded"}, b"payload=%7B&" * 50_000),
    "multipart": Request({**WRONG, "Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\n" * 50_000),
    "bad gzip": Request({**WRONG, "Content-Encoding": "gzip"}, b"\x1f\x8b" + b"x" * 1000),
    "gzip bomb": Request({**WRONG, "Content-Encoding": "gzip"}, gzip.compress(bytes(50_000_000))),
    "signature not ASCII": Request({**WRONG, "X-Slack-Signature": "v0=\u00e9"}),
    "timestamp of 400 digits": Request({**WRONG, "X-Slack-Request-Timestamp": "9" * 400}),
    "timestamp a power": Request({**WRONG, "X-Slack-Request-Timestamp": "\u00b2"}),
    "many headers": Request({**WRONG, **{f"X-{number}": "y" * 50 for number in range(90)}}),
    "half body": Request(WRONG, b"{", length=1_000),
    "open chunk": Request({**WRONG, "Transfer-Encoding": "chunked"}, b"5\r\nabc"),
    "no chunk": Request({**WRONG, "Transfer-Encoding": "chunked"}, b"zz\r\n"),
    "negative length": Request({**WRONG, "Content-Length": "-1"}),
    "metrics, bearer not ASCII": Request({"Authorization": "Bearer \u00ff"}, path="/metrics"),
    "unknown path": Request(JSON, path="/" + "a" * 2_000),
}


def attack(url: str, plan: Attack, answers: "Queue[dict[str, int]]") -> None:
    """Put an empty dict into `answers` once the connections stand, and in the end what was answered how often."""
    asyncio.run(_attack(url, plan, answers))


async def _attack(url: str, plan: Attack, answers: "Queue[dict[str, int]]") -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    told: Counter[str] = Counter()
    addresses = itertools.cycle(ADDRESSES)
    silent = [asyncio.create_task(_stay_silent(host, port, next(addresses))) for _ in range(plan.connections)]
    await asyncio.sleep(2)
    answers.put({})
    begun = time.monotonic()
    requests: set[asyncio.Task[None]] = set()
    for number, (kind, request) in zip(range(plan.rate * plan.seconds), itertools.cycle(KINDS.items()), strict=False):
        await asyncio.sleep(max(0.0, begun + number / plan.rate - time.monotonic()))
        wire = request.bytes(f"{host}:{port}", parts.path)
        task = asyncio.create_task(_ask(host, port, wire, kind, told))
        requests.add(task)
        task.add_done_callback(requests.discard)
    await asyncio.gather(*requests)
    for task in silent:
        task.cancel()
    answers.put(dict(told))


async def _stay_silent(host: str, port: int, address: str) -> None:
    """Hold a connection open; where it is closed, open another one a little later."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port, local_addr=(address, 0))
            with suppress(OSError):
                await reader.read()
            writer.close()
        await asyncio.sleep(1)


async def _ask(host: str, port: int, wire: bytes, kind: str, told: Counter[str]) -> None:
    """Count the answer: its class of status, or that there was none."""
    answer = "none"
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, family=socket.AF_INET)
            try:
                with suppress(OSError):
                    writer.write(wire)
                line = await reader.readline()
                answer = f"{line[9:10].decode()}xx" if line else "closed"
            finally:
                writer.close()
    told[f"{kind}: {answer}"] += 1

"""Ports and connections of tests that speak to a server of their own."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


@contextmanager
def refusing() -> Iterator[int]:
    """A port where nobody answers, and where nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def close(writers: Sequence[asyncio.StreamWriter]) -> None:
    """Close the ends of connections, and wait until they are: a loop that ends before leaves them open."""
    for writer in writers:
        writer.close()
    for writer in writers:
        with suppress(OSError):
            await writer.wait_closed()

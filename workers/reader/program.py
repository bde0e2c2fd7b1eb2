"""The program that opens strangers' files, one after another. It runs in a process of its own, never in a worker.

It gets a socket as standard input, limits itself, says so, and then answers each order. It logs nothing of a file.
A new format is a function here, in OPENERS, a kind in `documents.kind`, and if it has other contents, a shape in
`frames`.
"""

import codecs
import socket
import sys
from collections.abc import Callable
from typing import Any

from workers.reader import documents, limits, pictures
from workers.reader.contents import Contents, NotRead, Order
from workers.reader.frames import Channel, Closed, send_answer

READY = {"ready": True}
LONGEST_FILE = 100_000_000

OPENERS: dict[str, Callable[[bytes, Order], Contents]] = {
    "picture": pictures.opened,
    "pdf": documents.opened_pdf,
    "text": documents.opened_text,
}


def opened(data: bytes, order: Order) -> Contents:
    """What is in a file. Raises NotRead."""
    if not data:
        raise NotRead("empty")
    opener = OPENERS.get(documents.kind(data, order.mimetype))
    if opener is None:
        raise NotRead("type")
    return opener(data, order)


def serve(channel: Channel) -> None:
    """Answer orders until the worker closes the socket or ends."""
    channel.send(READY)
    while True:
        header, data = channel.receive(LONGEST_FILE)
        send_answer(channel, _answer(header, data))


def _answer(header: dict[str, Any], data: bytes) -> Contents | NotRead:
    order = Order(**header)
    limits.allow_cpu(order.cpu_seconds)
    try:
        return opened(data, order)
    except NotRead as not_read:
        return not_read
    except MemoryError:
        return NotRead("memory")


def main() -> None:
    """Called with two arguments: bytes of memory and seconds of processor time, those for the whole life."""
    memory, cpu_seconds = (int(argument) for argument in sys.argv[-2:])
    _load_codings()
    limits.confine(memory, cpu_seconds)
    try:
        serve(Channel(socket.socket(fileno=0)))
    except Closed:
        return


def _load_codings() -> None:
    """Python reads a coding from disk when it is first used, and then no file can be opened."""
    for coding in documents.CODINGS:
        codecs.lookup(coding)

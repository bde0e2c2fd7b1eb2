"""How orders and answers pass between a worker and the process that opens files.

A frame is two lengths, a JSON header and bytes. A file may have taken over the process that opened it, so an answer is
never more than data to the worker: `answer` bounds its length and checks the shape of every part.
"""

import json
import socket
import struct
import time
from dataclasses import asdict
from typing import Any

from workers.reader.contents import LONGEST_EDGE, MAGIC, MOST_PAGES, Contents, NotRead, Order, Pdf, Picture, Text

LENGTHS = struct.Struct(">II")
LONGEST_HEADER = 1_000
LONGEST_ANSWER = 8_000_000
# Bytes that stand before a PDF are searched no further.
PDF_STARTS_WITHIN = 1_024
# Why a process leaves a file out. `large` is for the worker: the file is for the other lane.
REASONS = ("broken", "empty", "large", "locked", "memory", "pages", "pixels", "scans", "type")


class BadAnswer(Exception):
    """What came back is no answer."""


class Closed(Exception):
    """The other side has closed the socket."""


class Channel:
    """One end of the socket. With a `deadline` (of time.monotonic), whatever takes longer raises TimeoutError.

    Otherwise, the other side's end raises Closed, at whatever point it comes.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.deadline: float | None = None

    def send(self, header: dict[str, Any], body: bytes | memoryview = b"") -> None:
        encoded = json.dumps(header).encode()
        self._set_timeout()
        try:
            self._end.sendall(LENGTHS.pack(len(encoded), len(body)) + encoded)
            self._set_timeout()
            self._end.sendall(body)
        except ConnectionError:
            raise Closed from None

    def receive(self, longest_body: int) -> tuple[dict[str, Any], bytes]:
        """Raises BadAnswer too."""
        header_length, body_length = LENGTHS.unpack(self._read(LENGTHS.size))
        if header_length > LONGEST_HEADER or body_length > longest_body:
            raise BadAnswer
        try:
            header = json.loads(self._read(header_length))
        except (ValueError, RecursionError):
            raise BadAnswer from None
        if not isinstance(header, dict):
            raise BadAnswer
        return header, self._read(body_length)

    def close(self) -> None:
        self._end.close()

    def _read(self, length: int) -> bytes:
        data = bytearray(length)
        free = memoryview(data)
        while free:
            self._set_timeout()
            try:
                count = self._end.recv_into(free)
            except ConnectionError:
                count = 0
            if not count:
                raise Closed
            free = free[count:]
        return bytes(data)

    def _set_timeout(self) -> None:
        if self.deadline is None:
            self._end.settimeout(None)
            return
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._end.settimeout(left)


def send_order(channel: Channel, order: Order, data: bytes) -> None:
    channel.send(asdict(order), data)


def send_answer(channel: Channel, contents: Contents | NotRead) -> None:
    match contents:
        case Picture(data, media_type, width, height, is_first_frame):
            header = {"media_type": media_type, "width": width, "height": height, "is_first_frame": is_first_frame}
            channel.send({"kind": "picture", **header}, data)
        case Pdf(start, pages):
            channel.send({"kind": "pdf", "start": start, "pages": pages})
        case Text(text, is_cut):
            channel.send({"kind": "text", "is_cut": is_cut}, text.encode())
        case NotRead():
            channel.send({"kind": "not read", "reason": contents.reason, "figure": contents.figure})


def receive_answer(channel: Channel, order: Order) -> Contents:
    """Raises NotRead, BadAnswer, Closed, TimeoutError."""
    header, body = channel.receive(LONGEST_ANSWER)
    match header:
        case {"kind": "picture", "media_type": str() as media_type, "width": width, "height": height, **others}:
            is_first_frame = others.get("is_first_frame")
            is_sized = _is_number(width, 1, LONGEST_EDGE) and _is_number(height, 1, LONGEST_EDGE)
            magic = MAGIC.get(media_type)
            if magic and body.startswith(magic) and is_sized and isinstance(is_first_frame, bool):
                return Picture(body, media_type, width, height, is_first_frame)
        case {"kind": "pdf", "start": start, "pages": pages}:
            if _is_number(start, 0, PDF_STARTS_WITHIN) and (pages is None or _is_number(pages, 1, order.pages)):
                return Pdf(start, pages)
        case {"kind": "text", "is_cut": bool() as is_cut}:
            text = _text(body)
            if text is not None and len(text) <= order.characters:
                return Text(text, is_cut)
        case {"kind": "not read", "reason": str() as reason, "figure": figure}:
            is_known = reason in REASONS and (reason != "large" or order.small_pixels is not None)
            if is_known and _is_number(figure, 0, MOST_PAGES):
                raise NotRead(reason, figure)
    raise BadAnswer


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _is_number(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most

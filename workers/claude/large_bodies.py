"""Requests with large files in them, sent in pieces.

The SDK makes one JSON text of a request, in one step: for 28 MB of files that holds the event loop for 60 to 100 ms.
So it gets a request with a stand-in for each large file, and the files themselves join the body as it is sent. A
stand-in is random, so nobody can write one into a message.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import httpx2

# Shorter data costs less than is won.
LARGE = 100_000
PIECE = 256_000
STAND_IN = re.compile(rb'"(parley-file-[0-9a-f]{32})"')


class LargeData:
    """The base64 of one file. Whoever makes the request holds it for as long as it may be sent."""

    def __init__(self, data: str) -> None:
        self.data = data


class LargeBodies:
    """The large files of the requests that are under way."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[str, LargeData] = WeakValueDictionary()

    def taken_out(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], list[LargeData]]:
        """The body with stand-ins for its large files, and these files, to be held."""
        held: list[LargeData] = []
        messages = [self._message(message, held) for message in body.get("messages", ())]
        return ({**body, "messages": messages} if held else dict(body)), held

    def put_back(self, request: httpx2.Request) -> httpx2.Request:
        """The request as it is sent."""
        if not self._held or request.method != "POST":
            return request
        pieces: list[bytes | str] = []
        for number, part in enumerate(STAND_IN.split(request.content)):
            large = self._held.get(part.decode()) if number % 2 else None
            if large is not None:
                pieces += ['"', large.data, '"']
            else:
                pieces.append(b'"%s"' % part if number % 2 else part)
        headers = request.headers.copy()
        # What is no bytes yet is ASCII, where a character is a byte.
        headers["content-length"] = str(sum(map(len, pieces)))
        return httpx2.Request(
            request.method, request.url, headers=headers, stream=_Pieces(pieces), extensions=request.extensions
        )

    def _message(self, message: Mapping[str, Any], held: list[LargeData]) -> Mapping[str, Any]:
        content = message.get("content")
        if not isinstance(content, Sequence) or isinstance(content, str):
            return message
        return {**message, "content": [self._block(block, held) for block in content]}

    def _block(self, block: Mapping[str, Any], held: list[LargeData]) -> Mapping[str, Any]:
        source = block.get("source")
        if not isinstance(source, Mapping) or source.get("type") != "base64" or len(source["data"]) < LARGE:
            return block
        large, name = LargeData(source["data"]), f"parley-file-{secrets.token_hex(16)}"
        self._held[name] = large
        held.append(large)
        return {**block, "source": {**source, "data": name}}


class _Pieces(httpx2.AsyncByteStream):
    def __init__(self, pieces: Iterable[bytes | str]) -> None:
        self._pieces = list(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            for start in range(0, len(piece), PIECE):
                part = piece[start : start + PIECE]
                yield part.encode() if isinstance(part, str) else part

"""What happened in the sandbox, in order: every request, delivery and delta, for assertions and measurements."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.clock import Clock

LIMIT = 200_000


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    `kind` is who did what ("slack.request", "slack.delivery", "slack.ack", "claude.request", "claude.delta", ...),
    `name` the method, event or path. `at` is sandbox time, `monotonic` real time in seconds for measurements.
    """

    kind: str
    name: str
    at: float
    monotonic: float
    data: dict[str, Any] = field(default_factory=dict)


class Journal:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=LIMIT)
        self._readers: set[asyncio.Queue[Entry]] = set()

    def add(self, kind: str, name: str, /, **data: Any) -> Entry:
        entry = Entry(kind, name, self._clock.time(), time.monotonic(), data)
        self._entries.append(entry)
        for reader in self._readers:
            reader.put_nowait(entry)
        return entry

    def entries(self, kind: str | None = None, name: str | None = None) -> list[Entry]:
        return [e for e in self._entries if kind in (None, e.kind) and name in (None, e.name)]

    @contextmanager
    def follow(self) -> Iterator[asyncio.Queue[Entry]]:
        """A queue that receives every entry added from now on."""
        reader: asyncio.Queue[Entry] = asyncio.Queue()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def until(self, wanted: Callable[[Entry], bool], within: float = 10.0) -> Entry:
        """The first entry, past or future, that `wanted` accepts. Raises TimeoutError after `within` real seconds."""
        with self.follow() as reader:
            for entry in list(self._entries):
                if wanted(entry):
                    return entry
            async with asyncio.timeout(within):
                while True:
                    entry = await reader.get()
                    if wanted(entry):
                        return entry

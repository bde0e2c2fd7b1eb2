"""The sandbox's one clock: every rule about time (rate windows, expiries, redelivery) reads it."""

import asyncio
import time


class Clock:
    """Wall-clock time that a test can run faster, freeze (speed 0) or move forward.

    `time()` and `sleep()` speak in sandbox seconds; `speed=60` lets a sandbox minute pass in a second.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._base = time.time()
        self._since = time.monotonic()
        self._moved = asyncio.Event()

    def time(self) -> float:
        """Seconds since the epoch, as the sandbox sees it."""
        return self._base + (time.monotonic() - self._since) * self._speed

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._base, self._since, self._speed = self.time(), time.monotonic(), speed
        self._wake()

    def advance(self, seconds: float) -> None:
        self._base += seconds
        self._wake()

    async def sleep(self, seconds: float) -> None:
        until = self.time() + seconds
        while (left := until - self.time()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(left / self._speed if self._speed else None):
                    await moved.wait()
            except TimeoutError:
                continue

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

"""The sandbox's one clock: every rule about time (rate windows, expiries, redelivery) reads it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
        await self.until(self.time() + seconds)

    async def until(self, when: float) -> None:
        """Sleep until the clock says `when`."""
        while (left := when - self.time()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(left / self._speed if self._speed else None):
                    await moved.wait()
            except TimeoutError:
                continue

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """The result of `work`. After that many sandbox seconds, cancels it and raises TimeoutError."""
        task = asyncio.ensure_future(work)
        # If the caller is cancelled, nobody else retrieves the exception, and asyncio would complain.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        timer = asyncio.ensure_future(self.until(self.time() + seconds))
        try:
            await asyncio.wait({task, timer}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            timer.cancel()
            if not task.done():
                task.cancel()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class Timers:
    """Things to do later on a clock, dropped together when the sandbox stops."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def after(self, seconds: float, action: Callable[[], None]) -> asyncio.Task[None]:
        """Call `action` once `seconds` have passed on the clock; cancel the returned task to call it off."""

        async def wait(when: float) -> None:
            await self._clock.until(when)
            action()

        return self.run(wait(self._clock.time() + seconds))

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

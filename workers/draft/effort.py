"""Where work on a text is done: on the event loop, or in a thread if it takes so long that others would wait for it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# From this on the work goes into a thread; for less, handing it over costs more than it saves.
INLINE_SECONDS = 0.02
# The hardest texts that we know take so long a character: links in labels of links, and quotes in quotes.
WORST_SECONDS_A_CHARACTER = 8e-6
# Each thread that computes makes the event loop wait for its turn a little longer (5 ms, sys.getswitchinterval).
THREADS = 2

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="layout")

Made = TypeVar("Made")


class Effort:
    """How long the work on one text took last. One for each text that grows."""

    def __init__(self) -> None:
        self._length, self._seconds = 0, 0.0

    async def make(self, length: int, work: Callable[[], Made]) -> Made:
        """What `work` returns, which reads a text of this length and must change nothing that others can see.

        If it is cancelled, the thread ends what it has begun, and nobody gets it.
        """
        if self._expected(length) <= INLINE_SECONDS:
            return self._measured(length, work)
        return await asyncio.get_running_loop().run_in_executor(_threads, self._measured, length, work)

    def _expected(self, length: int) -> float:
        """What was read before costs what it cost then; what is new may be of the worst kind."""
        known = min(1.0, length / self._length) * self._seconds if self._length else 0.0
        return known + max(0, length - self._length) * WORST_SECONDS_A_CHARACTER

    def _measured(self, length: int, work: Callable[[], Made]) -> Made:
        began = time.thread_time()
        made = work()
        self._length, self._seconds = length, time.thread_time() - began
        return made

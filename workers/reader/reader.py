"""Strangers' files, opened in other processes: two lanes, a second try, and a reason for each file that is not read.

Small files are opened one after another in one process, which stays; large ones one at a time, in a process each. So a
large file keeps no small one waiting, its memory is given back, and there is never more than one of it.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from workers.reader.child import Lane, ProcessDied, ReaderChild
from workers.reader.contents import Contents, NotRead, Order
from workers.reader.limits import ReadLimits, unlimited

log = logging.getLogger("parley.reader")

TRIES = 2
# After these a process may not be as it was.
SPENT = ("memory", "time")
LIMITS = ReadLimits()


class _LaneThread:
    """One thread, which waits for one process at a time."""

    def __init__(self, lane: Lane, limits: ReadLimits, *, keeps_process: bool) -> None:
        self._lane, self._limits, self._keeps_process = lane, limits, keeps_process
        self._child: ReaderChild | None = None
        self._is_closed = False
        # The kernel ends a process when the thread that started it ends, so this one stays.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")

    @property
    def pid(self) -> int | None:
        """The process that is there now."""
        child = self._child
        return child.pid if child else None

    async def read(self, data: bytes, order: Order) -> Contents:
        """Raises NotRead and ProcessDied. A file that is being read when this is cancelled is read to its end."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, data, order)

    async def close(self) -> None:
        """Files that are still being read get no answer."""
        self._is_closed = True
        child = self._child
        if child:
            child.kill()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end_child)
        self._thread.shutdown()

    def _read(self, data: bytes, order: Order) -> Contents:
        if self._child and not self._child.is_usable:
            self._end_child()
        is_spent = True
        try:
            if self._child is None:
                self._child = ReaderChild(self._lane, self._limits)
            if self._is_closed:
                raise ProcessDied("closed", is_file_to_blame=False)
            contents = self._child.read(data, order)
            is_spent = False
            return contents
        except NotRead as not_read:
            is_spent = not_read.reason in SPENT
            raise
        finally:
            if is_spent or not self._keeps_process:
                self._end_child()

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child:
            child.close()


class Reader:
    """Opens files, one at a time in each lane. Close it, or its last process stays until the worker ends."""

    def __init__(self, limits: ReadLimits = LIMITS) -> None:
        self._limits = limits
        small, large = Lane(limits.small_memory, limits.small_pixels), Lane(limits.large_memory, None)
        self.small = _LaneThread(small, limits, keeps_process=True)
        self.large = _LaneThread(large, limits, keeps_process=False)
        log.info("reader not limited on this platform: %s", " ".join(unlimited()))

    async def read(self, data: bytes, order: Order) -> Contents:
        """What is in the file.

        Raises NotRead; beside the reasons that the program knows, there are `time`, `crash` (the file ended the process
        that opened it, and another one) and `not_started` (not the file's fault).
        """
        if len(data) <= self._limits.small_bytes:
            try:
                return await self._try_twice(self.small, data, order)
            except NotRead as not_read:
                if not_read.reason not in ("large", "memory"):
                    raise
        return await self._try_twice(self.large, data, order)

    async def close(self) -> None:
        await self.small.close()
        await self.large.close()

    async def _try_twice(self, lane: _LaneThread, data: bytes, order: Order) -> Contents:
        is_file_to_blame = False
        for _ in range(TRIES):
            try:
                return await lane.read(data, order)
            except ProcessDied as died:
                log.warning("reader process ended error=%s opening_a_file=%s", died.error, died.is_file_to_blame)
                is_file_to_blame = died.is_file_to_blame
        raise NotRead("crash" if is_file_to_blame else "not_started")

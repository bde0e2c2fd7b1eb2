"""How long the event loop of a process stood still, and what ran meanwhile.

Everything that a process does takes turns on one event loop, so what holds the loop holds up everybody. The loop notes
the time at short intervals (a beat); where a beat comes late, the loop stood still. A thread looks on, and notes which
task runs while a beat is due. Both see ids and names of functions, never what people wrote (invariant 10).
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

log = logging.getLogger("parley.loop")

# How often the loop notes the time, and how often the thread looks whether it did.
BEAT_SECONDS = 0.02
LOOK_SECONDS = 0.05
# Shorter stalls are not counted, and up to LOGGED_SECONDS they are not logged.
COUNTED_SECONDS = 0.02
LOGGED_SECONDS = 0.1
# A stall that lasts longer is logged before it is over.
LONG_SECONDS = 1.0
# In so many seconds there is one line, about the longest stall.
LINE_SECONDS = 10.0
MOST_NAMES = 8
# How asyncio names tasks by itself.
NAMELESS = "Task-"
# Modules whose functions are named as the place of a stall; of others, only if none of ours called them.
OURS = ("bot.", "workers.")

_work: ContextVar[str | None] = ContextVar("work", default=None)


@dataclass(frozen=True)
class Stall:
    """`cpu` is the processor time of the whole process in these `seconds`, `loop_cpu` that of the loop's own thread.

    Little of both means that the process did not run: the machine was busy or asleep, or a call slept. `loop_cpu` is
    not known (nan) while the loop stands still. `ran` are the ids of the work that was seen running, `where` the
    functions.
    """

    seconds: float
    cpu: float
    loop_cpu: float
    ran: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Beat:
    at: float
    cpu: float
    loop_cpu: float


@contextmanager
def working_on(work: str) -> Iterator[None]:
    """Until the end of the block, this task and those that it starts bear these ids, and stalls are told of by them."""
    task = asyncio.current_task()
    token = _work.set(work)
    name = task.get_name() if task else ""
    if task:
        task.set_name(work)
    try:
        yield
    finally:
        _work.reset(token)
        if task:
            task.set_name(name)


class LoopWatch:
    """Watches the loop on which `watching` is entered. `observe` is called there with the seconds of each stall."""

    def __init__(self, process: str, observe: Callable[[float], None], line_seconds: float = LINE_SECONDS) -> None:
        self._process, self._observe, self._line_seconds = process, observe, line_seconds
        self._ended = threading.Event()
        self._last = _Beat(0.0, 0.0, 0.0)
        self._ran: dict[str, None] = {}
        self._where: dict[str, None] = {}
        self._next_line = float("-inf")
        # Stalls since the last line: how many, and the longest.
        self._stalls = 0
        self._longest: Stall | None = None

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["LoopWatch"]:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        factory = self._loop.get_task_factory()
        self._loop.set_task_factory(_named_task)
        thread = threading.Thread(target=self._look, name="loop-watch", daemon=True)
        self._last = _now()
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)
        thread.start()
        try:
            yield self
        finally:
            self._timer.cancel()
            self._ended.set()
            self._loop.set_task_factory(factory)
            self._tell()

    def _beat(self) -> None:
        last, now = self._last, _now()
        seconds = now.at - last.at - BEAT_SECONDS
        if seconds >= COUNTED_SECONDS:
            self._observe(seconds)
        if seconds >= LOGGED_SECONDS:
            stall = self._stall(now, last)
            self._stalls += 1
            if self._longest is None or stall.seconds > self._longest.seconds:
                self._longest = stall
        self._ran, self._where = {}, {}
        self._last = now
        if self._stalls and now.at >= self._next_line:
            self._tell()
            self._next_line = now.at + self._line_seconds
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _stall(self, now: _Beat, last: _Beat) -> Stall:
        # The thread may be noting something at this moment: whole copies first.
        ran, where = tuple(self._ran.copy()), tuple(self._where.copy())
        seconds = now.at - last.at - BEAT_SECONDS
        return Stall(seconds, now.cpu - last.cpu, now.loop_cpu - last.loop_cpu, ran, where)

    def _tell(self) -> None:
        """Log the longest stall since the last line, if there was any."""
        if self._longest is None:
            return
        _log("loop stood still", self._process, self._longest, self._stalls)
        self._stalls, self._longest = 0, None

    def _look(self) -> None:
        """Run in the thread: note what runs while a beat is due."""
        told_at = float("-inf")
        while not self._ended.wait(LOOK_SECONDS):
            last = self._last
            late = boot_time() - last.at - BEAT_SECONDS
            if late < LOOK_SECONDS:
                continue
            self._note()
            now = replace(_now(), loop_cpu=float("nan"))
            if late >= LONG_SECONDS and now.at - told_at >= self._line_seconds and self._last is last:
                told_at = now.at
                _log("loop stands still", self._process, self._stall(now, last), 1)

    def _note(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)
        where = _where(frame)
        if where is not None and len(self._where) < MOST_NAMES:
            self._where[where] = None
        task = asyncio.current_task(self._loop)
        if task is not None and not task.get_name().startswith(NAMELESS) and len(self._ran) < MOST_NAMES:
            self._ran[task.get_name()] = None


def boot_time() -> float:
    """Monotonic seconds, those in which the machine was suspended too, where the system has such a clock."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _now() -> _Beat:
    return _Beat(boot_time(), time.process_time(), time.thread_time())


class _Task(asyncio.Task[Any]):
    """Python 3.13 calls every task of a factory "None" (`set_name(None)`) that was started without a name."""

    def set_name(self, value: object) -> None:
        if value is not None:
            super().set_name(value)


def _named_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Task[Any]":
    """A task that bears the ids of the work that started it."""
    task = _Task(coroutine, loop=loop, **options)
    work = _work.get()
    if work is not None:
        task.set_name(work)
    return task


def _where(frame: FrameType | None) -> str | None:
    """The innermost function of ours, else the innermost one; None while the loop waits for something to do."""
    if frame is None or frame.f_code.co_name in ("select", "poll"):
        return None
    innermost = frame
    current: FrameType | None = frame
    while current is not None and not _module(current).startswith(OURS):
        current = current.f_back
    found = current or innermost
    return f"{_module(found)}.{found.f_code.co_name}:{found.f_lineno}"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _log(event: str, process: str, stall: Stall, stalls: int) -> None:
    log.warning(
        "%s process=%s seconds=%.2f cpu=%.2f loop_cpu=%.2f stalls=%d ran=%s where=%s",
        event,
        process,
        stall.seconds,
        stall.cpu,
        stall.loop_cpu,
        stalls,
        ",".join(stall.ran) or "-",
        ",".join(stall.where) or "-",
    )

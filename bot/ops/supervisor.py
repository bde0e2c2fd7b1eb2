"""Keeps child processes running, with back-off; stops them in order and leaves none behind."""

import asyncio
import ctypes
import logging
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.ops.private_folder import PRIVATE_UMASK, append_to

log = logging.getLogger("parley.up")

PR_SET_PDEATHSIG = 1
BACKOFF_SECONDS = (1.0, 30.0)
HEALTHY_SECONDS = 60.0


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel terminates the child when its parent dies, however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(frozen=True)
class Program:
    """A program to keep running. `stop_seconds` is how long it may take to end after SIGTERM."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    stop_seconds: float = 10.0
    output: Path | None = None


class Child:
    """One program, started again whenever it ends: after 1, 2, 4 ... 30 s. A run of a minute begins with 1 s again."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop it for good: SIGTERM, and SIGKILL when it takes too long."""
        if self._keeper:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._program.stop_seconds)
        except TimeoutError:
            log.error("killed program=%s pid=%d", self._program.name, process.pid)
            process.kill()
            await process.wait()

    async def _keep(self) -> None:
        wait = BACKOFF_SECONDS[0]
        while True:
            began = time.monotonic()
            try:
                code = await self._run()
            except OSError as error:
                log.error("not started program=%s error=%s", self._program.name, error.strerror)
                code = -1
            if time.monotonic() - began > HEALTHY_SECONDS:
                wait = BACKOFF_SECONDS[0]
            log.error("ended program=%s status=%d restart_in=%.0f", self._program.name, code, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, BACKOFF_SECONDS[1])

    async def _run(self) -> int:
        """Run the program once; its exit status.

        It has a session of its own: Ctrl-C reaches the supervisor only, which then stops the program.
        """
        with ExitStack() as stack:
            output = stack.enter_context(append_to(self._program.output)) if self._program.output else None
            self._process = await asyncio.create_subprocess_exec(
                *self._program.command,
                env=dict(self._program.environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
                umask=PRIVATE_UMASK,
            )
        return await self._process.wait()


class Supervisor:
    """Starts children as told and stops them in reverse order: `async with Supervisor() as up: up.start(program)`."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    async def __aenter__(self) -> "Supervisor":
        return self

    async def __aexit__(self, *details: object) -> None:
        for child in reversed(self._children):
            await child.stop()

    def start(self, program: Program) -> None:
        child = Child(program)
        self._children.append(child)
        child.start()

"""The Procfile's programs as processes, forked from one that has imported what they import.

Imports are all but a tenth of a second of a start, and the tests start a hundred of these processes.
"""

import asyncio
import multiprocessing
import os
import runpy
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bot.ops.supervisor import die_with_parent

ROOT = Path(__file__).parents[2]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["bot.serve", "workers.cli"])


def commands() -> dict[str, list[str]]:
    """What follows `python -m` in each line of the Procfile, by the name of the line."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    arguments: dict[str, list[str]] = {}
    for line in filter(None, lines):
        name, command = line.split(": ", 1)
        python, dash_m, *arguments[name] = shlex.split(command)
        assert (python, dash_m) == ("python", "-m")
    return arguments


class Process(Protocol):
    """A process of Parley's, wherever it runs."""

    @property
    def pid(self) -> int | None: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, number: signal.Signals) -> None: ...

    async def wait(self) -> int | None: ...


class Program:
    """A process, started at once. `command` is what follows `python -m`; the output goes to `log`."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self._process = _forks.Process(target=_run, args=(command, environ, log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def wait(self) -> int | None:
        await asyncio.to_thread(self._process.join)
        return self._process.exitcode


def _run(command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
    die_with_parent()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    module, *sys.argv[1:] = command
    runpy.run_module(module, run_name="__main__", alter_sys=True)

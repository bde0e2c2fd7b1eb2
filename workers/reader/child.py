"""One process that opens files, as a worker sees it. All of this waits: call it in a thread."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from resource import getpagesize

from workers.reader.contents import Contents, NotRead, Order
from workers.reader.frames import BadAnswer, Channel, Closed, receive_answer, send_order
from workers.reader.limits import ReadLimits

ROOT = Path(__file__).parents[2]
# Isolated from the user's and the current folder's modules and from the environment; the folder that Parley is in
# comes last.
PROGRAM = "import sys; sys.path.append(sys.argv[1]); from workers.reader import program; program.main()"
READY_SECONDS = 30.0
# A process has used these up only if a file has taken it over, or after very many files.
CPU_SECONDS_OF_ITS_LIFE = 120


class ProcessDied(Exception):
    """The process ended, or no longer answers as it should. `is_file_to_blame` is false while it had none yet."""

    def __init__(self, error: str, *, is_file_to_blame: bool) -> None:
        super().__init__(error)
        self.error = error
        self.is_file_to_blame = is_file_to_blame


@dataclass(frozen=True)
class Lane:
    """Which files a process opens: how much memory it may take, and from how many pixels on a picture is for others."""

    memory: int
    small_pixels: int | None


class ReaderChild:
    """A process that is confined and waits for files. Close it."""

    def __init__(self, lane: Lane, limits: ReadLimits) -> None:
        """Raises ProcessDied."""
        self._lane, self._limits = lane, limits
        self._files = 0
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        command = [sys.executable, "-I", "-c", PROGRAM, str(ROOT), str(lane.memory), str(CPU_SECONDS_OF_ITS_LIFE)]
        try:
            # A session of its own: signals to the worker's group are not for it. Nothing is forked but to start the
            # program, no descriptor is passed on but the socket.
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            ours.close()
            raise ProcessDied(type(error).__name__, is_file_to_blame=False) from None
        finally:
            theirs.close()
        try:
            self._channel.deadline = time.monotonic() + READY_SECONDS
            self._channel.receive(0)
        except (BadAnswer, Closed, TimeoutError) as error:
            self.close()
            raise ProcessDied(type(error).__name__, is_file_to_blame=False) from None
        self._size = self._resident()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_usable(self) -> bool:
        """Whether it may get another file: it lives, and has neither opened many nor grown much."""
        if self._process.poll() is not None or self._files >= self._limits.files:
            return False
        return self._resident() - self._size <= self._limits.growth

    def read(self, data: bytes, order: Order) -> Contents:
        """What is in the file. Raises NotRead and ProcessDied; after that, and where time or memory ran out, close it.

        NotRead has two reasons more than the program knows: `time`, and `large` from a small lane.
        """
        self._files += 1
        order = replace(order, small_pixels=self._lane.small_pixels, cpu_seconds=self._limits.cpu_seconds)
        self._channel.deadline = time.monotonic() + self._limits.wall_seconds
        try:
            send_order(self._channel, order, data)
            return receive_answer(self._channel, order)
        except TimeoutError:
            raise NotRead("time") from None
        except BadAnswer:
            raise ProcessDied("BadAnswer", is_file_to_blame=True) from None
        except Closed:
            status = self._ended()
            if status == -signal.SIGXCPU:
                raise NotRead("time") from None
            raise ProcessDied(f"status_{status}", is_file_to_blame=True) from None

    def kill(self) -> None:
        """From another thread too: whoever waits for it gets ProcessDied."""
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()
        self._channel.close()

    def _ended(self) -> int | None:
        """The status of a process that has closed its socket; None if it does not end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1.0)
        return None

    def _resident(self) -> int:
        """How many bytes of memory it has now; 0 where the system does not say."""
        try:
            statm = Path(f"/proc/{self.pid}/statm").read_text().split()
            return int(statm[1]) * getpagesize()
        except (OSError, IndexError):
            return 0

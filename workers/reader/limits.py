"""What one file may cost, and how the process that opens it is held to that.

A process limits itself before it gets its first byte of a file. It cannot raise its limits again, unless it runs as
root and a file has taken it over.
"""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass

MEGABYTE = 1_000_000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
# Standard input is the socket to the worker; standard output and error lead nowhere.
STANDARD_FILES = 3


@dataclass(frozen=True)
class ReadLimits:
    """How much opening one file may take.

    `wall_seconds` is what the worker waits, whatever the process does. `memory` is what a process may take beyond what
    it has when it starts: `small_memory` for files of up to `small_bytes` bytes and `small_pixels` decoded pixels,
    `large_memory` for others. A process opens `files` small files, or until it has grown by `growth`, or one large
    file.
    """

    cpu_seconds: int = 10
    wall_seconds: float = 30.0
    small_bytes: int = 5 * MEGABYTE
    small_pixels: int = 4_000_000
    small_memory: int = 100 * MEGABYTE
    large_memory: int = 320 * MEGABYTE
    files: int = 50
    growth: int = 50 * MEGABYTE


def unlimited() -> tuple[str, ...]:
    """What this platform cannot keep the processes from, as words for the log."""
    missing = ["signals"]
    if sys.platform != "linux":
        missing += ["memory", "end-with-the-worker-while-busy"]
    if os.geteuid() == 0:
        missing.append("what-root-may")
    return tuple(missing)


def confine(memory: int, cpu_seconds: int) -> None:
    """Limit this process for good: no new descriptor (so no file and no socket), no new process, nothing written.

    Whatever it needs must be imported before. `cpu_seconds` are those of its whole life; see `allow_cpu`.
    """
    # A service manager's signals go to all processes of the service. This one ends when its socket is closed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _limit(resource.RLIMIT_AS, _address_space() + memory)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, STANDARD_FILES)


def allow_cpu(seconds: int) -> None:
    """Let this process use so many more seconds of processor time; then SIGXCPU ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    # The kernel counts whole seconds.
    resource.setrlimit(resource.RLIMIT_CPU, (min(used + 1 + seconds, most), most))


def _limit(kind: int, most: int) -> None:
    """Both the limit and the most that it may be raised to; never more than what holds already."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()

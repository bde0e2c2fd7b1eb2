"""The process that opens files, and that it goes whenever it should and not before."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.kit import reader_program
from workers.reader import child
from workers.reader.child import Lane, ProcessDied, ReaderChild
from workers.reader.contents import NotRead, Order, Text
from workers.reader.limits import ReadLimits

ORDER = Order("text/plain", characters=10_000, pages=10, pixels=10_000)
LANE = Lane(memory=100_000_000, small_pixels=None)

pytestmark = pytest.mark.usefixtures("acting")


@contextlib.contextmanager
def started(limits: ReadLimits | None = None) -> Iterator[ReaderChild]:
    started = ReaderChild(LANE, limits or ReadLimits())
    try:
        yield started
    finally:
        started.close()


def is_alive(pid: int) -> bool:
    """Whether it runs; what has ended and was not fetched by its parent does not."""
    try:
        return state_of(pid)[0] != "Z"
    except OSError:
        return False


def state_of(pid: int) -> list[str]:
    """What the system says of it, from its state on."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()


def until_gone(pid: int, within: float = 10.0) -> None:
    until = time.monotonic() + within
    while is_alive(pid):
        assert time.monotonic() < until, "it still runs"
        time.sleep(0.02)


def test_one_process_reads_many_files() -> None:
    with started() as reading:
        assert reading.read(b"hello", ORDER) == Text("hello", is_cut=False)
        with pytest.raises(NotRead, match="type"):
            reading.read(b"\0", ORDER)
        assert reading.read(b"again", ORDER) == Text("again", is_cut=False)
        assert reading.is_usable


def test_it_is_done_after_so_many_files() -> None:
    with started(ReadLimits(files=2)) as reading:
        for is_usable in (True, False):
            reading.read(b"hello", ORDER)
            assert reading.is_usable == is_usable


@pytest.mark.skipif(sys.platform != "linux", reason="no other system says how large it is")
def test_it_is_done_when_it_has_grown() -> None:
    with started(ReadLimits(growth=10_000_000)) as reading:
        reading.read(b"act:keep 1000000", ORDER)
        assert reading.is_usable
        reading.read(b"act:keep 20000000", ORDER)
        assert not reading.is_usable


def test_a_process_that_dies_is_told_apart_from_a_file_that_is_not_read() -> None:
    with started() as reading, pytest.raises(ProcessDied, match="status_-11") as raised:
        reading.read(b"act:die 11", ORDER)
    assert raised.value.is_file_to_blame


@pytest.mark.parametrize("answer", ["00", "ffffffffffffffff", "0000000200000000" + b"{}".hex()])
def test_a_process_that_answers_nonsense_is_as_good_as_dead(answer: str) -> None:
    with started(ReadLimits(wall_seconds=1.0)) as reading, pytest.raises((ProcessDied, NotRead)):
        reading.read(f"act:write {answer}".encode(), ORDER)


def test_a_process_that_does_not_start_is_no_files_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "PROGRAM", "raise SystemExit(3)")
    with pytest.raises(ProcessDied) as raised:
        ReaderChild(LANE, ReadLimits())
    assert not raised.value.is_file_to_blame
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ProcessDied, match="FileNotFoundError") as raised:
        ReaderChild(LANE, ReadLimits())
    assert not raised.value.is_file_to_blame


def test_the_stop_of_a_service_does_not_reach_it() -> None:
    """A service manager signals each process; a terminal each of the worker's group."""
    with started() as reading:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(reading.pid, number)
        assert os.getpgid(reading.pid) != os.getpgid(0)
        assert reading.read(b"hello", ORDER) == Text("hello", is_cut=False)


def test_it_is_closed_and_gone_whatever_it_does() -> None:
    with started() as reading:
        pid = reading.pid
    assert not is_alive(pid)


def until_busy(pid: int) -> None:
    """Until it has worked for longer than it takes to start."""
    until = time.monotonic() + 30
    while sum(int(ticks) for ticks in state_of(pid)[11:13]) < 0.5 * os.sysconf("SC_CLK_TCK"):
        assert time.monotonic() < until, "it does nothing"
        time.sleep(0.02)


WORKER = f"""
import sys, time
from workers.reader import child
from workers.reader.child import Lane, ReaderChild
from workers.reader.contents import Order
from workers.reader.limits import ReadLimits
child.PROGRAM = {reader_program.PROGRAM!r}
reading = ReaderChild(Lane(100_000_000, None), ReadLimits())
print(reading.pid, flush=True)
reading.read(sys.argv[1].encode(), Order("text/plain", 1000, 1, 1))
print("read", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends after its processor time")
@pytest.mark.parametrize("file", ["hello", "act:spin"])
def test_it_ends_with_its_worker_even_when_that_is_killed(file: str) -> None:
    """While it waits for a file, and while it opens one."""
    with subprocess.Popen([sys.executable, "-c", WORKER, file], stdout=subprocess.PIPE, cwd=child.ROOT) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        if file == "hello":
            assert worker.stdout.readline() == b"read\n"
        else:
            until_busy(pid)
        assert is_alive(pid)
        worker.kill()
    until_gone(pid, within=5)


def test_it_ends_when_its_socket_is_closed() -> None:
    with started() as reading:
        reading._channel.close()
        until_gone(reading.pid)

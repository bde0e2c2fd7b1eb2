"""What the process that opens a file cannot do."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workers.reader import limits
from workers.reader.contents import NotRead, Order, Text
from workers.reader.limits import ReadLimits
from workers.reader.reader import Reader

ORDER = Order("text/plain", characters=10_000, pages=10, pixels=10_000)

pytestmark = pytest.mark.usefixtures("acting")


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(ReadLimits(cpu_seconds=1, wall_seconds=600.0))
    yield reader
    await reader.close()


async def tried(reader: Reader, what: str) -> str:
    contents = await reader.read(f"act:try {what}".encode(), ORDER)
    assert isinstance(contents, Text)
    return contents.text


async def test_it_has_nothing_of_the_workers_environment(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    assert "secret" not in await tried(reader, "environ")
    if sys.platform == "linux":
        assert Path(f"/proc/{reader.small.pid}/environ").read_bytes() == b""


async def test_it_has_no_descriptor_but_its_socket(reader: Reader) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(read_end, True)
    numbers = (await tried(reader, "descriptors")).split()
    assert numbers[:3] == ["0", "1", "2"]
    files = [os.readlink(f"/proc/{reader.small.pid}/fd/{number}") for number in numbers[3:]]
    # Which ctypes loads; from 3.5 on it keeps its own file open.
    assert [file for file in files if "/libffi." not in file] == []
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("what", ["read", "write", "network"])
async def test_it_opens_neither_files_nor_connections(reader: Reader, what: str) -> None:
    assert await tried(reader, what) == "OSError"


async def test_it_starts_no_process(reader: Reader) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may")
    assert await tried(reader, "fork") == "BlockingIOError"


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits it")
async def test_a_file_that_takes_too_much_memory_is_tried_where_there_is_more_and_then_left_out(
    reader: Reader,
) -> None:
    small, large = ReadLimits().small_memory, ReadLimits().large_memory
    assert await reader.read(b"act:eat %d" % (small // 2), ORDER) == Text("done", is_cut=False)
    assert await reader.read(b"act:eat %d" % (small + 1_000_000), ORDER) == Text("done", is_cut=False)
    with pytest.raises(NotRead, match="memory"):
        await reader.read(b"act:eat %d" % (large + 1_000_000), ORDER)


async def test_a_file_that_takes_too_much_processor_time_is_left_out(reader: Reader) -> None:
    with pytest.raises(NotRead, match="time"):
        await reader.read(b"act:spin", ORDER)


async def test_the_next_file_has_its_processor_time_for_itself(reader: Reader) -> None:
    """Each of these uses some; all together use more than one file may."""
    pids = set()
    for _ in range(5):
        assert await reader.read(b"act:burn 0.6", ORDER) == Text("done", is_cut=False)
        pids.add(reader.small.pid)
    assert len(pids) == 1


async def test_a_file_that_only_waits_is_left_out_too() -> None:
    reader = Reader(ReadLimits(wall_seconds=0.5))
    with pytest.raises(NotRead, match="time"):
        await reader.read(b"act:sleep 60", ORDER)
    await reader.close()


def test_what_the_platform_cannot_limit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "signals" in limits.unlimited()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "memory" in limits.unlimited()

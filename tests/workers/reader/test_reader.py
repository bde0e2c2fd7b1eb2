"""Files are opened elsewhere: each is read or has a reason, and whoever waits is not held up."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit import hostile_files
from workers.reader import child
from workers.reader.contents import Contents, NotRead, Order, Pdf, Picture, Text
from workers.reader.limits import ReadLimits
from workers.reader.reader import Reader

ORDER = Order("text/plain", characters=100_000, pages=100, pixels=50_000_000)
HELLO = Text("hello", is_cut=False)
TICK = 0.01


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader()
    yield reader
    await reader.close()


async def become(reader: Reader, data: bytes) -> str:
    """The kind of its contents, or the reason why it was not read."""
    try:
        contents = await reader.read(data, ORDER)
    except NotRead as not_read:
        return not_read.reason
    return type(contents).__name__


HOSTILE = {
    "a count a million times": (hostile_files.counting_pdf, "Pdf"),
    "counts of nodes": (lambda: b"%PDF-1.4" + b"/Type/Pages/Count 111111" * 800_000, "pages"),
    "pages without end": (lambda: b"%PDF-1.4" + b"/Type/Page" * 1_900_000, "pages"),
    "thousands of scans": (lambda: hostile_files.progressive_jpeg(60_000), "scans"),
    "a hundred scans, large": (lambda: hostile_files.progressive_jpeg(100, 5_000), "Picture"),
    "scans held in memory": (lambda: hostile_files.progressive_jpeg(12, 7_000, subsampling=0), "memory"),
    "49 megapixels, 16 bits": (lambda: hostile_files.png(7_071, 7_071), "Picture"),
    "49 megapixels, palette": (lambda: hostile_files.png(7_071, 7_071, depth=8, colour=3), "Picture"),
    "a bomb": (lambda: hostile_files.png(60_000, 60_000, rows=0), "pixels"),
    "a long line of pixels": (lambda: hostile_files.png(49_000_000, 1), "memory"),
    "fill bytes": (lambda: b"\xff\xd8\xff" + b"\xff" * 5_000_000, "broken"),
    "one emoji and returns": (lambda: ("😀" + "\r" * 19_000_000).encode(), "Text"),
    "a text that ends in a zero": (lambda: b"a" * 19_999_999 + b"\0", "type"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_is_read_or_has_a_reason_and_everybody_else_goes_on(reader: Reader, name: str) -> None:
    make, expected = HOSTILE[name]
    data = await asyncio.to_thread(make)
    began = time.thread_time()
    assert await become(reader, data) == expected
    # It is the other process that works.
    assert time.thread_time() - began < 0.1
    assert await reader.read(b"hello", ORDER) == HELLO


@pytest.mark.proof
@pytest.mark.skipif(sys.platform != "linux", reason="no other system says how much memory a process shares")
async def test_ten_very_large_pictures_take_the_memory_of_one(reader: Reader) -> None:
    data = await asyncio.to_thread(hostile_files.png, 7_071, 7_071)
    reading = asyncio.gather(*(reader.read(data, ORDER) for _ in range(10)))
    most = 0
    while not reading.done():
        await asyncio.sleep(TICK)
        most = max(most, memory(reader.small.pid) + memory(reader.large.pid))
    assert {type(contents) for contents in await reading} == {Picture}
    assert 100_000_000 < most < 350_000_000
    assert reader.large.pid is None


def memory(pid: int | None) -> int:
    """What a process has for itself and its part of what it shares, in bytes."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


async def test_small_files_do_not_wait_for_large_ones(reader: Reader) -> None:
    assert await reader.read(b"hello", ORDER) == HELLO
    large = asyncio.create_task(reader.read(hostile_files.progressive_jpeg(100, 5_000), ORDER))
    while reader.large.pid is None:
        await asyncio.sleep(TICK)
    for _ in range(3):
        assert await reader.read(b"hello", ORDER) == HELLO
    assert not large.done()
    assert isinstance(await large, Picture)


async def test_a_file_that_kills_its_process_is_tried_once_more_and_then_left_out(
    reader: Reader, acting: None, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotRead, match="crash"):
        await reader.read(b"act:die 9", ORDER)
    assert [record.getMessage() for record in caplog.records if "ended" in record.getMessage()] == [
        "reader process ended error=status_-9 opening_a_file=True"
    ] * 2
    assert await reader.read(b"hello", ORDER) == HELLO


async def test_a_process_that_is_killed_for_another_reason_costs_a_file_nothing(reader: Reader, acting: None) -> None:
    reading = asyncio.create_task(reader.read(b"act:burn 1", ORDER))
    while not has_process(reader):
        await asyncio.sleep(TICK)
    await asyncio.sleep(0.3)
    kill(reader)
    assert await reading == Text("done", is_cut=False)
    kill(reader)
    assert await reader.read(b"hello", ORDER) == HELLO


def has_process(reader: Reader) -> bool:
    return reader.small.pid is not None


def kill(reader: Reader) -> None:
    assert reader.small.pid
    os.kill(reader.small.pid, signal.SIGKILL)


@pytest.mark.parametrize("reason", ["<!channel>", "crash", "time", "large" * 1_000])
async def test_a_process_that_makes_up_a_reason_is_not_believed(reader: Reader, acting: None, reason: str) -> None:
    with pytest.raises(NotRead, match="crash"):
        await reader.read(f"act:leave {reason}".encode(), ORDER)


async def test_a_process_that_gives_something_else_for_a_picture_is_not_believed(reader: Reader, acting: None) -> None:
    with pytest.raises(NotRead, match="crash"):
        await reader.read(b"act:picture", ORDER)


async def test_a_process_that_cannot_be_started_is_no_files_fault(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "PROGRAM", "raise SystemExit(3)")
    with pytest.raises(NotRead, match="not_started"):
        await reader.read(b"hello", ORDER)


async def test_many_files_at_once_come_each_to_who_asked(reader: Reader) -> None:
    texts = [f"{number} {'x' * random.Random(number).randrange(100_000)}" for number in range(60)]
    contents: list[Contents] = await asyncio.gather(*(reader.read(text.encode(), ORDER) for text in texts))
    assert contents == [Text(text[:100_000], is_cut=False) for text in texts]


async def test_who_no_longer_waits_keeps_nobody_else_waiting(acting: None) -> None:
    reader = Reader(ReadLimits(wall_seconds=2.0))
    gone = [asyncio.create_task(reader.read(b"act:sleep 60", ORDER)) for _ in range(20)]
    await asyncio.sleep(0.1)
    for task in gone:
        task.cancel()
    began = time.monotonic()
    assert await reader.read(b"hello", ORDER) == HELLO
    assert time.monotonic() - began < 20, "the nineteen that had not begun never begin"
    await reader.close()


async def test_a_reader_that_is_closed_ends_what_it_has_begun(acting: None) -> None:
    reader = Reader()
    reading = [asyncio.create_task(reader.read(b"act:sleep 60", ORDER)) for _ in range(3)]
    while not has_process(reader):
        await asyncio.sleep(TICK)
    began = time.monotonic()
    await reader.close()
    assert time.monotonic() - began < 10
    assert not has_process(reader)
    assert {type(end) for end in await asyncio.gather(*reading, return_exceptions=True)} <= {NotRead, RuntimeError}


async def test_what_is_not_limited_is_said_once_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "parley.reader"):
        reader = Reader()
        await reader.read(b"hello", ORDER)
        assert await reader.read(b"%PDF-1.7 <</Type/Page>>", ORDER) == Pdf(0, 1)
        await reader.close()
    [line] = [record.getMessage() for record in caplog.records if record.name == "parley.reader"]
    assert line.startswith("reader not limited on this platform: signals")

"""What holds the event loop is told of by its ids and counted, and costs nearly nothing to look for."""

import asyncio
import contextlib
import logging
import re
import threading
import time

import pytest

from bot.loop_watch import LoopWatch, working_on

LINE = re.compile(
    r"(loop stood still|loop stands still) process=test seconds=([\d.]+) cpu=([\d.]+) loop_cpu=([\d.]+|nan) "
    r"stalls=(\d+) ran=(\S+) where=(\S+)"
)


async def beats() -> None:
    """Let the loop come to rest, and its watch with it."""
    await asyncio.sleep(0.1)


def lines(caplog: pytest.LogCaptureFixture) -> list[re.Match[str]]:
    told = [record.getMessage() for record in caplog.records if record.name == "parley.loop"]
    matches = [LINE.fullmatch(line) for line in told]
    assert None not in matches, told
    return [match for match in matches if match]


def hold(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_stall_is_logged_with_the_ids_and_the_place_of_what_ran_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stalls: list[float] = []

    async def answer() -> None:
        with working_on("T1:C1:1.1/1.2"):
            await asyncio.sleep(0.05)
            # A task of this work bears its ids too.
            await asyncio.create_task(asyncio.sleep(0.01))
            hold(0.6)

    async with LoopWatch("test", stalls.append).watching():
        await asyncio.create_task(answer())
        await beats()
    line = max(lines(caplog), key=lambda line: float(line[2]))
    assert (line[1], line[6]) == ("loop stood still", "T1:C1:1.1/1.2")
    assert float(line[2]) >= 0.5
    assert ".hold:" in line[7]
    assert max(stalls) >= 0.5


async def test_a_task_that_was_started_for_work_is_known_by_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    async def hold_later() -> None:
        await asyncio.sleep(0.05)
        hold(0.6)

    async with LoopWatch("test", lambda seconds: None).watching():
        with working_on("T1:C1:2.1/2.2"):
            task = asyncio.create_task(hold_later())
        await task
        await beats()
    assert {line[6] for line in lines(caplog)} - {"-"} == {"T1:C1:2.1/2.2"}


async def test_work_that_is_over_is_not_told_of() -> None:
    own = asyncio.current_task()
    assert own is not None
    name = own.get_name()
    with working_on("T1:C1:1.1/1.2"):
        assert own.get_name() == "T1:C1:1.1/1.2"
    assert own.get_name() == name
    async with LoopWatch("test", lambda seconds: None).watching():
        task = asyncio.create_task(asyncio.sleep(0))
        assert task.get_name().startswith("Task-")
        await task


async def test_many_stalls_are_one_line_about_the_longest_and_all_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stalls: list[float] = []
    async with LoopWatch("test", stalls.append).watching():
        for seconds in (0.3, 0.3, 0.9, 0.3):
            hold(seconds)
            await beats()
    first, *others = lines(caplog)
    assert first[5] == "1"
    # At the end, or after ten seconds, the rest is told in one line.
    assert len(others) <= 2
    assert sum(int(line[5]) for line in others) >= 3
    assert max(float(line[2]) for line in others) >= 0.8
    assert len([seconds for seconds in stalls if seconds >= 0.2]) >= 4


async def test_a_loop_that_stands_still_for_long_is_told_of_while_it_does(caplog: pytest.LogCaptureFixture) -> None:
    async with LoopWatch("test", lambda seconds: None).watching():
        await beats()
        seen_during: list[int] = []

        def stand_still() -> None:
            until = time.monotonic() + 10
            while not seen_during and time.monotonic() < until:
                time.sleep(0.05)
                if any(line[1] == "loop stands still" for line in lines(caplog)):
                    seen_during.append(1)

        with working_on("T1:C1:3.1/3.2"):
            stand_still()
        await beats()
    assert seen_during
    line = next(line for line in lines(caplog) if line[1] == "loop stands still")
    assert line[6] == "T1:C1:3.1/3.2"


async def test_the_processor_time_tells_a_busy_loop_from_a_process_that_did_not_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with LoopWatch("test", lambda seconds: None).watching():
        await beats()
        until = time.thread_time() + 0.5
        with working_on("busy"):
            while time.thread_time() < until:
                pass
        await beats()
    async with LoopWatch("test", lambda seconds: None).watching():
        await beats()
        with working_on("asleep"):
            hold(0.6)
        await beats()
    cpu = {line[6]: (float(line[3]), float(line[4])) for line in lines(caplog) if line[6] != "-"}
    assert cpu["busy"][0] >= 0.4
    assert cpu["busy"][1] >= 0.4
    assert cpu["asleep"][1] < 0.3


async def test_a_loop_that_only_waits_is_not_told_of_and_costs_nearly_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def processor_time() -> float:
        began = time.process_time()
        await asyncio.sleep(2)
        return time.process_time() - began

    without = await processor_time()
    async with LoopWatch("test", lambda seconds: None).watching():
        cost = (await processor_time() - without) / 2
        threads = [thread.name for thread in threading.enumerate()]
    assert "loop-watch" in threads
    # 0.5 % on a quiet machine.
    assert cost < 0.05
    # The machine may have stood still, but nothing of ours ran then.
    assert {line[6] for line in lines(caplog)} <= {"-"}
    with contextlib.suppress(StopIteration):
        thread = next(thread for thread in threading.enumerate() if thread.name == "loop-watch")
        thread.join(5)
        assert not thread.is_alive()


async def test_a_short_stall_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    stalls: list[float] = []
    async with LoopWatch("test", stalls.append).watching():
        await beats()
        with working_on("short"):
            hold(0.03)
        await beats()
    # On a busy machine anything can take longer; what is logged must then really have taken as long.
    assert all(float(line[2]) >= 0.1 for line in lines(caplog))
    if max(stalls, default=0.0) < 0.1:
        assert not lines(caplog)

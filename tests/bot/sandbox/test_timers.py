"""Waiting on the sandbox's clock."""

import asyncio

import pytest

from bot.sandbox.clock import Clock, Timers


async def test_work_in_time_gives_its_result() -> None:
    async def work() -> str:
        return "done"

    assert await Clock(0).within(3, work()) == "done"


async def test_late_work_is_cancelled_when_the_clock_says_so() -> None:
    clock = Clock(0)
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.ensure_future(clock.within(3, work()))
    await asyncio.sleep(0)
    clock.advance(3)
    with pytest.raises(TimeoutError):
        await waiting
    await cancelled.wait()


async def test_errors_of_the_work_come_through() -> None:
    async def work() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError):
        await Clock(0).within(3, work())


async def test_timer_goes_off_once_the_clock_has_moved_and_can_be_called_off() -> None:
    clock = Clock(0)
    timers = Timers(clock)
    rung: list[str] = []
    timers.after(60, lambda: rung.append("first"))
    timers.after(60, lambda: rung.append("second")).cancel()
    last = timers.after(120, lambda: rung.append("third"))
    clock.advance(61)
    while not rung:
        await asyncio.sleep(0)
    await timers.close()
    assert rung == ["first"]
    assert last.cancelled()

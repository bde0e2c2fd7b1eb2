import asyncio
import time

from workers.draft.clock import Clock


async def test_a_wait_of_a_growing_reply_ends_with_it() -> None:
    clock = Clock()
    waiting = asyncio.create_task(clock.wait(60.0))
    await asyncio.sleep(0)
    clock.ending.set()
    assert await asyncio.wait_for(waiting, 10.0)
    assert await clock.wait(60.0)


async def test_a_wait_that_passes_before_the_reply_is_ended_says_so() -> None:
    clock = Clock()
    assert not await clock.wait(0.01)
    assert not await clock.wait(-1.0)


async def test_the_waits_of_the_last_words_are_as_long_as_they_should() -> None:
    clock = Clock()
    clock.ending.set()
    clock.is_final = True
    began = time.monotonic()
    assert not await clock.wait(0.1)
    assert time.monotonic() - began >= 0.09


async def test_each_time_it_backs_off_it_waits_longer() -> None:
    clock = Clock((0.01, 0.03))
    waits = []
    for _ in range(3):
        waits.append(clock.backoff.wait)
        await clock.back_off()
    assert waits == [0.01, 0.02, 0.03]

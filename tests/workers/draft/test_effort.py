"""A text that takes long to lay out is laid out beside the event loop, others on it."""

import asyncio
import threading
from contextlib import suppress

from bot.store.threads.replies import Final
from bot.talk.message import Message, Thread
from workers.draft.composition import Composition
from workers.draft.effort import WORST_SECONDS_A_CHARACTER, Effort
from workers.draft.layout import Form, lay_out
from workers.draft.turn import Terms

# It takes most of a second (links in labels of links).
HARD = "[](" * 33_000 + ")"
TERMS = Terms(frozenset())


def here() -> str:
    return threading.current_thread().name


def composed() -> Composition:
    return Composition(Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "a question"), TERMS)


async def test_others_go_on_while_a_hard_text_is_laid_out() -> None:
    composition = composed()
    composition.write(HARD)
    composition.ended = Final(HARD)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await composition.lay_out([])
    ticking.cancel()
    # On the event loop there would be none.
    assert ticks >= 3
    due = composition.next([], 0)
    assert due is not None
    expected = lay_out(HARD, Form(most=TERMS.most_length), ended=True, streams=lambda number: False, cuts={})
    assert (due.content, composition.rest, composition.count) == (
        expected.contents[0],
        expected.rest,
        len(expected.contents),
    )


async def test_what_is_written_meanwhile_comes_with_the_next_layout() -> None:
    composition = composed()
    composition.write("word " * 1_600)
    laying_out = asyncio.create_task(composition.lay_out([]))
    await asyncio.sleep(0)
    composition.write("word " * 1_700)
    await laying_out
    first = composition.next([], 0)
    await composition.lay_out([])
    second = composition.next([], 0)
    assert first is not None
    assert second is not None
    assert len(first.content) <= 8_000 < len(second.content) <= 8_500


async def test_a_text_is_laid_out_once_for_all_that_is_asked_of_it() -> None:
    composition = composed()
    composition.write(HARD)
    composition.ended = Final(HARD)
    await composition.lay_out([])
    layout = composition._layout([])
    await composition.lay_out([])
    assert composition.rest
    assert composition._layout([]) is layout


async def test_a_short_text_is_read_on_the_event_loop_and_a_long_one_in_a_thread() -> None:
    effort = Effort()
    assert await effort.make(1_000, here) == here()
    assert (await effort.make(100_000, here)).startswith("layout")


async def test_a_long_text_that_was_easy_so_far_is_read_on_the_event_loop() -> None:
    effort = Effort()
    await effort.make(20_000, here)
    assert await effort.make(20_500, here) == here()
    # Much that is new may be hard.
    much = int(0.03 / WORST_SECONDS_A_CHARACTER)
    assert (await effort.make(20_500 + much, here)).startswith("layout")


async def test_a_text_that_was_hard_is_read_in_a_thread_however_little_is_new() -> None:
    effort = Effort()
    await effort.make(99_000, lambda: lay_out(HARD, Form(), ended=True, streams=lambda number: False, cuts={}))
    assert (await effort.make(99_001, here)).startswith("layout")


async def test_a_layout_that_nobody_waits_for_any_more_changes_nothing() -> None:
    composition = composed()
    composition.write(HARD)
    composition.ended = Final(HARD)
    laying_out = asyncio.create_task(composition.lay_out([]))
    await asyncio.sleep(0.01)
    laying_out.cancel()
    with suppress(asyncio.CancelledError):
        await laying_out
    composition.write("Short")
    await composition.lay_out([])
    due = composition.next([], 0)
    assert due is not None
    assert due.content == "Short"

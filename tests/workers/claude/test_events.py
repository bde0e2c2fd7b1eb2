"""Bodies of any size and shape, read so that others have their turn."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from workers.claude import events
from workers.claude.events import BoundedDecoder, EventTooLarge

HELLO = b"event: a\ndata: hello\n\n"


async def body(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(*chunks: bytes) -> list[str]:
    return [event.data async for event in BoundedDecoder().aiter_bytes(body(*chunks))]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
async def test_events_are_read_however_the_body_is_cut(end: bytes, size: int) -> None:
    whole = (HELLO + ": a comment\n\ndata: två\ndata: lines\n\n".encode() + HELLO).replace(b"\n", end)
    assert await read(*(whole[at : at + size] for at in range(0, len(whole), size))) == ["hello", "två\nlines", "hello"]


async def test_what_is_left_without_a_blank_line_is_no_event() -> None:
    assert await read(HELLO, b"data: half") == ["hello"]


@pytest.mark.parametrize("endless", [b"x" * 60_000, b"data: {}\n" * 6_666, b"data: {}\r" * 6_666])
async def test_an_event_without_an_end_ends_the_body(endless: bytes) -> None:
    began = time.process_time()
    with pytest.raises(EventTooLarge):
        await read(HELLO, *([endless] * (events.MOST_EVENT_BYTES // len(endless) + 2)))
    # The SDK's own way takes minutes for the lines.
    assert time.process_time() - began < 2


@pytest.mark.parametrize("more", [HELLO, b"data: {}\n\n", b": comment\n\n", b"data: x\n"])
async def test_others_have_their_turn_while_very_much_is_read(more: bytes) -> None:
    turns: list[int] = []

    async def other() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    other_one = asyncio.create_task(other())
    await read(*cut(more * 100_000, 65_536), b"\n")
    other_one.cancel()
    assert len(turns) >= 100_000 // events.LINES_A_TURN


def cut(whole: bytes, size: int) -> Sequence[bytes]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]

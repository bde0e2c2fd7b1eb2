"""What a worker believes of what comes back from a process that a stranger's file may have taken over."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.reader.contents import MOST_PAGES, Contents, NotRead, Order, Pdf, Picture, Text
from workers.reader.frames import (
    LENGTHS,
    LONGEST_ANSWER,
    BadAnswer,
    Channel,
    Closed,
    receive_answer,
    send_answer,
)

ORDER = Order("", characters=10, pages=100, pixels=1)
PNG = b"\x89PNG\r\n\x1a\n..."


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def received(sent: bytes, order: Order = ORDER) -> Contents:
    """What becomes of an answer that is these bytes, and of one that never ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=theirs.sendall, args=(sent,))
        sender.start()
        channel = Channel(ours)
        channel.deadline = time.monotonic() + 20
        try:
            sender.join()
            theirs.close()
            return receive_answer(channel, order)
        finally:
            sender.join()


def frame(header: object, body: bytes = b"") -> bytes:
    encoded = json.dumps(header).encode()
    return LENGTHS.pack(len(encoded), len(body)) + encoded + body


@pytest.mark.parametrize(
    "contents",
    [
        Picture(PNG, "image/png", 1_568, 1, is_first_frame=True),
        Picture(b"\xff\xd8\xff...", "image/jpeg", 1, 1_568, is_first_frame=False),
        Pdf(1_019, 100),
        Pdf(0, None),
        Text("Grüße 😀", is_cut=True),
    ],
)
def test_an_answer_comes_as_it_was_sent(contents: Contents, ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    send_answer(Channel(theirs), contents)
    assert receive_answer(Channel(ours), ORDER) == contents


def test_a_reason_comes_with_its_figure(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    send_answer(Channel(theirs), NotRead("pages", 340))
    with pytest.raises(NotRead, match="pages") as raised:
        receive_answer(Channel(ours), ORDER)
    assert raised.value.figure == 340


PICTURE = {"kind": "picture", "media_type": "image/png", "width": 5, "height": 5, "is_first_frame": False}


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ([], b""),
        ({}, b""),
        ({"kind": "other"}, b""),
        (PICTURE, b"<html>"),
        (PICTURE | {"media_type": "text/html"}, PNG),
        (PICTURE | {"width": 0}, PNG),
        (PICTURE | {"height": 1_569}, PNG),
        (PICTURE | {"width": True}, PNG),
        (PICTURE | {"width": "5"}, PNG),
        (PICTURE | {"is_first_frame": "no"}, PNG),
        ({"kind": "pdf", "start": -1, "pages": 1}, b""),
        ({"kind": "pdf", "start": 0, "pages": 101}, b""),
        ({"kind": "pdf", "start": 0, "pages": 0}, b""),
        ({"kind": "pdf", "start": 0, "pages": 1.0}, b""),
        ({"kind": "text", "is_cut": False}, b"more than ten"),
        ({"kind": "text", "is_cut": False}, b"\xff"),
        ({"kind": "text", "is_cut": 0}, b"hello"),
        ({"kind": "not read", "reason": "<!channel>", "figure": 0}, b""),
        ({"kind": "not read", "reason": "pages", "figure": MOST_PAGES + 1}, b""),
        ({"kind": "not read", "reason": "large", "figure": 0}, b""),
    ],
)
def test_what_is_not_as_it_should_be_is_no_answer(header: object, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        received(frame(header, body))


@pytest.mark.parametrize(
    "sent",
    [
        LENGTHS.pack(1_001, 0),
        LENGTHS.pack(2, LONGEST_ANSWER + 1) + b"{}",
        LENGTHS.pack(4, 0) + b"\xff\xff\xff\xff",
        LENGTHS.pack(1_000, 0) + b"[" * 1_000,
        LENGTHS.pack(999, 0) + b"1" * 999,
    ],
)
def test_what_is_too_long_or_no_json_is_no_answer(sent: bytes) -> None:
    with pytest.raises(BadAnswer):
        received(sent)


@pytest.mark.parametrize("sent", [b"", b"\0", frame({})[:-1], frame(PICTURE, PNG)[:-1]])
def test_an_answer_that_breaks_off_is_told_apart(sent: bytes) -> None:
    with pytest.raises(Closed):
        received(sent)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner))
HEADERS = st.dictionaries(st.sampled_from([*PICTURE, "start", "pages", "is_cut", "reason", "figure"]), JSON)


@given(HEADERS, st.sampled_from(["picture", "pdf", "text", "not read"]), st.binary(max_size=50))
def test_any_answer_is_contents_or_one_of_these_errors(header: dict[str, Any], kind: str, body: bytes) -> None:
    try:
        contents = received(frame(header | {"kind": kind}, body))
    except (BadAnswer, NotRead):
        return
    assert isinstance(contents, Picture | Pdf | Text)


def test_who_waits_for_an_answer_waits_until_the_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    channel = Channel(ours)
    channel.deadline = time.monotonic() + 0.1
    theirs.sendall(b"\0")
    with pytest.raises(TimeoutError):
        receive_answer(channel, ORDER)
    channel.deadline = time.monotonic() + 0.1
    with pytest.raises(TimeoutError):
        channel.send({}, bytes(10_000_000))

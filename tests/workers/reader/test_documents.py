"""What kind of file some bytes are, and what of a text or a PDF Claude gets."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit import hostile_files
from workers.reader.contents import MOST_PAGES, NotRead, Order, Pdf, Text
from workers.reader.documents import decoded, is_locked, kind, opened_pdf, opened_text, pages, shortened


@pytest.mark.parametrize(
    ("data", "mimetype", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n...", "text/plain", "picture"),
        (b"\xff\xd8\xff\xe0", "", "picture"),
        (b"GIF89a", "image/png", "picture"),
        (b"RIFF....WEBPVP8 ", "", "picture"),
        (b"RIFF....WAVEfmt\0", "audio/wav", "other"),
        (b"%PDF-1.7", "application/octet-stream", "pdf"),
        (b"\n\n%PDF-1.4", "", "pdf"),
        (b"\0\0\0\x18ftypheic\0\0", "image/heic", "other"),
        (b"<svg xmlns='...'/>", "image/svg+xml", "other"),
        (b"<?xml version='1.0'?>\n<svg/>", "text/xml", "other"),
        (b"PK\x03\x04\x14\0", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "other"),
        (b"a,b\n1,2", "application/octet-stream", "text"),
        (b"print(1)", "", "text"),
        ("Grüße".encode("latin-1"), "text/plain", "text"),
        ("Grüße".encode("latin-1"), "application/octet-stream", "other"),
    ],
)
def test_bytes_say_what_they_are_whatever_their_name_says(data: bytes, mimetype: str, expected: str) -> None:
    assert kind(data, mimetype) == expected


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_text_is_read_in_the_usual_codings(coding: str) -> None:
    assert decoded("Grüße,\r\nund mehr davon".encode(coding), "text/csv") == "Grüße,\nund mehr davon"


@pytest.mark.parametrize("data", [b"\x01\x02\x03", b"abc\0def", bytes(range(256))])
def test_what_has_control_characters_is_no_text(data: bytes) -> None:
    assert decoded(data, "text/plain") is None


@given(st.binary(max_size=300), st.sampled_from(["", "text/plain", "application/json", "image/png"]))
def test_any_bytes_have_a_kind(data: bytes, mimetype: str) -> None:
    assert kind(data, mimetype) in ("picture", "pdf", "text", "other")
    pages(data)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "Zs"]), max_size=200))
def test_every_text_comes_back(text: str) -> None:
    assert decoded(text.encode(), "") == text


def test_a_long_text_ends_with_a_whole_line() -> None:
    assert shortened("one\ntwo\nthree", 10) == Text("one\ntwo\n", is_cut=True)
    assert shortened("one\ntwo", 7) == Text("one\ntwo", is_cut=False)
    assert shortened("onetwo", 3) == Text("one", is_cut=True)


def test_pages_are_counted_where_they_stand_in_the_file() -> None:
    assert pages(b"%PDF-1.7 <</Type /Page /Parent 1>> <</Type/Page>> <</Type /Pages /Count 2>>") == 2
    assert pages(b"%PDF-1.7 <</Count 340 /Kids [1 0 R] /Type /Pages>>") == 340
    assert pages(b"%PDF-1.7 <</Type /Outlines /Count 900>>") is None
    assert pages(b"%PDF-1.7 <</Type /Pages>> <</Count 900>>") is None
    assert pages(b"%PDF-1.7 <</Type /Pages" + b" " * 201 + b"/Count 900>>") is None
    assert pages(b"%PDF-1.7 <</Count 3 /Type /Pages /Count 5>>") == 5
    assert pages(b"/Type/Page" * (MOST_PAGES + 1)) == MOST_PAGES


def test_a_pdf_with_a_password_is_seen() -> None:
    assert is_locked(b"%PDF-1.7 trailer <</Encrypt 5 0 R>>")
    assert not is_locked(b"%PDF-1.7 trailer <</Root 5 0 R>>")


def test_a_pdf_may_begin_with_something_else_and_has_no_more_than_so_many_pages() -> None:
    order = Order("", characters=1, pages=2, pixels=1)
    assert opened_pdf(b"\n\n%PDF-1.7 <</Type/Page>>", order) == Pdf(2, 1)
    with pytest.raises(NotRead, match="pages") as raised:
        opened_pdf(b"%PDF-1.7 <</Type /Pages /Count 340>>", order)
    assert raised.value.figure == 340
    with pytest.raises(NotRead, match="locked"):
        opened_pdf(b"%PDF-1.7 trailer <</Encrypt 5 0 R>>", order)


@pytest.mark.parametrize("text", ["one\r\ntwo\r\nthree", "one\ntwo\nthree"])
def test_a_text_is_cut_after_its_line_ends_are_counted_as_one(text: str) -> None:
    assert opened_text(text.encode(), Order("", 10, 1, 1)) == Text("one\ntwo\n", is_cut=True)
    assert opened_text(text.encode(), Order("", 13, 1, 1)) == Text("one\ntwo\nthree", is_cut=False)


def test_a_text_of_blanks_is_empty() -> None:
    with pytest.raises(NotRead, match="empty"):
        opened_text(b" \r\n", Order("", 10, 1, 1))


PIECES = [b"/Count 111111", b"/Type/Pages", b"/Type /Pages /Count 7", b"/Type ", b"/Count ", b"/Type/Pages>/Count 7"]


@pytest.mark.parametrize("piece", PIECES)
def test_counting_pages_takes_ten_times_as_long_for_ten_times_as_much(piece: bytes) -> None:
    def seconds(times: int) -> float:
        data, best = piece * times, float("inf")
        for _ in range(3):
            began = time.process_time()
            pages(data)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(200_000) < 30 * seconds(20_000)


def test_a_million_counts_are_no_pages() -> None:
    assert pages(hostile_files.counting_pdf(1_000_000)) is None

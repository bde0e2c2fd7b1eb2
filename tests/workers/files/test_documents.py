"""What kind of file some bytes are, and what of a text or a PDF Claude gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.files import documents
from workers.files.documents import Text, decoded, is_locked, kind, pages, pdf_tokens, shortened


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
    pdf_tokens(data)


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
    assert pdf_tokens(b"%PDF-1.7 <</Type/Page>>") == documents.TOKENS_PER_PAGE
    assert pdf_tokens(bytes(120_000)) == 3 * documents.TOKENS_PER_PAGE


def test_a_pdf_with_a_password_is_seen() -> None:
    assert is_locked(b"%PDF-1.7 trailer <</Encrypt 5 0 R>>")
    assert not is_locked(b"%PDF-1.7 trailer <</Root 5 0 R>>")

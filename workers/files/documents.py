"""PDFs and text files as Claude takes them, and what kind of file some bytes are.

https://platform.claude.com/docs/en/build-with-claude/pdf-support
"""

import codecs
import re
from dataclasses import dataclass
from typing import Literal

DetectedKind = Literal["picture", "pdf", "text", "other"]

# An estimate: each page counts as text and as a picture.
TOKENS_PER_PAGE = 2_500
# Where the pages cannot be counted: a guess for scanned and for written ones alike.
BYTES_PER_PAGE = 50_000
CHARACTERS_PER_TOKEN = 3
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
TEXT_TYPES = re.compile(r"text/.*|application/(.*[+-])?(json|xml|yaml|toml|javascript|typescript|sql|x-sh|csv)")
DRAWN_AS_TEXT = {"image/svg+xml": "SVG"}
NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
COUNT = re.compile(rb"/Type\s*/Pages\b[^>]{0,200}?/Count\s+(\d{1,6})|/Count\s+(\d{1,6})[^>]{0,200}?/Type\s*/Pages\b")


@dataclass(frozen=True)
class Text:
    text: str
    is_cut: bool


def kind(data: bytes, mimetype: str) -> DetectedKind:
    """What the bytes are. Slack goes by the name of a file, so its `mimetype` counts only where bytes cannot tell."""
    if data.startswith(PICTURES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return "picture"
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if mimetype in DRAWN_AS_TEXT or b"<svg" in data[:1024]:
        return "other"
    return "other" if decoded(data, mimetype) is None else "text"


def decoded(data: bytes, mimetype: str) -> str | None:
    """The bytes as text, None if they are not text. Latin-1 takes any bytes, so it is tried only if Slack says text."""
    codings = [coding for mark, coding in BYTE_ORDER_MARKS if data.startswith(mark)] or ["utf-8"]
    if TEXT_TYPES.fullmatch(mimetype):
        codings += [*_without_mark(data), "latin-1"]
    for coding in codings:
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if not NOT_TEXT.search(text):
            return text.replace("\r\n", "\n").replace("\r", "\n")
    return None


def shortened(text: str, most: int) -> Text:
    """Its first `most` characters, in whole lines if it has any."""
    if len(text) <= most:
        return Text(text, is_cut=False)
    text = text[:most]
    return Text(text[: text.rfind("\n") + 1] or text, is_cut=True)


def pages(pdf: bytes) -> int | None:
    """How many pages a PDF has; None if the PDF keeps that in a compressed part."""
    counts = [int(one or other) for one, other in COUNT.findall(pdf)]
    return max([len(PAGE.findall(pdf)), *counts]) or None


def is_locked(pdf: bytes) -> bool:
    """Whether it needs a password, or has one that forbids things: Claude opens neither (inferred)."""
    return b"/Encrypt" in pdf


def pdf_tokens(pdf: bytes) -> int:
    return TOKENS_PER_PAGE * (pages(pdf) or -(-len(pdf) // BYTES_PER_PAGE))


def text_tokens(text: str) -> int:
    return -(-len(text.encode()) // CHARACTERS_PER_TOKEN)


def _without_mark(data: bytes) -> list[str]:
    """The codings to try for UTF-16 without a byte order mark: in most such texts every other byte is zero."""
    head = data[:1000]
    if head[1::2].count(0) > len(head) // 4:
        return ["utf-16-le"]
    return ["utf-16-be"] if head[::2].count(0) > len(head) // 4 else []

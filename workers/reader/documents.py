"""PDFs and text files, and what kind of file some bytes are.

https://platform.claude.com/docs/en/build-with-claude/pdf-support
"""

import codecs
import re
from typing import Literal

from workers.reader.contents import MOST_PAGES, NotRead, Order, Pdf, Text

DetectedKind = Literal["picture", "pdf", "text", "other"]

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1")
TEXT_TYPES = re.compile(r"text/.*|application/(.*[+-])?(json|xml|yaml|toml|javascript|typescript|sql|x-sh|csv)")
DRAWN_AS_TEXT = ("image/svg+xml",)
NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
PDF = b"%PDF-"
PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
NODE_OR_COUNT = re.compile(rb"/Type\s*/Pages\b|/Count\s+(\d{1,6})")
# How many bytes apart in one dictionary a /Count and its /Type are.
CLOSE = 200


def kind(data: bytes, mimetype: str) -> DetectedKind:
    """What the bytes are. Slack goes by the name of a file, so its `mimetype` counts only where bytes cannot tell."""
    if data.startswith(PICTURES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return "picture"
    if PDF in data[:1024]:
        return "pdf"
    if mimetype in DRAWN_AS_TEXT or b"<svg" in data[:1024]:
        return "other"
    return "other" if decoded(data, mimetype) is None else "text"


def opened_pdf(data: bytes, order: Order) -> Pdf:
    """Where the PDF begins, and its pages. Raises NotRead."""
    # Some writers put a few bytes before it, which Claude does not take.
    start = data.index(PDF)
    if is_locked(data):
        raise NotRead("locked")
    count = pages(data)
    if count and count > order.pages:
        raise NotRead("pages", count)
    return Pdf(start, count)


def opened_text(data: bytes, order: Order) -> Text:
    """Raises NotRead."""
    # Line ends may be two characters each.
    text = decoded(data, order.mimetype, 2 * order.characters + 1)
    short = shortened(text or "", order.characters)
    if not short.text.strip():
        raise NotRead("empty")
    return short


def decoded(data: bytes, mimetype: str, most: int | None = None) -> str | None:
    """The bytes as text, None if they are not text; of the text the first `most` characters.

    Latin-1 takes any bytes, so it is tried only if Slack says that it is text.
    """
    codings = [coding for mark, coding in BYTE_ORDER_MARKS if data.startswith(mark)] or ["utf-8"]
    if TEXT_TYPES.fullmatch(mimetype):
        codings += [*_without_mark(data), "latin-1"]
    for coding in codings:
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if not NOT_TEXT.search(text):
            return text[:most].replace("\r\n", "\n").replace("\r", "\n")
    return None


def shortened(text: str, most: int) -> Text:
    """Its first `most` characters, in whole lines if it has any."""
    if len(text) <= most:
        return Text(text, is_cut=False)
    text = text[:most]
    return Text(text[: text.rfind("\n") + 1] or text, is_cut=True)


def pages(pdf: bytes) -> int | None:
    """How many pages a PDF has; None if the PDF keeps that in a compressed part.

    That is its number of pages, or what a node of its tree of pages says: a /Count in the same dictionary as a
    /Type /Pages. Each byte is read once; what is between the two is looked at only if they are close.
    """
    most = sum(1 for _ in PAGE.finditer(pdf))
    node, count = None, None
    for found in NODE_OR_COUNT.finditer(pdf):
        if found[1]:
            count = found
        else:
            node = found
        if node and count and _in_one_dictionary(pdf, node, count):
            most = max(most, int(count[1]))
    return min(most, MOST_PAGES) or None


def _in_one_dictionary(pdf: bytes, *parts: re.Match[bytes]) -> bool:
    first, second = sorted(parts, key=re.Match.start)
    between = pdf[first.end() : second.start()] if second.start() - first.end() <= CLOSE else b">"
    return b">" not in between


def is_locked(pdf: bytes) -> bool:
    """Whether it needs a password, or has one that forbids things: Claude opens neither (inferred)."""
    return b"/Encrypt" in pdf


def _without_mark(data: bytes) -> list[str]:
    """The codings to try for UTF-16 without a byte order mark: in most such texts every other byte is zero."""
    head = data[:1000]
    if head[1::2].count(0) > len(head) // 4:
        return ["utf-16-le"]
    return ["utf-16-be"] if head[::2].count(0) > len(head) // 4 else []

"""The text of a reply as the contents of its Slack messages, and of the file that takes what is too much for them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from workers.markdown.blank import condensed
from workers.markdown.frame import PLAIN_BYTES, frame, plain_bytes, without_late_definitions
from workers.markdown.sanitize import harmless
from workers.markdown.split import Cut, TextPart, content, split_text

PART_LENGTH = 10_000
# Slack takes 12,000 characters of markdown in a message (docs.slack.dev/reference/block-kit/blocks/markdown-block), and
# with what stands below them 13,200 (observed, github.com/slackapi/bolt-js/issues/2509).
MOST_LENGTH = 11_400
PLAIN_LENGTH = 1_200
# What an address, a mention or an entity has in it.
MARKER = re.compile("[<&@:]")

# The parts that are whole stay as they are from frame to frame.
_safe = lru_cache(maxsize=64)(harmless)


@dataclass(frozen=True)
class Layout:
    """A text laid out, and made harmless: `contents` go into messages, `rest` goes into a file ("" if there is none).

    `parts` says where in the text the contents come from. `length` is how many characters of the last part are shown:
    less than all if some are held back.
    """

    contents: tuple[str, ...]
    parts: tuple[TextPart, ...] = ()
    rest: str = ""
    length: int = 0


@dataclass(frozen=True)
class Form:
    """How to lay out: `people` may be mentioned, and a text goes into a file from `most` characters on (None: never).

    `part_length` is how long a message's own text may be, `most_length` how long with what makes it harmless. `plain`
    is for when Slack refuses Markdown blocks.
    """

    people: frozenset[str] = frozenset()
    most: int | None = None
    plain: bool = False
    part_length: int = PART_LENGTH
    most_length: int = MOST_LENGTH


def lay_out(text: str, form: Form, *, ended: bool, streams: Callable[[int], bool], cuts: Mapping[int, Cut]) -> Layout:
    """Lay out a text that has `ended`, or of which this much has come; `cuts` are forced ends.

    Only the last message of a growing text is open-ended: it is framed, or cut off where all is decided if the message
    of that number `streams`, for then nothing of it can be taken back. A blank text has no contents.
    """

    def fits(part: str) -> bool:
        safe = _safe(part, form.people)
        return plain_bytes(safe) <= PLAIN_BYTES if form.plain else len(safe) <= form.most_length

    text = condensed(text)
    # What people have seen stays until the end, and only then goes into the file with the rest of its block.
    text, rest = _divided(text, form.most) if ended else (text[: form.most], "")
    parts = split_text(text, PLAIN_LENGTH if form.plain else form.part_length, cuts, fits)
    contents = [content(text, part) for part in parts]
    length = 0
    if contents and not ended:
        *whole, last = contents
        last = decided(last) if streams(len(whole)) else frame(last)
        contents = [*map(without_late_definitions, whole), last]
    if contents:
        length = len(contents[-1]) - len(parts[-1].head)
    return Layout(tuple(_safe(part, form.people) for part in contents), tuple(parts), _safe(rest, form.people), length)


def decided(text: str) -> str:
    """The beginning of a growing text that stands as it is, whatever comes.

    Without white space at its end, and without a last word that may become an address or a mention: what makes those
    harmless stands behind or inside of them.
    """
    sure = _unchanged(text)
    stop = len(sure)
    if not text[stop : stop + 1].isspace():
        word = max(map(sure.rfind, " \t\r\n")) + 1
        marker = MARKER.search(sure, word)
        stop = marker.start() if marker else stop
        # No address begins in the middle of a word of another script: those are written without spaces.
        while stop > word and sure[stop - 1].isascii():
            stop -= 1
    return _unchanged(sure[:stop].rstrip())


def _unchanged(text: str) -> str:
    """How far the frame of a text is the text itself."""
    shown = frame(text)
    pairs = enumerate(zip(text, shown, strict=False))
    return text[: next((at for at, (ours, theirs) in pairs if ours != theirs), min(len(text), len(shown)))].rstrip()


def _divided(text: str, most: int | None) -> tuple[str, str]:
    if most is None or len(text) <= most:
        return text, ""
    parts = split_text(text, most)
    if len(parts) < 2:
        return text, ""
    first, second = parts[:2]
    return text[: first.end] + first.foot, second.head + text[second.start :]

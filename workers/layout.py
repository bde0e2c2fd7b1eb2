"""The text of a reply as the contents of its Slack messages, and of the file that takes what is too much for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workers.harmless import harmless
from workers.markdown import frame
from workers.split import Cut, pieces

# Slack takes 12,000 characters of markdown in a message (docs.slack.dev/reference/block-kit/blocks/markdown-block);
# what makes a text harmless adds some.
PART_LENGTH = 10_000
# `text` alone may have 4,000 bytes on an update (docs.slack.dev/reference/methods/chat.update).
PLAIN_LENGTH = 1_200
# How a word with one of these is made harmless may depend on how it goes on.
OPEN_ENDED = frozenset("@:<&!\r")


@dataclass(frozen=True)
class Layout:
    """`contents` are those of the messages, harmless; `rest` is what goes into a file, "" if nothing does.

    `length` is how much of the last message's own text its content shows: less than all if some is held back.
    """

    contents: tuple[str, ...]
    rest: str = ""
    length: int = 0


@dataclass(frozen=True)
class Form:
    """`most` is the length from which on the text goes into a file, None for no such end; `cuts` are forced ends.

    `plain` is for a Slack that refuses the blocks.
    """

    people: frozenset[str] = frozenset()
    most: int | None = None
    plain: bool = False


def lay_out(text: str, form: Form, *, ended: bool, streams: Callable[[int], bool], cuts: Mapping[int, Cut]) -> Layout:
    """Lay out a text that has `ended`, or of which this much has come.

    Only the last message of a growing text is open-ended: it is framed, or cut off where all is decided if the message
    of that number `streams`, for then nothing of it can be taken back.
    """
    text, rest = _divided(text, form.most)
    parts = pieces(text, PLAIN_LENGTH if form.plain else PART_LENGTH, cuts)
    contents = [piece.head + text[piece.start : piece.end] + piece.foot for piece in parts]
    length = 0
    if contents and not ended and not rest:
        contents[-1] = decided(contents[-1]) if streams(len(parts) - 1) else frame(contents[-1])
    if contents:
        length = len(contents[-1]) - len(parts[-1].head)
    return Layout(tuple(harmless(content, form.people) for content in contents), rest, length)


def decided(text: str) -> str:
    """The beginning of a growing text that stands as it is, whatever comes."""
    shown = frame(text)
    pairs = enumerate(zip(text, shown, strict=False))
    whole = text[: next((at for at, (ours, theirs) in pairs if ours != theirs), min(len(text), len(shown)))]
    word = whole[max(map(whole.rfind, " \t\n")) + 1 :]
    return whole if OPEN_ENDED.isdisjoint(word) else whole[: -len(word)]


def _divided(text: str, most: int | None) -> tuple[str, str]:
    if most is None or len(text) <= most:
        return text, ""
    first, *others = pieces(text, most)
    if not others:
        return text, ""
    return text[: first.end] + first.foot, others[0].head + text[others[0].start :]

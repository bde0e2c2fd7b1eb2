"""Splits a long answer over several messages: fences, tables, lists and quotes are closed and reopened."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from workers.markdown.blank import is_blank
from workers.markdown.blocks import LeafBlock, Scanner
from workers.markdown.delimiters import Run, unmatched
from workers.markdown.inline import parse
from workers.markdown.line import Container

SENTENCE = re.compile(r"[.!?…][\"')\]”’]*\s+|[。！？]")
WORD = re.compile(r"\s+")
BLANK = re.compile(r"(?:[ \t]*\r?\n)*")
# No part is cut shorter than this to make it fit.
SMALLEST = 100
# How many lines at its beginning a block is never cut behind: those that are repeated, and one.
UNCUT_LINES = {"fence": 2, "table": 3}
# The level of a cut inside of a line.
LAST_RESORT = 9


@dataclass(frozen=True, slots=True)
class TextPart:
    """One part of a text: `head + text[start:end] + foot`. `head` reopens what the `foot` before closed."""

    head: str
    start: int
    end: int
    foot: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a text is cut: one part ends at `end` with `foot`, the next begins at `start` with `head`.

    Of several cuts the one with the lowest `level` is best.
    """

    level: int
    end: int
    start: int
    foot: str = ""
    head: str = ""


def split_text(
    text: str,
    limit: int,
    forced: Mapping[int, Cut] | None = None,
    fits: Callable[[str], bool] | None = None,
) -> list[TextPart]:
    """The parts of a text, each at most `limit` characters; none for a blank text.

    Those with the numbers in `forced` end there, before they are full. The law: bodies are in order and never overlap;
    what lies between two of them is white space, invisible characters and quote marks (`>`); head and foot are only
    reopened and closed wrappers (a fence's opening line and end, a table's header and separator rows, list markers,
    quote marks). A cut depends on nothing behind the first `limit + 1` characters of its part, so a growing text never
    changes a part that has a successor.

    A part that does not fit is cut at half the limit, and again at half of that. `fits` is asked about everything that
    a part could have, and must be monotone, so that a growing text changes no part that has a successor: what holds
    for a text holds for its prefixes.
    """
    splitter = _Splitter(text, limit, fits)
    parts: list[TextPart] = []
    head, start = "", 0
    size = 0 if is_blank(text) else len(text.rstrip())
    if not size:
        return parts
    while True:
        forced_cut = (forced or {}).get(len(parts))
        part, cut = splitter.next(start, head, forced_cut)
        is_wanted = cut is None or cut is forced_cut or bool(part.head)
        if is_wanted or not is_blank(text[part.start : part.end]):
            parts.append(part)
        if cut is not None:
            start, head = cut.start, cut.head
            if not head:
                blank = BLANK.match(text, start)
                start = blank.end() if blank else start
        if cut is None or start >= size:
            if len(parts) - 1 not in (forced or {}):
                # Nothing is left that its foot would part it from.
                parts[-1] = replace(parts[-1], foot="")
            return parts


@dataclass(frozen=True, slots=True)
class _Splitter:
    text: str
    limit: int
    fits: Callable[[str], bool] | None

    def next(self, start: int, head: str, forced: Cut | None) -> tuple[TextPart, Cut | None]:
        """The part that begins at `start`, and where it ends if that is before the text does."""
        text, limit = self.text, self.limit
        if forced is not None and forced.end <= len(text):
            part = TextPart(head, start, forced.end, forced.foot)
            if self._fits(content(text, part)):
                return part, forced
        while True:
            if len(head) > limit // 2:
                head = ""
            window = head + text[start : start + limit + 1 - len(head)]
            if len(window) <= limit:
                cut = None
                part = TextPart(head, start, len(text), "")
            else:
                cut = _moved(_choose(window, len(head), limit), start - len(head))
                part = TextPart(head, start, cut.end, cut.foot)
            if limit <= SMALLEST:
                return part, cut
            if self._fits(window[:limit]) and (cut is None or self._fits(content(text, part))):
                return part, cut
            limit //= 2

    def _fits(self, part: str) -> bool:
        return self.fits is None or self.fits(part)


def content(text: str, part: TextPart) -> str:
    """What is sent of a part."""
    return part.head + text[part.start : part.end] + part.foot


def cut_from(text: str, part: TextPart, least: int, *, at_once: bool) -> Cut | None:
    """The first cut at or behind `least` where the last part can end between blocks or lines.

    None if there is none yet; then it is `least` itself if it must be `at_once`.
    """
    window, shift = part.head + text[part.start :], part.start - len(part.head)
    blocks = Scanner(window).scan()
    cuts = [cut for block in blocks for cut in _block_cuts(window, block, False) if cut.end + shift >= least]
    if cuts:
        return _moved(min(cuts, key=lambda cut: cut.end), shift)
    if not at_once:
        return None
    foot = head = ""
    block = next((block for block in reversed(blocks) if block.start < least - shift), None)
    if block is not None and block.kind in ("fence", "table", "paragraph", "code"):
        foot, head = wrappers(window, block)
    return Cut(LAST_RESORT, least, least, f"\n{foot}" if foot else "", head)


def _moved(cut: Cut, shift: int) -> Cut:
    return replace(cut, end=cut.end + shift, start=cut.start + shift)


def _choose(window: str, begin: int, limit: int) -> Cut:
    best: dict[int, Cut] = {}
    scanner = Scanner(window)
    blocks = scanner.scan()
    least = begin + (limit - begin) // 3
    for index, block in enumerate(blocks):
        after_heading = index > 0 and blocks[index - 1].kind == "heading"
        for cut in _block_cuts(window, block, after_heading):
            if cut.end > begin and cut.end + len(cut.foot) <= limit and len(cut.head) <= limit // 2:
                best[cut.level] = cut
    for level in sorted(best):
        if best[level].end >= least:
            return best[level]
    return _within(window, begin, limit, blocks)


def _block_cuts(window: str, block: LeafBlock, after_heading: bool) -> list[Cut]:
    cuts: list[Cut] = []
    first = block.lines[0][0]
    carried = tuple(parent for parent in block.parents if parent.start < block.start)
    new = [parent for parent in block.parents if parent.start >= block.start]
    at = new[0].start if new else block.lines[0][1]
    end = len(window[: block.start].rstrip())
    if first == block.start and end:
        level = 0 if not block.parents else 1
        if carried:
            level = 2
        cuts.append(Cut(level + 4 * after_heading, end, at if carried else block.start, "", _markers(carried)))
    skip = UNCUT_LINES.get(block.kind, 1)
    last = len(block.lines) - (1 if block.setext or (block.kind == "fence" and block.closed) else 0)
    for start, inner, _ in block.lines[skip:last]:
        if block.kind == "paragraph" and "|" in window[window.rfind("\n", 0, max(start - 1, 0)) + 1 : start]:
            continue
        foot, head = wrappers(window, block)
        raw = block.kind in ("fence", "code", "html")
        cuts.append(Cut(3, start if raw else len(window[:start].rstrip()), inner, foot, head))
    return cuts


def wrappers(window: str, block: LeafBlock) -> tuple[str, str]:
    """What closes a block at a line's end, and what reopens it."""
    prefix = "".join(parent.prefix for parent in block.parents)
    markers = _markers(block.parents)
    if block.kind == "fence":
        _, at, end = block.lines[0]
        indent = " " * block.indent
        return f"{prefix}{indent}{block.mark}", f"{markers}{indent}{window[at:end]}\n{prefix}"
    if block.kind == "table":
        (_, at, end), (_, at2, end2) = block.lines[:2]
        return "", f"{markers}{window[at:end]}\n{prefix}{window[at2:end2]}\n{prefix}"
    return "", markers


def _markers(parents: tuple[Container, ...]) -> str:
    parts = []
    for parent in parents:
        if parent.quote:
            parts.append("> ")
        else:
            gap = parent.width - len(parent.marker)
            lead = max(0, gap - 4)
            parts.append(" " * lead + parent.marker + " " * (gap - lead))
    return "".join(parts)


def _within(window: str, begin: int, limit: int, blocks: list[LeafBlock]) -> Cut:
    """A cut inside a line that has no better one."""
    block = next((block for block in reversed(blocks) if block.start < limit), None)
    foot = head = ""
    if block is not None and block.kind in ("fence", "paragraph", "code"):
        foot, head = wrappers(window, block)
        if foot:
            foot = "\n" + foot
        if len(head) > limit // 2 or len(foot) > limit // 3:
            foot = head = ""
    most = limit - len(foot)
    least = begin + max(1, (most - begin) // 2)
    # Nearer to the beginning there may be no more than the mark of a block, and a message of it alone says nothing.
    nearest = begin + max(1, (most - begin) // 10)
    spans, runs = _inline(window, block) if block is not None and block.kind in ("paragraph", "heading") else ([], [])
    for pattern, low, whole in ((SENTENCE, least, 1), (WORD, least, 1), (WORD, nearest, 1), (WORD, least, 0)):
        for end in reversed([boundary.end() for boundary in pattern.finditer(window, low, most)]):
            if whole and any(start < end < stop for start, stop in spans):
                continue
            body = max(end if foot else len(window[:end].rstrip()), begin + 1)
            open_marks = [mark for _, mark in unmatched([run for run in runs if run.start < body])]
            closing, opening = "".join(reversed(open_marks)), "".join(open_marks)
            if body + len(closing) > most or len(head) + len(opening) > limit // 2:
                closing = opening = ""
            return Cut(LAST_RESORT, body, end, closing + foot, head + opening)
    end = _grapheme(window, most, begin)
    return Cut(LAST_RESORT, end, end, foot, head)


def _inline(window: str, block: LeafBlock) -> tuple[list[tuple[int, int]], list[Run]]:
    """Where code, links and tags of a block's last line stand in the window, and the delimiters of emphasis in it."""
    _, at, end = block.lines[-1]
    inline = parse(window[at:end])
    goes_on = end < len(window)
    plain = {position for position, _ in unmatched(inline.runs, lost=True)} if goes_on else set()
    runs = [replace(run, start=run.start + at) for run in inline.runs if run.start not in plain]
    spans = [(span.start + at, span.end + at) for span in inline.spans]
    if inline.half is not None and not goes_on:
        spans.append((inline.half.start + at, end))
    return spans, runs


def _grapheme(window: str, position: int, begin: int) -> int:
    """The last position at or before `position` that is not inside a grapheme or an escape."""
    for end in range(position, max(begin, position - 32), -1):
        char, before = window[end : end + 1], window[end - 1]
        if before in "\\\u200d\r" or not char:
            continue
        if char in "\u200d\ufe0e\ufe0f" or unicodedata.category(char) in ("Mn", "Me", "Mc"):
            continue
        if "\U0001f3fb" <= char <= "\U0001f3ff":
            continue
        if "\U0001f1e6" <= char <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff":
            continue
        return end
    return position

"""Markdown as plain text: what a notification says, and all that there is where Slack refuses Markdown blocks."""

import html
import re
import sys
from bisect import bisect_right
from collections.abc import Iterator

from workers.markdown.blocks import LeafBlock, scan
from workers.markdown.content import content_of
from workers.markdown.delimiters import Run, pairs
from workers.markdown.inline import ENTITY, parse
from workers.markdown.sanitize import ESCAPE, REMOVED, harmless_plain

HEADING = re.compile(r"#{1,6}[ \t]*(.*?)(?:(?:^|[ \t]+)#+)?[ \t]*$", re.S)
SPACES = re.compile(r"[ \t]+")
HARD_BREAK = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=\n)")
ESCAPED = re.compile(rf"{ESCAPE.pattern}|{ENTITY.pattern}")
# `__init__` and `_private_` are rather names than emphasis; addresses are kept too.
KEPT = re.compile(r"(?<!\w)__?[A-Za-z0-9]++(?>_++[A-Za-z0-9]++)*+__?(?!\w)|\bhttps?://[^\s<>]*[\w/]")
KEPT_MARK = re.compile(r"_|://")
# What may be taken out or read in another way.
MARKUP = re.compile(r"[\\`<&\[*_~]")
# No line of a list is indented further.
DEEPEST_INDENT = 24

# What takes the place of the content from one position to another.
Change = tuple[int, int, str]


def plain(text: str) -> str:
    """The text without markup, unable to ping; code and lists keep their indentation."""
    shown = "\n".join(line for block in scan(text, raw_html=False) for line in _lines(text, block)).rstrip()
    # What stood between markup may have come together; what is markup alone is better than no text, which is refused.
    shown = REMOVED.sub("", shown).strip("\n")
    return harmless_plain(shown if shown.strip() else text.strip())


def _lines(text: str, block: LeafBlock) -> Iterator[str]:
    """The lines of a block, behind the indentation or the marker of the list that it is in."""
    if block.kind == "rule":
        return
    first, others = _margins(block)
    margin = first
    for line in _shown(text, block):
        yield (margin + line).rstrip()
        margin = others


def _margins(block: LeafBlock) -> tuple[str, str]:
    """What stands before the first line of a block, and before its other lines."""
    first = others = ""
    for parent in block.parents:
        if parent.quote:
            continue
        is_new = parent.start >= block.start
        indent = " " * (len(parent.marker) + 1)
        first += f"{parent.marker} " if is_new else indent
        others += indent
    return first[-DEEPEST_INDENT:], others[-DEEPEST_INDENT:]


def _shown(text: str, block: LeafBlock) -> list[str]:
    if block.kind == "fence":
        return _code(text, block)
    if block.kind == "code":
        return _indented(text, block)
    if block.kind == "table":
        rows = [text[start:end] for _, start, end in (block.lines[0], *block.lines[2:])]
        return [_inline(row) for row in rows]
    content = content_of(text, block).text
    if block.setext:
        content = content[: content.rfind("\n")]
    if block.kind == "heading":
        heading = HEADING.match(content)
        content = heading[1] if heading else content
    shown = _inline(content)
    return shown.split("\n") if shown else []


def _indented(text: str, block: LeafBlock) -> list[str]:
    """The lines of indented code, with the blank lines between them."""
    shown: list[str] = []
    before = block.start
    for start, inner, end in block.lines:
        shown += [""] * max(0, text.count("\n", before, start) - 1)
        shown.append(text[inner:end].rstrip())
        before = end
    return shown


def _code(text: str, block: LeafBlock) -> list[str]:
    """The lines inside of a fence, as they are."""
    lines = [text[start:end].rstrip() for _, start, end in block.lines[1:]]
    if lines and block.closed:
        last = lines[-1].strip()
        if len(last) >= len(block.mark) and not last.strip(block.mark[0]):
            lines.pop()
    return lines


def _inline(content: str) -> str:
    """A block's text without markup; each of its lines begins with text."""
    if MARKUP.search(content) is None:
        return _spaced(content).strip()
    parts: list[str] = []
    position = 0
    for start, end, new in sorted(_Changes(content).all()):
        if start >= position:
            parts.append(_unescaped(content[position:start]))
            parts.append(new)
            position = end
    parts.append(_unescaped(content[position:]))
    return "".join(parts).strip()


class _Changes:
    """What becomes of the markup in a content."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._kept = [kept.span() for kept in KEPT.finditer(content)] if KEPT_MARK.search(content) else []

    def all(self) -> Iterator[Change]:
        """Code is as it is, of a link the label is left, delimiters of emphasis are taken out."""
        content = self._content
        inline = parse(content, raw_html=False)
        yield from self._emphasis(inline.runs, 0)
        covered = 0
        for span in inline.spans:
            if span.kind == "code":
                yield span.start, span.end, _code_span(content[span.start : span.end])
            elif span.kind in ("auto", "email"):
                yield span.start, span.end, content[span.start + 1 : span.end - 1]
            elif span.kind in ("link", "image"):
                start, end = span.label
                yield span.start, start, ""
                yield end, span.end, ""
                if start >= covered and MARKUP.search(content, start, end) is not None:
                    # Links that are in a label are among the spans, what is emphasized in it is not among the runs.
                    covered = end
                    yield from self._emphasis(parse(content[start:end], raw_html=False).runs, start)

    def _emphasis(self, runs: list[Run], offset: int) -> Iterator[Change]:
        """The delimiters of runs that stand `offset` further on in the content."""
        for opener, start, closer, end in pairs(runs):
            is_in_word = opener.closes or closer.opens
            if opener.mark == "*" and opener.count == closer.count == 1 and is_in_word:
                # `2*3*4`
                continue
            if self._is_kept(start + offset) or self._is_kept(end + offset):
                continue
            wide = len(opener.mark)
            yield start + offset, start + offset + wide, ""
            yield end + offset, end + offset + wide, ""

    def _is_kept(self, position: int) -> bool:
        index = bisect_right(self._kept, (position, sys.maxsize)) - 1
        return index >= 0 and position < self._kept[index][1]


def _code_span(code: str) -> str:
    ticks = len(code) - len(code.lstrip("`"))
    inside = code[ticks:-ticks].replace("\n", " ")
    if inside.startswith(" ") and inside.endswith(" ") and inside.strip():
        return inside[1:-1]
    return inside


def _unescaped(text: str) -> str:
    """A text between markup, without backslashes that escape something, and with characters for entities."""
    if "\\" in text or "&" in text:
        text = HARD_BREAK.sub(r"\1", text)
        text = ESCAPED.sub(lambda escaped: escaped[1] or html.unescape(escaped[0]), text)
    return _spaced(text)


def _spaced(text: str) -> str:
    if "  " in text or "\t" in text:
        text = SPACES.sub(" ", text)
    return text.replace(" \n", "\n").replace("\n ", "\n") if "\n" in text else text

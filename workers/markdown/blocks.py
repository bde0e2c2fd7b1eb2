"""The block structure of CommonMark and GFM tables, line by line (https://spec.commonmark.org/0.31.2/).

A line scanner of our own: `frame`, `harmless` and `pieces` run on every edit of an answer, where a whole parser
takes 50-100 ms for 24,000 characters and tells neither what is half-open nor where in the source it stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["paragraph", "heading", "rule", "fence", "code", "html", "table"]

FENCE = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
MARKER = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)")
SEPARATOR = re.compile(r"[|:-][-:| \t]+$")
SEPARATOR_CELL = re.compile(r":?-+:?$")
CELL_END = re.compile(r"(?<!\\)\|")

NAME = "[A-Za-z][A-Za-z0-9-]*+"
ATTRIBUTE = r"""\s++[A-Za-z_:][\w:.-]*+(?:\s*+=\s*+(?:[^"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+"))?+"""
OPEN_TAG = rf"<{NAME}(?:{ATTRIBUTE})*+\s*+/?>"
CLOSE_TAG = rf"</{NAME}\s*+>"
BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|"
    "fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    "menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|"
    "track|ul"
)
HTML = (
    (
        re.compile(r"<(?:script|pre|style|textarea)(?=\s|>|$)", re.I),
        re.compile(r"</(?:script|pre|style|textarea)>", re.I),
    ),
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    (re.compile(r"<![A-Za-z]"), re.compile(r">")),
    (re.compile(r"<!\[CDATA\["), re.compile(r"\]\]>")),
    (re.compile(rf"</?(?:{BLOCK_TAGS})(?=\s|/?>|$)", re.I), None),
    (re.compile(rf"(?:{OPEN_TAG}|{CLOSE_TAG})\s*$", re.A), None),
)


@dataclass(slots=True)
class Container:
    """A block quote, or one list item whose content starts `width` columns after its parent's."""

    quote: bool
    start: int
    width: int = 0
    marker: str = ">"
    empty: bool = False

    @property
    def prefix(self) -> str:
        """What a further line inside this container begins with."""
        return "> " if self.quote else " " * self.width


@dataclass(slots=True)
class Block:
    """One leaf block. `lines` are the source offsets (start, content start, content end) of each of its lines."""

    kind: Kind
    start: int
    parents: tuple[Container, ...]
    lines: list[tuple[int, int, int]] = field(default_factory=list)
    mark: str = ""
    indent: int = 0
    closed: bool = False
    until: re.Pattern[str] | None = None
    setext: bool = False


def cells(row: str) -> int:
    """How many cells a table row has."""
    parts = CELL_END.split(row.strip())
    if parts and not parts[0]:
        parts = parts[1:]
    if parts and not parts[-1]:
        parts = parts[:-1]
    return len(parts)


def separators(row: str) -> int:
    """How many columns a table's separator row has; 0 if it is none."""
    if not SEPARATOR.match(row) or (row[0] == "-" and row[1] in " \t"):
        return 0
    parts = [part.strip() for part in row.split("|")]
    if not parts[0]:
        parts = parts[1:]
    if parts and not parts[-1]:
        parts = parts[:-1]
    return len(parts) if all(SEPARATOR_CELL.match(part) for part in parts) else 0


def lines(text: str, position: int = 0) -> Iterator[tuple[int, int, int]]:
    """(start, end without the line break, start of the next line) of each line from `position` on."""
    size = len(text)
    while position < size:
        found = text.find("\n", position)
        after = size if found < 0 else found + 1
        end = size if found < 0 else found
        if end > position and text[end - 1] == "\r":
            end -= 1
        yield position, end, after
        position = after


class Scanner:
    """Reads lines one after the other; `blocks` grows, `leaf` is the block that a next line may continue."""

    def __init__(self, text: str, raw_html: bool = True) -> None:
        self.text = text
        self.raw_html = raw_html
        self.blocks: list[Block] = []
        self.containers: list[Container] = []
        self.leaf: Block | None = None

    def scan(self, position: int = 0) -> list[Block]:
        for start, end, _ in lines(self.text, position):
            self.line(start, end)
        return self.blocks

    def _spaces(self, position: int, column: int, end: int) -> tuple[int, int]:
        text = self.text
        while position < end:
            char = text[position]
            if char == " ":
                column += 1
            elif char == "\t":
                column += 4 - column % 4
            else:
                break
            position += 1
        return position, column

    def _advance(self, position: int, column: int, end: int, target: int) -> tuple[int, int]:
        """Skips white space up to a column; a tab that reaches beyond it counts as used up to there."""
        text = self.text
        while position < end and column < target:
            if text[position] == "\t":
                wide = column + 4 - column % 4
                if wide > target:
                    return position, target
                column = wide
            else:
                column += 1
            position += 1
        return position, column

    def _open(self, kind: Kind, start: int, line: tuple[int, int, int]) -> Block:
        block = Block(kind, start, tuple(self.containers), [line])
        self.blocks.append(block)
        self.leaf = block
        for container in self.containers:
            container.empty = False
        return block

    def line(self, start: int, end: int) -> None:
        text, containers, leaf = self.text, self.containers, self.leaf
        position, column = start, 0
        matched = 0
        at, indent_at = self._spaces(position, column, end)
        for container in containers:
            blank = at >= end
            indent = indent_at - column
            if container.quote:
                if blank or indent > 3 or text[at] != ">":
                    break
                position, column = at + 1, indent_at + 1
                if position < end and text[position] in " \t":
                    position, column = self._advance(position, column, end, column + 1)
                at, indent_at = self._spaces(position, column, end)
            elif blank:
                if container.empty:
                    break
                position, column = at, indent_at
            elif indent >= container.width:
                position, column = self._advance(position, column, end, column + container.width)
            else:
                break
            matched += 1
        blank = at >= end
        inside = matched == len(containers)

        if leaf is not None and inside and leaf.kind in ("fence", "html"):
            self._raw(leaf, start, position, at, end, indent_at - column)
            return
        if leaf is not None and leaf.kind != "paragraph" and (not inside or (blank and leaf.kind != "code")):
            leaf.closed = True
            self.leaf = leaf = None
        if blank:
            if leaf is not None and leaf.kind == "paragraph":
                leaf.closed = True
                self.leaf = None
            if not inside:
                del containers[matched:]
                self.leaf = None
            return

        paragraph = leaf if leaf is not None and leaf.kind == "paragraph" else None
        opened = False
        while True:
            indent = indent_at - column
            if at >= end:
                if not opened:
                    break
                self.leaf = None
                return
            if indent >= 4:
                if paragraph is not None and not opened:
                    break
                if not opened and not inside:
                    del containers[matched:]
                current = self.leaf
                if current is not None and current.kind == "code" and not opened and inside:
                    current.lines.append((start, position, end))
                else:
                    self._open("code", start, (start, position, end))
                return
            char = text[at]
            if paragraph is not None and inside and not opened and self._table(paragraph, start, at, end):
                return
            if char.isalpha():
                break
            if char == ">":
                if not opened and not inside:
                    del containers[matched:]
                opened, paragraph, self.leaf = True, None, None
                containers.append(Container(True, at))
                position, column = at + 1, indent_at + 1
                if position < end and text[position] in " \t":
                    position, column = self._advance(position, column, end, column + 1)
                at, indent_at = self._spaces(position, column, end)
                continue
            if (found := self._leaf(char, at, end, paragraph if inside and not opened else None)) is not None:
                kind, mark, until = found
                if kind == "rule" and mark and paragraph is not None and inside and not opened:
                    paragraph.setext = paragraph.closed = True
                    paragraph.lines.append((start, at, end))
                    self.leaf = None
                    return
                if not opened and not inside:
                    del containers[matched:]
                block = self._open(kind, start, (start, at, end))
                block.mark, block.indent, block.until = mark, indent, until
                if kind in ("heading", "rule") or (until is not None and until.search(text, at, end)):
                    block.closed = True
                    self.leaf = None
                return
            marker = MARKER.match(text, at, end)
            if marker is None:
                break
            after, wide = self._spaces(marker.end(), indent_at + marker.end() - at, end)
            hollow = after >= end
            interrupts = paragraph is not None and inside and not opened
            if interrupts and (hollow or (marker[1] is not None and int(marker[1]) != 1)):
                break
            if not opened and not inside:
                del containers[matched:]
            opened, paragraph, self.leaf = True, None, None
            size = marker.end() - at
            gap = wide - (indent_at + size)
            used = 1 if hollow or gap > 4 else gap
            containers.append(Container(False, at, indent + size + used, marker[0], hollow))
            position, column = self._advance(marker.end(), indent_at + size, end, indent_at + size + used)
            at, indent_at = self._spaces(position, column, end)

        if not opened and paragraph is not None:
            paragraph.lines.append((start, at, end))
            return
        if not opened and not inside:
            del containers[matched:]
        if not opened and inside and self.leaf is not None and self.leaf.kind == "table":
            self.leaf.lines.append((start, at, end))
            return
        self._open("paragraph", start, (start, at, end))

    def _raw(self, leaf: Block, start: int, position: int, at: int, end: int, indent: int) -> None:
        """A line inside a fence or an HTML block."""
        text = self.text
        if leaf.kind == "fence":
            leaf.lines.append((start, min(at, position + leaf.indent), end))
            run = end
            if at < end and indent <= 3 and text[at] == leaf.mark[0]:
                run = at
                while run < end and text[run] == leaf.mark[0]:
                    run += 1
                if run - at >= len(leaf.mark) and not text[run:end].strip(" \t"):
                    leaf.closed = True
                    self.leaf = None
        elif leaf.until is None:
            if at >= end:
                leaf.closed = True
                self.leaf = None
            else:
                leaf.lines.append((start, position, end))
        else:
            leaf.lines.append((start, position, end))
            if leaf.until.search(text, at, end):
                leaf.closed = True
                self.leaf = None

    def _leaf(
        self, char: str, at: int, end: int, paragraph: Block | None
    ) -> tuple[Kind, str, re.Pattern[str] | None] | None:
        text = self.text
        if char == "#":
            return ("heading", "", None) if HEADING.match(text, at, end) else None
        if char in "`~":
            fence = FENCE.match(text, at, end)
            return ("fence", fence[0], None) if fence else None
        if char == "<" and self.raw_html:
            for opening, until in HTML:
                if opening.match(text, at, end):
                    if opening is HTML[-1][0] and self.leaf is not None and self.leaf.kind in ("paragraph", "table"):
                        return None
                    return "html", "", until
            return None
        if char in "=-" and paragraph is not None and SETEXT.match(text, at, end):
            return "rule", char, None
        if char in "*-_" and RULE.match(text, at, end):
            return "rule", "", None
        return None

    def _table(self, paragraph: Block, start: int, at: int, end: int) -> bool:
        text = self.text
        if text[at] not in "|:-":
            return False
        begin, head, stop = paragraph.lines[-1]
        header = text[head:stop]
        if "|" not in header or (not paragraph.parents and head - begin > 3):
            return False
        columns = separators(text[at:end].rstrip())
        if not columns or columns != cells(header):
            return False
        line = paragraph.lines.pop()
        if not paragraph.lines:
            self.blocks.pop()
        else:
            paragraph.closed = True
        block = self._open("table", line[0] if paragraph.lines else paragraph.start, line)
        block.lines.append((start, at, end))
        return True


def scan(text: str, raw_html: bool = True) -> list[Block]:
    """The leaf blocks of a text, in order; without `raw_html` HTML is text like any other."""
    return Scanner(text, raw_html).scan()

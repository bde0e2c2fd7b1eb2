"""The block structure of CommonMark and GFM tables, line by line (https://spec.commonmark.org/0.31.2/).

A line scanner of our own: `frame`, `harmless` and `pieces` run on every edit of an answer, where a whole parser
takes 50-100 ms for 24,000 characters and tells neither what is half-open nor where in the source it stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

LeafKind = Literal["paragraph", "heading", "rule", "fence", "code", "html", "table"]

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
ANY_TAG = re.compile(rf"(?:{OPEN_TAG}|{CLOSE_TAG})\s*$", re.A)
# How an HTML block begins, and what ends it; None for a blank line.
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
    (ANY_TAG, None),
)


# A new leaf: its kind, a fence's mark, and the end of HTML.
_Opening = tuple[LeafKind, str, re.Pattern[str] | None]


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
class LeafBlock:
    """One leaf block. `lines` are the source offsets (start, content start, content end) of each of its lines."""

    kind: LeafKind
    start: int
    parents: tuple[Container, ...]
    lines: list[tuple[int, int, int]]
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
    end = text.find("\n", position)
    while end >= 0:
        after = end + 1
        if end > position and text[end - 1] == "\r":
            end -= 1
        yield position, end, after
        position = after
        end = text.find("\n", position)
    size = len(text)
    if position < size:
        yield position, size - text.endswith("\r"), size


class Line:
    """A line of a text while the markers of its containers are read.

    `position` and `column` are where the last marker ends. `at` is where the text behind it begins, after `indent`
    columns of white space; the line `is_blank` if there is no text. A tab may be used up in part: then `column` is
    inside of it.
    """

    __slots__ = ("at", "column", "end", "indent", "is_blank", "position", "start", "text")
    at: int
    indent: int
    is_blank: bool

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start = self.position = self.at = start
        self.end = end
        self.column = self.indent = 0
        self.is_blank = start >= end
        if not self.is_blank and text[start] in " \t":
            self._skip_spaces()

    @property
    def is_quoted(self) -> bool:
        return not self.is_blank and self.indent <= 3 and self.text[self.at] == ">"

    def skip_indent(self) -> None:
        self.position, self.column = self.at, self.column + self.indent
        self.indent = 0

    def skip_quote_mark(self) -> None:
        """Read a `>` and the space behind it."""
        self.position, self.column = self.at + 1, self.column + self.indent + 1
        behind = self.text[self.position] if self.position < self.end else ""
        if behind == "\t":
            self.advance(self.column + 1)
            return
        if behind == " ":
            self.position += 1
            self.column += 1
        self._skip_spaces()

    def item(self, interrupts: bool) -> Container | None:
        """Read a list item's marker; where it `interrupts` a paragraph not every one begins a list."""
        marker = MARKER.match(self.text, self.at, self.end)
        if marker is None:
            return None
        is_empty = not self.text[marker.end() : self.end].strip(" \t")
        if interrupts and (is_empty or (marker[1] is not None and int(marker[1]) != 1)):
            return None
        start, width = self.at, self.indent + len(marker[0])
        self.position, self.column = marker.end(), self.column + width
        self._skip_spaces()
        if is_empty or self.indent > 4:
            gap = 1
            self.advance(self.column + gap)
        else:
            gap = self.indent
            self.skip_indent()
        return Container(False, start, width + gap, marker[0], is_empty)

    def advance(self, target: int) -> None:
        """Skip white space up to a column; a tab that reaches beyond it counts as used up to there."""
        text, position, column = self.text, self.position, self.column
        while position < self.end and column < target:
            if text[position] == "\t":
                wide = column + 4 - column % 4
                if wide > target:
                    column = target
                    break
                column = wide
            else:
                column += 1
            position += 1
        self.position, self.column = position, column
        self._skip_spaces()

    def _skip_spaces(self) -> None:
        text, at, column, end = self.text, self.position, self.column, self.end
        while at < end:
            char = text[at]
            if char == " ":
                column += 1
            elif char == "\t":
                column += 4 - column % 4
            else:
                break
            at += 1
        self.at, self.indent, self.is_blank = at, column - self.column, at >= end


class Scanner:
    """Reads lines one after the other; `blocks` grows, `leaf` is the block that a next line may continue."""

    def __init__(self, text: str, raw_html: bool = True) -> None:
        self.text = text
        self.raw_html = raw_html
        self.blocks: list[LeafBlock] = []
        self.containers: list[Container] = []
        self.leaf: LeafBlock | None = None

    def scan(self, position: int = 0) -> list[LeafBlock]:
        for start, end, _ in lines(self.text, position):
            self.line(start, end)
        return self.blocks

    def _open(self, kind: LeafKind, start: int, line: tuple[int, int, int]) -> LeafBlock:
        containers = self.containers
        block = LeafBlock(kind, start, tuple(containers), [line])
        self.blocks.append(block)
        self.leaf = block
        for container in containers:
            container.empty = False
        return block

    def line(self, start: int, end: int) -> None:
        """Read the line `text[start:end]`: it continues the leaf, or begins new containers and a new leaf."""
        line = Line(self.text, start, end)
        matched = self._continued(line) if self.containers else 0
        inside = matched == len(self.containers)
        leaf = self.leaf
        lazy = None
        if leaf is None:
            pass
        elif leaf.kind == "paragraph":
            lazy = leaf
        elif inside and leaf.kind in ("fence", "html"):
            self._raw(leaf, line)
            return
        elif not inside or (line.is_blank and leaf.kind != "code"):
            self._close(leaf)
        if line.is_blank:
            self._blank(matched)
        else:
            self._new(line, matched, lazy)

    def _new(self, line: Line, matched: int, lazy: LeafBlock | None) -> None:
        """Read a line with text behind the `matched` containers that it continues.

        `lazy` is a paragraph that the line continues even without the markers of all its containers, if nothing else
        begins here.
        """
        containers = self.containers
        paragraph = lazy if matched == len(containers) else None
        while not line.is_blank:
            if line.indent >= 4:
                if lazy is not None:
                    break
                del containers[matched:]
                self._code(line)
                return
            char = self.text[line.at]
            if char.isalpha():
                break
            if paragraph is not None and char in "=-|:" and self._underlines(paragraph, line):
                return
            container: Container | None
            if char == ">":
                container = Container(True, line.at)
                line.skip_quote_mark()
            else:
                leaf = self._leaf(char, line)
                if leaf is not None:
                    del containers[matched:]
                    self._begin(leaf, line)
                    return
                container = line.item(paragraph is not None)
                if container is None:
                    break
            containers[matched:] = [container]
            matched += 1
            lazy = paragraph = self.leaf = None
        if line.is_blank:
            self.leaf = None
        elif lazy is not None:
            lazy.lines.append((line.start, line.at, line.end))
        else:
            del containers[matched:]
            self._text(line)

    def _continued(self, line: Line) -> int:
        """How many of the open containers the line continues; it is read up to behind their markers."""
        matched = 0
        for container in self.containers:
            if container.quote:
                if not line.is_quoted:
                    break
                line.skip_quote_mark()
            elif line.is_blank:
                if container.empty:
                    break
                line.skip_indent()
            elif line.indent == container.width:
                line.skip_indent()
            elif line.indent > container.width:
                line.advance(line.column + container.width)
            else:
                break
            matched += 1
        return matched

    def _blank(self, matched: int) -> None:
        leaf = self.leaf
        if leaf is not None and leaf.kind == "paragraph":
            self._close(leaf)
        if matched < len(self.containers):
            del self.containers[matched:]
            self.leaf = None

    def _close(self, leaf: LeafBlock) -> None:
        leaf.closed = True
        self.leaf = None

    def _text(self, line: Line) -> None:
        """A line without a marker of its own: a row of the table, or a new paragraph."""
        row = (line.start, line.at, line.end)
        if self.leaf is not None and self.leaf.kind == "table":
            self.leaf.lines.append(row)
        else:
            self._open("paragraph", line.start, row)

    def _code(self, line: Line) -> None:
        """A line of indented code."""
        row = (line.start, line.position, line.end)
        if self.leaf is not None and self.leaf.kind == "code":
            self.leaf.lines.append(row)
        else:
            self._open("code", line.start, row)

    def _raw(self, leaf: LeafBlock, line: Line) -> None:
        """A line inside a fence or an HTML block."""
        if leaf.kind == "fence":
            leaf.lines.append((line.start, min(line.at, line.position + leaf.indent), line.end))
            if not line.is_blank and self.text[line.at] == leaf.mark[0] and _ends_fence(leaf, line):
                self._close(leaf)
            return
        if leaf.until is None and line.is_blank:
            self._close(leaf)
            return
        leaf.lines.append((line.start, line.position, line.end))
        if leaf.until is not None and leaf.until.search(self.text, line.at, line.end):
            self._close(leaf)

    def _leaf(self, char: str, line: Line) -> _Opening | None:
        """The leaf that the line begins with its marker, of which `char` is the first character."""
        text, at, end = self.text, line.at, line.end
        if char == "#":
            return ("heading", "", None) if HEADING.match(text, at, end) else None
        if char in "`~":
            fence = FENCE.match(text, at, end)
            return ("fence", fence[0], None) if fence else None
        if char == "<" and self.raw_html:
            return self._html(at, end)
        if char in "*-_" and RULE.match(text, at, end):
            return "rule", "", None
        return None

    def _html(self, at: int, end: int) -> _Opening | None:
        for opening, until in HTML:
            if opening.match(self.text, at, end):
                interrupts = self.leaf is not None and self.leaf.kind in ("paragraph", "table")
                return None if interrupts and opening is ANY_TAG else ("html", "", until)
        return None

    def _begin(self, leaf: _Opening, line: Line) -> None:
        kind, mark, until = leaf
        block = self._open(kind, line.start, (line.start, line.at, line.end))
        block.mark, block.indent, block.until = mark, line.indent, until
        if kind in ("heading", "rule") or (until is not None and until.search(self.text, line.at, line.end)):
            self._close(block)

    def _underlines(self, paragraph: LeafBlock, line: Line) -> bool:
        """Whether the line makes the paragraph before it a heading, or its last line the header row of a table."""
        char = self.text[line.at]
        if char in "|:-" and self._table(paragraph, line):
            return True
        if char not in "=-" or not SETEXT.match(self.text, line.at, line.end):
            return False
        paragraph.setext = True
        paragraph.lines.append((line.start, line.at, line.end))
        self._close(paragraph)
        return True

    def _table(self, paragraph: LeafBlock, line: Line) -> bool:
        text = self.text
        begin, head, stop = paragraph.lines[-1]
        header = text[head:stop]
        if "|" not in header or (not paragraph.parents and head - begin > 3):
            return False
        columns = separators(text[line.at : line.end].rstrip())
        if not columns or columns != cells(header):
            return False
        row = paragraph.lines.pop()
        if not paragraph.lines:
            self.blocks.pop()
        else:
            paragraph.closed = True
        block = self._open("table", row[0] if paragraph.lines else paragraph.start, row)
        block.lines.append((line.start, line.at, line.end))
        return True


def _ends_fence(fence: LeafBlock, line: Line) -> bool:
    """Whether a line that begins like the fence's mark is its end."""
    if line.indent > 3:
        return False
    text, run, end = line.text, line.at, line.end
    while run < end and text[run] == fence.mark[0]:
        run += 1
    return run - line.at >= len(fence.mark) and not text[run:end].strip(" \t")


def scan(text: str, raw_html: bool = True) -> list[LeafBlock]:
    """The leaf blocks of a text, in order; without `raw_html` HTML is text like any other."""
    return Scanner(text, raw_html).scan()

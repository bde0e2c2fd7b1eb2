"""The block structure of CommonMark and GFM tables, line by line (https://spec.commonmark.org/0.31.2/).

A line scanner of our own: `frame`, `harmless` and `split_text` run on every edit of an answer, where a whole parser
takes 50-100 ms for 24,000 characters and tells neither what is half-open nor where in the source it stands.
"""

import re
from dataclasses import dataclass
from typing import Literal

from workers.markdown.line import Container, Line, lines
from workers.markdown.tables import cells, separators

LeafKind = Literal["paragraph", "heading", "rule", "fence", "code", "html", "table"]

FENCE = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
RULE = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")

NAME = "[A-Za-z][A-Za-z0-9-]*+"
ATTRIBUTE = r"""\s++[A-Za-z_:][\w:.-]*+(?>\s*+=\s*+(?:[^"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+"))?+"""
OPEN_TAG = rf"<{NAME}(?>{ATTRIBUTE})*+\s*+/?>"
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


# Markers inside of this many block quotes and list items are text, as in markdown-it and cmark-gfm: else each line of
# a text could have as many containers as characters.
DEEPEST_CONTAINERS = 100

# A new leaf: its kind, a fence's mark, and the end of HTML.
_Opening = tuple[LeafKind, str, re.Pattern[str] | None]


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
            is_deepest = matched >= DEEPEST_CONTAINERS
            if char == ">" and not is_deepest:
                container = Container(True, line.at)
                line.skip_quote_mark()
            else:
                leaf = self._leaf(char, line)
                if leaf is not None:
                    del containers[matched:]
                    self._begin(leaf, line)
                    return
                container = None if is_deepest else line.item(paragraph is not None)
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

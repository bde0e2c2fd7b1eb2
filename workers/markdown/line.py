"""A line of Markdown while the markers of its containers are read: block quotes and list items."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MARKER = re.compile(r"(?:[-+*]|(\d{1,9})[.)])(?=[ \t]|$)")


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
            self._skip_spaces()
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
        column_of_text = column + self.indent
        while position < self.at and column < target:
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
        self.indent = column_of_text - column

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

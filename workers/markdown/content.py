"""The inline content of a leaf block, and where it stands in the text."""

import sys
from bisect import bisect_right
from typing import NamedTuple

from workers.markdown.blocks import LeafBlock


class Content(NamedTuple):
    """`lines` are the offsets of each line's beginning: in the content, and in the text that it comes from."""

    text: str
    lines: list[tuple[int, int]]

    def source(self, position: int) -> int:
        """Where in the text a position of the content is."""
        offset, start = self.lines[bisect_right(self.lines, (position, sys.maxsize)) - 1]
        return start + position - offset

    def after(self, position: int) -> "Content":
        """The rest of the content from a position on."""
        if not position:
            return self
        return Content(self.text[position:], [(offset - position, start) for offset, start in self.lines])


def content_of(text: str, block: LeafBlock) -> Content:
    parts: list[str] = []
    lines: list[tuple[int, int]] = []
    offset = 0
    for _, start, end in block.lines:
        parts.append(text[start:end])
        lines.append((offset, start))
        offset += end - start + 1
    return Content("\n".join(parts), lines)

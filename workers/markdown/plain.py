"""Markdown as plain text: what a notification says, and all that there is where Slack refuses Markdown blocks."""

import html
import re
from bisect import bisect_left
from collections.abc import Iterator

from workers.markdown.inline import ENTITY
from workers.markdown.sanitize import REMOVED, harmless_plain

FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})")
# A line that is markup alone: of a fence, of a table's header.
MARKUP_LINE = re.compile(r"[ \t]*(?:`{3,}.*|~{3,}.*|[|:-][-:| \t]+)$", re.S)
LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]++|\([^()]*\))*+\)")
LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}|>)[ \t]+")
MARK = re.compile(r"\*\*|__|~~|`+|&")
SPACES = re.compile(r"[ \t]+")
# `__init__` is rather a name than bold.
NAME = re.compile(r"[A-Za-z0-9_]+")


def plain(text: str) -> str:
    """The text without markup, unable to ping; code keeps its indentation."""
    shown = "\n".join(_lines(text)).rstrip()
    # What stood between markup may have come together; what is markup alone is better than no text, which is refused.
    return harmless_plain(REMOVED.sub("", shown) or text.strip())


def _lines(text: str) -> Iterator[str]:
    fence = ""
    for line in text.split("\n"):
        if fence:
            if _ends(line, fence):
                fence = ""
            elif line.strip():
                yield line.rstrip()
            continue
        opened = FENCE.match(line)
        if opened is not None:
            fence = opened[1]
        elif not MARKUP_LINE.match(line):
            shown = _Line(LINE_MARK.sub("", LINK.sub(r"\1", line), count=1)).plain()
            shown = SPACES.sub(" ", shown).strip()
            if shown:
                yield shown


def _ends(line: str, fence: str) -> bool:
    line = line.strip()
    return len(line) >= len(fence) and not line.strip(fence[0])


class _Line:
    """A line while its marks are taken out, from left to right; what closes which mark is looked up once."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._closers: dict[str, list[int]] = {}
        self._ticks: dict[int, list[int]] | None = None

    def plain(self) -> str:
        line = self._line
        parts: list[str] = []
        at = 0
        while (mark := MARK.search(line, at)) is not None:
            parts.append(line[at : mark.start()])
            if mark[0] == "&":
                shown, at = self._entity(mark.start())
            elif mark[0][0] == "`":
                shown, at = self._code(mark.end(), mark[0])
            else:
                shown, at = self._emphasis(mark.end(), mark[0])
            parts.append(shown)
        parts.append(line[at:])
        return "".join(parts)

    def _entity(self, start: int) -> tuple[str, int]:
        entity = ENTITY.match(self._line, start)
        if entity is None:
            return "&", start + 1
        return html.unescape(entity[0]), entity.end()

    def _code(self, begin: int, ticks: str) -> tuple[str, int]:
        if self._ticks is None:
            self._ticks = {}
            for run in re.finditer("`+", self._line):
                self._ticks.setdefault(len(run[0]), []).append(run.start())
        starts = self._ticks.get(len(ticks), [])
        index = bisect_left(starts, begin)
        if index == len(starts):
            return ticks, begin
        return self._line[begin : starts[index]], starts[index] + len(ticks)

    def _emphasis(self, begin: int, mark: str) -> tuple[str, int]:
        line = self._line
        if line[begin : begin + 1].strip():
            closers = self._ends_of(mark)
            index = bisect_left(closers, begin + 1)
            if index < len(closers):
                inside = line[begin : closers[index]]
                end = closers[index] + len(mark)
                if mark == "__" and NAME.fullmatch(inside):
                    return line[begin - len(mark) : end], end
                return ENTITY.sub(lambda entity: html.unescape(entity[0]), inside), end
        return mark[0], begin - 1

    def _ends_of(self, mark: str) -> list[int]:
        """Where the mark stands behind something that is not white space."""
        ends = self._closers.get(mark)
        if ends is None:
            found = re.finditer(rf"(?<=\S)(?={re.escape(mark)})", self._line)
            ends = self._closers[mark] = [end.start() for end in found]
        return ends

"""The inline structure of CommonMark, from left to right: its spans, and what is half-open at the end."""

import re
from bisect import bisect_left
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workers.markdown.blocks import ATTRIBUTE, CLOSE_TAG, NAME, OPEN_TAG
from workers.markdown.delimiters import PUNCTUATION, Run, run_at
from workers.markdown.links import LONGEST_LABEL, Extent, Undecided, label_key, link_tail

SPECIAL = re.compile(r"[\\`<&\[\]!*_~]")
NOT_PLAIN = re.compile(r"[\\`<&\[\]!*_~\n|]")
TICKS = re.compile(r"`+")
ENTITY = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
HALF_ENTITY = re.compile(r"&(?:#(?:[xX][0-9a-fA-F]{0,6}|[0-9]{0,7})|[A-Za-z][A-Za-z0-9]{0,31})?$")
AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*+)>")
EMAIL = re.compile(r"<([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]++@[A-Za-z0-9](?:[A-Za-z0-9.-]*+))>")
SLACK = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>|\x00-\x20]*+\|[^<>\n]*+>")
TAG = re.compile(
    rf"(?:{OPEN_TAG}|{CLOSE_TAG}|<!---?>|<!--.*?-->|<\?.*?\?>|<![A-Za-z][^>]*+>|<!\[CDATA\[.*?\]\]>)", re.S | re.A
)
HALF_TAG = re.compile(
    rf"""<(?:
        [A-Za-z][A-Za-z0-9+.-]{{0,31}}(?>:[^<>|\x00-\x20]*+(?>\|[^<>\n]*+)?+)?+   # autolink, Slack's <url|label>
      | [A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]*+(?>@[A-Za-z0-9.-]*+)?+            # address
      | {NAME}(?>{ATTRIBUTE})*+\s*+(?>/|=\s*+(?>"[^"]*+|'[^']*+)?+)?+
      | /(?>{NAME}\s*+)?+
      | !-(?>-.*)?+ | !(?>[A-Za-z][^>]*+)?+ | !\[[A-Z]{{0,5}}(?>(?<=CDATA)\[.*)?+ | \?.* | \u2060?[@#!][^<>\n]*+
    )?$""",
    re.S | re.A | re.X,
)

SpanKind = Literal["code", "link", "image", "reference", "auto", "email", "slack", "html"]


class Span(NamedTuple):
    """An inline construct; for links, `label` and `target` are where those stand in the content."""

    kind: SpanKind
    start: int
    end: int
    label: Extent = (0, 0)
    target: Extent = (0, 0)


class Half(NamedTuple):
    """The first construct that more text could still complete: shown up to `shown`, without `drop` characters."""

    start: int
    shown: int
    drop: int = 0
    close: str = ""


@dataclass(slots=True)
class Inline:
    spans: list[Span] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    half: Half | None = None


class _Bracket(NamedTuple):
    """A `[` or `![` that may begin a link; `runs` and `spans` are how many of each stand before it."""

    start: int
    is_image: bool
    runs: int
    spans: int


class _Parser:
    """Reads a content from left to right.

    Each method that reads a construct gets its position and returns the position from which to go on.
    """

    def __init__(self, content: str, references: Container[str], raw_html: bool) -> None:
        self.content, self.references, self.raw_html = content, references, raw_html
        self.spans: list[Span] = []
        self.runs: list[Run] = []
        self.half: Half | None = None
        # Inside a link there is no other link: an opening bracket before this index may only begin an image.
        self.active = 0
        self.brackets: list[_Bracket] = []
        self.ticks: dict[int, list[int]] | None = None
        # Where the next end of a comment and its like stands: behind the content if there is none.
        self.closings: dict[str, int] = {}

    def parse(self) -> Inline:
        content = self.content
        position = 0
        while (special := SPECIAL.search(content, position)) is not None:
            position = READERS[special[0]](self, special.start())
        bracket = self._first_open_bracket()
        if bracket is not None:
            self._hold_bracket(bracket)
        return Inline(self.spans, self.runs, self.half)

    def escape(self, position: int) -> int:
        after = self.content[position + 1 : position + 2]
        return position + 2 if after in PUNCTUATION else position + 1

    def code(self, position: int) -> int:
        content, size = self.content, len(self.content)
        end = position
        while end < size and content[end] == "`":
            end += 1
        wide = end - position
        starts = self._ticks(position).get(wide, [])
        index = bisect_left(starts, end)
        is_closed = index < len(starts)
        if is_closed and starts[index] + wide < size:
            after = starts[index] + wide
            self.spans.append(Span("code", position, after))
            return after
        # The closing ticks at the end of the content may still become more ticks.
        if self.half is None:
            inside = _plain(content, end)
            if end < size and content[end] in " \n":
                inside = end
            self._hold(Half(position, inside if inside > end else position, 0, "`" * wide))
        if not is_closed:
            return end
        self.spans.append(Span("code", position, size))
        return size

    def angle(self, position: int) -> int:
        span = _angle(self.content, position, self._may_be_html(position)) if self._may_end(position) else None
        if span is not None:
            self.spans.append(span)
            return span.end
        if self.half is None and HALF_TAG.match(self.content, position):
            self._hold(Half(position, position))
        return position + 1

    def entity(self, position: int) -> int:
        entity = ENTITY.match(self.content, position)
        if entity is not None:
            return entity.end()
        if self.half is None and HALF_ENTITY.match(self.content, position):
            self._hold(Half(position, position))
        return position + 1

    def image(self, position: int) -> int:
        if not self.content.startswith("[", position + 1):
            return position + 1
        self.brackets.append(_Bracket(position, True, len(self.runs), len(self.spans)))
        return position + 2

    def bracket(self, position: int) -> int:
        self.brackets.append(_Bracket(position, False, len(self.runs), len(self.spans)))
        return position + 1

    def closing_bracket(self, position: int) -> int:
        after = position + 1
        if not self.brackets:
            return after
        bracket = self.brackets.pop()
        if not bracket.is_image and len(self.brackets) < self.active:
            self.active = len(self.brackets)
            return after
        span = self._link(bracket, position)
        if span is None:
            return after
        self.spans.insert(bracket.spans, span)
        del self.runs[bracket.runs :]
        if not bracket.is_image:
            self.active = len(self.brackets)
        return span.end

    def delimiters(self, position: int) -> int:
        run, end = run_at(self.content, position)
        if run is not None:
            self.runs.append(run)
        return end

    def _link(self, bracket: _Bracket, position: int) -> Span | None:
        """The link, image or reference whose label ends with the bracket at `position`."""
        label = (bracket.start + 1 + bracket.is_image, position)
        tail = self._tail(position + 1)
        if isinstance(tail, tuple):
            end, target = tail
            return Span("image" if bracket.is_image else "link", bracket.start, end, label, target)
        if tail == "half":
            self._hold_bracket(bracket)
        end_of_reference = _reference(self.content, position + 1, label, self.references)
        return None if end_of_reference is None else Span("reference", bracket.start, end_of_reference, label)

    def _tail(self, position: int) -> tuple[int, Extent] | Undecided | None:
        content = self.content
        if position >= len(content):
            return "half"
        if content[position] == "(":
            return link_tail(content, position)
        # A second label that is not closed yet.
        if self.references and content[position] == "[" and content.find("]", position) < 0:
            return "half"
        return None

    def _may_end(self, position: int) -> bool:
        """Whether what begins with the `<` at a position can have an end."""
        if self.content.startswith("<?", position):
            return self._follows("?>", position)
        if self.content.startswith("<![", position):
            return self._follows("]]>", position)
        return self._follows(">", position)

    def _may_be_html(self, position: int) -> bool:
        if not self.content.startswith("<!--", position) or self.content.startswith(("<!-->", "<!--->"), position):
            return self.raw_html
        return self.raw_html and self._follows("-->", position + 4)

    def _follows(self, closing: str, position: int) -> bool:
        """Whether this stands at or behind a position; asked for growing positions, the text is searched once."""
        found = self.closings.get(closing, -1)
        if found < position:
            found = self.content.find(closing, position)
            self.closings[closing] = found if found >= 0 else len(self.content)
        return 0 <= found < len(self.content)

    def _ticks(self, position: int) -> dict[int, list[int]]:
        """Where the runs of backticks from the first one on begin, by their length."""
        if self.ticks is None:
            self.ticks = {}
            for run in TICKS.finditer(self.content, position):
                self.ticks.setdefault(run.end() - run.start(), []).append(run.start())
        return self.ticks

    def _hold(self, half: Half) -> None:
        """Hold back a construct; an open bracket before it is half-open too, and comes first."""
        bracket = self._first_open_bracket()
        self.half = half if bracket is None else _open_bracket(self.content, bracket)

    def _hold_bracket(self, bracket: _Bracket) -> None:
        if self.half is None or bracket.start < self.half.start:
            self.half = _open_bracket(self.content, bracket)

    def _first_open_bracket(self) -> _Bracket | None:
        """The first bracket that may still begin a link or an image."""
        for index, bracket in enumerate(self.brackets):
            if bracket.is_image or index >= self.active:
                return bracket
        return None


READERS: dict[str, Callable[[_Parser, int], int]] = {
    "\\": _Parser.escape,
    "`": _Parser.code,
    "<": _Parser.angle,
    "&": _Parser.entity,
    "!": _Parser.image,
    "[": _Parser.bracket,
    "]": _Parser.closing_bracket,
    "*": _Parser.delimiters,
    "_": _Parser.delimiters,
    "~": _Parser.delimiters,
}


def parse(content: str, references: Container[str] = frozenset(), raw_html: bool = True) -> Inline:
    """The spans and delimiter runs of one block's content; `half` is set if more text may complete something."""
    return _Parser(content, references, raw_html).parse()


def _plain(content: str, position: int) -> int:
    """Where the text from `position` on stops meaning the same in a code span and outside."""
    markup = NOT_PLAIN.search(content, position)
    return markup.start() if markup else len(content)


def _open_bracket(content: str, bracket: _Bracket) -> Half:
    start = bracket.start
    if bracket.is_image:
        return Half(start, start)
    before = content[start - 1] if start else "\n"
    first = content[start + 1 : start + 2]
    if before in "*_~" or not first.isalnum() or (before == "\n" and not first.isalpha()):
        return Half(start, start)
    return Half(start, _plain(content, start + 1), 1)


def _reference(content: str, position: int, label: Extent, references: Container[str]) -> int | None:
    """Where a reference link ends whose label ends before `position`."""
    if content.startswith("[", position) and not content.startswith("[]", position):
        end = content.find("]", position)
        if end > 0 and _is_reference(content, (position + 1, end), references):
            return end + 1
    if _is_reference(content, label, references):
        return position + 2 if content.startswith("[]", position) else position
    return None


def _is_reference(content: str, label: Extent, references: Container[str]) -> bool:
    start, end = label
    return end - start <= LONGEST_LABEL and label_key(content[start:end]) in references


def _angle(content: str, position: int, raw_html: bool) -> Span | None:
    for kind, pattern in (("auto", AUTOLINK), ("email", EMAIL), ("slack", SLACK), ("html", TAG)):
        match = pattern.match(content, position) if raw_html or kind != "html" else None
        if match is None:
            continue
        if kind == "auto" and "|" in match[1]:
            return Span("slack", position, match.end())
        return Span(kind, position, match.end(), target=(position + 1, match.end() - 1))  # type: ignore[arg-type]
    return None

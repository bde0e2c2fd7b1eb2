"""The inline structure of CommonMark: code spans, links, autolinks, raw HTML, delimiter runs, and what is half-open."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workers.markdown.blocks import ATTRIBUTE, CLOSE_TAG, NAME, OPEN_TAG

SPECIAL = re.compile(r"[\\`<&\[\]!*_~]")
NOT_PLAIN = re.compile(r"[\\`<&\[\]!*_~\n|]")
PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
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
        [A-Za-z][A-Za-z0-9+.-]{{0,31}}(?::[^<>|\x00-\x20]*+(?:\|[^<>\n]*+)?+)?+   # autolink, Slack's <url|label>
      | [A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]*+(?:@[A-Za-z0-9.-]*+)?+            # address
      | {NAME}(?:{ATTRIBUTE})*+\s*+(?:/|=\s*+(?:"[^"]*+|'[^']*+)?+)?+
      | /(?:{NAME}\s*+)?+
      | !-(?:-.*)?+ | !(?:[A-Za-z][^>]*+)?+ | !\[[A-Z]{{0,5}}(?:(?<=CDATA)\[.*)?+ | \?.* | \u2060?[@#!][^<>\n]*+
    )?$""",
    re.S | re.A | re.X,
)
TITLE = re.compile(r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)""", re.S)
DEFINITION = re.compile(
    r"""[ ]{0,3}\[((?:[^\[\]\\]|\\.){1,999}+)\]:[ \t]*+\n?[ \t]*+(<(?:[^<>\\\n]|\\.)*+>|[^\s<]\S*+)
    (?:(?:[ \t]++\n?|\n)[ \t]*+("(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\)))?+[ \t]*+(?:\n|$)""",
    re.X | re.S,
)
PLAIN_DEFINITION = re.compile(
    r"[ ]{0,3}\[((?:[^\[\]\\]|\\.){1,999}+)\]:[ \t]*+\n?[ \t]*+(<(?:[^<>\\\n]|\\.)*+>|[^\s<]\S*+)[ \t]*+(?:\n|$)", re.S
)

# https://spec.commonmark.org/0.31.2/#link-destination asks for three levels at least.
DEEPEST_PARENTHESES = 32

# Where something in a content begins and ends.
Extent = tuple[int, int]
# More text decides whether there is such a construct, and where it ends.
Undecided = Literal["half"]
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
class Run:
    """A run of `*`, `_` or `~`: `count` delimiters, each `len(mark)` characters."""

    start: int
    mark: str
    count: int
    opens: bool
    closes: bool


@dataclass(slots=True)
class Inline:
    spans: list[Span] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    half: Half | None = None


def label_key(label: str) -> str:
    """A reference label as it is compared."""
    return " ".join(label.split()).casefold().upper()


def definition(content: str, position: int = 0) -> re.Match[str] | None:
    """A link reference definition that stands at `position` of a paragraph's content."""
    if not content.startswith("[", position) and not content[position : position + 4].lstrip(" ").startswith("["):
        return None
    found = DEFINITION.match(content, position) or PLAIN_DEFINITION.match(content, position)
    return found if found and found[1].strip() else None


def _punctuation(char: str) -> bool:
    return char in PUNCTUATION or (char > "\x7f" and unicodedata.category(char)[0] in "PS")


def run_at(content: str, position: int) -> tuple[Run | None, int]:
    """The delimiter run at a position, by the flanking rules, and where it ends."""
    char = content[position]
    end = position + 1
    size = len(content)
    while end < size and content[end] == char:
        end += 1
    before = content[position - 1] if position else " "
    after = content[end] if end < size else " "
    before_space, after_space = before.isspace(), after.isspace()
    before_mark, after_mark = _punctuation(before), _punctuation(after)
    left = not (after_space or (after_mark and not (before_space or before_mark)))
    right = not (before_space or (before_mark and not (after_space or after_mark)))
    if char == "~":
        pairs = (end - position) // 2
        return (Run(end - 2 * pairs, "~~", pairs, left, right) if pairs else None), end
    split = char == "*"
    opens = left and (split or not right or before_mark)
    closes = right and (split or not left or after_mark)
    return Run(position, char, end - position, opens, closes), end


def link_tail(content: str, position: int) -> tuple[int, Extent] | Undecided | None:
    """What follows `[label]` at a "(": (end, target), or None if this is not a link."""
    start = _past_space(content, position + 1)
    if start >= len(content):
        return "half"
    target = _enclosed_target(content, start) if content[start] == "<" else _bare_target(content, start)
    if not isinstance(target, tuple):
        return target
    after = target[1] + 1 if content[start] == "<" else target[1]
    at = _past_space(content, after)
    if at >= len(content):
        return "half"
    if at > after and content[at] in "\"'(":
        end = _title_end(content, at)
        if not isinstance(end, int):
            return end
        at = _past_space(content, end)
        if at >= len(content):
            return "half"
    return (at + 1, target) if content[at] == ")" else None


def _past_space(content: str, position: int) -> int:
    size = len(content)
    while position < size and content[position] in " \t\r\n":
        position += 1
    return position


def _enclosed_target(content: str, start: int) -> Extent | Undecided | None:
    """A link's target in angle brackets, of which the first stands at `start`."""
    size = len(content)
    at = start + 1
    while at < size:
        char = content[at]
        if char == ">":
            return start + 1, at
        if char in "<\n":
            return None
        at += 2 if char == "\\" else 1
    return "half"


def _bare_target(content: str, start: int) -> Extent | Undecided | None:
    """A link's target without angle brackets: up to white space or an unbalanced parenthesis."""
    size = len(content)
    at = start
    depth = 0
    while at < size:
        char = content[at]
        if char <= " " or char == "\x7f":
            break
        if char == "\\" and at + 1 < size and content[at + 1] != " ":
            at += 1
        elif char == "(":
            depth += 1
            if depth > DEEPEST_PARENTHESES:
                return None
        elif char == ")":
            if not depth:
                break
            depth -= 1
        at += 1
    if at >= size:
        return "half"
    return None if depth else (start, at)


def _title_end(content: str, start: int) -> int | Undecided | None:
    """Where a link's title ends that begins at `start`."""
    title = TITLE.match(content, start)
    if title is not None:
        return title.end()
    if content[start] == "(" and "(" in content[start + 1 :].replace("\\(", ""):
        return None
    return "half"


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
        span = _angle(self.content, position, self.raw_html)
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
        if self.references and content[position] == "[" and "]" not in content[position:]:
            return "half"
        return None

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
    found = NOT_PLAIN.search(content, position)
    return found.start() if found else len(content)


def _open_bracket(content: str, bracket: _Bracket) -> Half:
    start = bracket.start
    if bracket.is_image:
        return Half(start, start + 1)
    before = content[start - 1] if start else "\n"
    first = content[start + 1 : start + 2]
    if before in "*_~" or not first.isalnum() or (before == "\n" and not first.isalpha()):
        return Half(start, start)
    return Half(start, _plain(content, start + 1), 1)


def _reference(content: str, position: int, label: Extent, references: Container[str]) -> int | None:
    """Where a reference link ends whose label ends before `position`."""
    if content.startswith("[", position) and not content.startswith("[]", position):
        end = content.find("]", position)
        if end > 0 and label_key(content[position + 1 : end]) in references:
            return end + 1
    if label_key(content[label[0] : label[1]]) in references:
        return position + 2 if content.startswith("[]", position) else position
    return None


def _angle(content: str, position: int, raw_html: bool) -> Span | None:
    for opening, closing in (("<?", "?>"), ("<!--", ">"), ("<![", "]]>")):
        if content.startswith(opening, position) and content.find(closing, position) < 0:
            return None
    for kind, pattern in (("auto", AUTOLINK), ("email", EMAIL), ("slack", SLACK), ("html", TAG)):
        found = pattern.match(content, position) if raw_html or kind != "html" else None
        if found is None:
            continue
        if kind == "auto" and "|" in found[1]:
            return Span("slack", position, found.end())
        return Span(kind, position, found.end(), target=(position + 1, found.end() - 1))  # type: ignore[arg-type]
    return None


def unmatched(runs: list[Run], *, lost: bool = False) -> list[tuple[int, str]]:
    """The delimiters that may still open emphasis: (position, mark), in order (spec, "process emphasis").

    With `lost`, also those that a pair around them has made plain text.
    """
    marks = [(run, index) for run in runs for index in range(run.count)]
    ends = [-1] * len(marks)
    opens = [run.opens for run, _ in marks]
    closes = [run.closes for run, _ in marks]
    jumps: list[int] = []
    bottoms: dict[tuple[str, bool, int], int] = {}
    header, last = 0, -2
    matched = [False] * len(marks)
    for closer, (run, _) in enumerate(marks):
        jumps.append(0)
        if marks[header][0] is not run or last != closer - 1:
            header = closer
        last = closer
        if not closes[closer]:
            continue
        length = run.count if run.mark != "~~" else 0
        key = (run.mark, opens[closer], length % 3)
        bottom = bottoms.get(key, -1)
        opener = header - jumps[header] - 1
        lowest = opener
        while opener > bottom:
            other = marks[opener][0]
            if other.mark == run.mark and opens[opener] and ends[opener] < 0:
                wide = other.count if other.mark != "~~" else 0
                odd = (closes[opener] or opens[closer]) and (wide + length) % 3 == 0 and (wide % 3 or length % 3)
                if not odd:
                    jump = jumps[opener - 1] + 1 if opener > 0 and not opens[opener - 1] else 0
                    jumps[closer] = closer - opener + jump
                    jumps[opener] = jump
                    opens[closer] = False
                    ends[opener] = closer
                    closes[opener] = False
                    matched[opener] = matched[closer] = True
                    lowest = -1
                    last = -2
                    break
            opener -= jumps[opener] + 1
        if lowest != -1:
            bottoms[key] = lowest
    # A delimiter between a matched pair can no longer open anything.
    result = []
    covered = -1
    for index, (run, nth) in enumerate(marks):
        if ends[index] >= 0:
            covered = max(covered, ends[index])
        elif opens[index] and not matched[index] and (lost or index > covered):
            result.append((run.start + nth * len(run.mark), run.mark))
    return result

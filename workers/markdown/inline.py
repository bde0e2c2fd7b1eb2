"""The inline structure of CommonMark: code spans, links, autolinks, raw HTML, delimiter runs, and what is half-open."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Container
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

SpanKind = Literal["code", "link", "image", "reference", "auto", "email", "slack", "html"]


class Span(NamedTuple):
    """An inline construct; for links, `label` and `target` are where those stand in the content."""

    kind: SpanKind
    start: int
    end: int
    label: tuple[int, int] = (0, 0)
    target: tuple[int, int] = (0, 0)


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


def link_tail(content: str, position: int) -> tuple[int, tuple[int, int]] | Literal["half"] | None:
    """What follows `[label]` at a "(": (end, target), None if it is no link, "half" if more text decides."""
    size = len(content)
    at = position + 1
    while at < size and content[at] in " \t\r\n":
        at += 1
    if at >= size:
        return "half"
    start = at
    if content[at] == "<":
        while True:
            at += 1
            if at >= size:
                return "half"
            char = content[at]
            if char == "\\":
                at += 1
            elif char in "<\n":
                return None
            elif char == ">":
                break
        target = (start + 1, at)
        at += 1
    else:
        depth = 0
        while at < size:
            char = content[at]
            if char <= " " or char == "\x7f":
                break
            if char == "\\" and at + 1 < size and content[at + 1] != " ":
                at += 1
            elif char == "(":
                depth += 1
                if depth > 32:
                    return None
            elif char == ")":
                if not depth:
                    break
                depth -= 1
            at += 1
        if at >= size:
            return "half"
        if depth:
            return None
        target = (start, at)
    before = at
    while at < size and content[at] in " \t\r\n":
        at += 1
    if at >= size:
        return "half"
    if at > before and content[at] in "\"'(":
        title = TITLE.match(content, at)
        if title is None:
            rest = content[at + 1 :]
            return None if content[at] == "(" and "(" in rest.replace("\\(", "") else "half"
        at = title.end()
        while at < size and content[at] in " \t\r\n":
            at += 1
        if at >= size:
            return "half"
    return (at + 1, target) if content[at] == ")" else None


def parse(content: str, references: Container[str] = frozenset(), raw_html: bool = True) -> Inline:
    """The spans and delimiter runs of one block's content; `half` is set if more text may complete something."""
    result = Inline()
    spans, runs = result.spans, result.runs
    size = len(content)
    ticks: dict[int, list[int]] | None = None
    brackets: list[tuple[int, bool, int, int]] = []
    active = 0
    half: Half | None = None

    def pending(inner: Half) -> Half:
        """An open bracket before a half-open construct is half-open too."""
        for index, (start, image, _, _) in enumerate(brackets):
            if image or index >= active:
                return _open_bracket(content, start, image)
        return inner

    position = 0
    while (found := SPECIAL.search(content, position)) is not None:
        position = found.start()
        char = found[0]
        if char == "\\":
            position += 2 if position + 1 < size and content[position + 1] in PUNCTUATION else 1
        elif char == "`":
            if ticks is None:
                ticks = {}
                for run in TICKS.finditer(content, position):
                    ticks.setdefault(run.end() - run.start(), []).append(run.start())
            end = position
            while end < size and content[end] == "`":
                end += 1
            wide = end - position
            starts = ticks.get(wide, [])
            index = bisect_left(starts, end)
            if index < len(starts) and starts[index] + wide < size:
                spans.append(Span("code", position, starts[index] + wide))
                position = starts[index] + wide
            else:
                if half is None:
                    inside = _plain(content, end)
                    if end < size and content[end] in " \n":
                        inside = end
                    half = pending(Half(position, inside if inside > end else position, 0, "`" * wide))
                if index < len(starts):
                    spans.append(Span("code", position, size))
                    position = size
                else:
                    position = end
        elif char == "<":
            span = _angle(content, position, raw_html)
            if span is not None:
                spans.append(span)
                position = span.end
            else:
                if half is None and HALF_TAG.match(content, position):
                    half = pending(Half(position, position))
                position += 1
        elif char == "&":
            entity = ENTITY.match(content, position)
            if entity is None and half is None and HALF_ENTITY.match(content, position):
                half = pending(Half(position, position))
            position = entity.end() if entity else position + 1
        elif char == "!":
            if content.startswith("[", position + 1):
                brackets.append((position, True, len(runs), len(spans)))
                position += 1
            position += 1
        elif char == "[":
            brackets.append((position, False, len(runs), len(spans)))
            position += 1
        elif char == "]":
            position += 1
            if not brackets:
                continue
            start, image, first_run, first_span = brackets.pop()
            if not image and len(brackets) < active:
                active = len(brackets)
                continue
            label = (start + 1 + image, position - 1)
            tail: tuple[int, tuple[int, int]] | Literal["half"] | None = None
            if position >= size or (references and content[position] == "[" and "]" not in content[position:]):
                tail = "half"
            elif content[position] == "(":
                tail = link_tail(content, position)
            if tail is None or tail == "half":
                reference = _reference(content, position, label, references)
                if tail == "half" and (half is None or start < half.start):
                    half = _open_bracket(content, start, image)
                if reference is None:
                    continue
                spans.insert(first_span, Span("reference", start, reference, label))
                position = reference
            else:
                spans.insert(first_span, Span("image" if image else "link", start, tail[0], label, tail[1]))
                position = tail[0]
            del runs[first_run:]
            if not image:
                active = len(brackets)
        else:
            delimiter, position = run_at(content, position)
            if delimiter is not None:
                runs.append(delimiter)
    for index, (start, image, _, _) in enumerate(brackets):
        if image or index >= active:
            if half is None or start < half.start:
                half = _open_bracket(content, start, image)
            break
    result.half = half
    return result


def _plain(content: str, position: int) -> int:
    """Where the text from `position` on stops meaning the same in a code span and outside."""
    found = NOT_PLAIN.search(content, position)
    return found.start() if found else len(content)


def _open_bracket(content: str, start: int, image: bool) -> Half:
    if image:
        return Half(start, start + 1)
    before = content[start - 1] if start else "\n"
    first = content[start + 1 : start + 2]
    if before in "*_~" or not first.isalnum() or (before == "\n" and not first.isalpha()):
        return Half(start, start)
    return Half(start, _plain(content, start + 1), 1)


def _reference(content: str, position: int, label: tuple[int, int], references: Container[str]) -> int | None:
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

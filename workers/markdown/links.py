"""Links of CommonMark: what follows a label, and reference definitions."""

import re
from typing import Literal

TITLE = re.compile(r""""(?>[^"\\]|\\.)*+"|'(?>[^'\\]|\\.)*+'|\((?>[^()\\]|\\.)*+\)""", re.S)
OPEN_TITLE = re.compile(r"\((?>[^()\\]|\\.)*+", re.S)
DEFINITION = re.compile(
    r"""[ ]{0,3}\[((?>[^\[\]\\]|\\.){1,999}+)\]:[ \t]*+\n?[ \t]*+(<(?>[^<>\\\n]|\\.)*+>|[^\s<]\S*+)
    (?>(?:[ \t]++\n?|\n)[ \t]*+("(?>[^"\\]|\\.)*+"|'(?>[^'\\]|\\.)*+'|\((?>[^()\\]|\\.)*+\)))?+[ \t]*+(?:\n|$)""",
    re.X | re.S,
)
PLAIN_DEFINITION = re.compile(
    r"[ ]{0,3}\[((?>[^\[\]\\]|\\.){1,999}+)\]:[ \t]*+\n?[ \t]*+(<(?>[^<>\\\n]|\\.)*+>|[^\s<]\S*+)[ \t]*+(?:\n|$)", re.S
)
# https://spec.commonmark.org/0.31.2/#link-destination asks for three levels at least.
DEEPEST_PARENTHESES = 32
# A label has up to 999 characters (https://spec.commonmark.org/0.31.2/#link-label), here not counting backslashes.
LONGEST_LABEL = 2 * 999

# Where something in a content begins and ends.
Extent = tuple[int, int]
# More text decides whether there is such a construct, and where it ends.
Undecided = Literal["half"]


def label_key(label: str) -> str:
    """A reference label as it is compared."""
    return " ".join(label.split()).casefold().upper()


def definition(content: str, position: int = 0) -> re.Match[str] | None:
    """The link reference definition at `position` of a paragraph's content; group 1 is its label, 2 its target."""
    if not content.startswith("[", position) and not content[position : position + 4].lstrip(" ").startswith("["):
        return None
    match = DEFINITION.match(content, position) or PLAIN_DEFINITION.match(content, position)
    return match if match and match[1].strip() else None


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
    opened = OPEN_TITLE.match(content, start)
    return None if opened is not None and content.startswith("(", opened.end()) else "half"

"""Runs of `*`, `_` and `~`, and which of their delimiters are open (https://spec.commonmark.org/0.31.2/)."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


@dataclass(slots=True)
class Run:
    """A run of `*`, `_` or `~`: `count` delimiters, each `len(mark)` characters."""

    start: int
    mark: str
    count: int
    opens: bool
    closes: bool


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


@dataclass(slots=True)
class _Matching:
    """Which delimiters of some runs belong together; all lists have an item for each delimiter.

    `owners` are the indexes of their runs. `ends` is the index of the closer where the delimiter is an opener that is
    matched, else -1. `opens` tells which could open emphasis and close none.
    """

    owners: list[int]
    ends: list[int]
    opens: list[bool]
    matched: list[bool]


def unmatched(runs: list[Run], *, lost: bool = False) -> list[tuple[int, str]]:
    """The delimiters that may still open emphasis: (position, mark), in order.

    With `lost`, also those that a pair around them has made plain text.
    """
    matching = _match(runs)
    ends, opens, matched = matching.ends, matching.opens, matching.matched
    # A delimiter between a matched pair can no longer open anything.
    result = []
    covered = -1
    index = 0
    for run in runs:
        for start in range(run.start, run.start + run.count * len(run.mark), len(run.mark)):
            if ends[index] >= 0:
                covered = max(covered, ends[index])
            elif opens[index] and not matched[index] and (lost or index > covered):
                result.append((start, run.mark))
            index += 1
    return result


def pairs(runs: list[Run]) -> Iterator[tuple[Run, int, Run, int]]:
    """The delimiters that belong together: the opener's run and position, and the closer's."""
    matching = _match(runs)
    owners = matching.owners
    firsts = list(accumulate((run.count for run in runs), initial=0))
    for index, end in enumerate(matching.ends):
        if end < 0:
            continue
        opener, closer = runs[owners[index]], runs[owners[end]]
        wide = len(opener.mark)
        start = opener.start + (index - firsts[owners[index]]) * wide
        yield opener, start, closer, closer.start + (end - firsts[owners[end]]) * wide


def _match(runs: list[Run]) -> _Matching:
    """Match the delimiters of the runs (spec, "process emphasis")."""
    # Lists of numbers cost the garbage collector nothing; a hundred thousand tuples would make it walk through all.
    owners = [owner for owner, run in enumerate(runs) for _ in range(run.count)]
    ends = [-1] * len(owners)
    opens = [runs[owner].opens for owner in owners]
    closes = [runs[owner].closes for owner in owners]
    jumps: list[int] = []
    bottoms: dict[tuple[str, bool, int], int] = {}
    header, last = 0, -2
    matched = [False] * len(owners)
    for closer, owner in enumerate(owners):
        run = runs[owner]
        jumps.append(0)
        if owners[header] != owner or last != closer - 1:
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
            other = runs[owners[opener]]
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
    return _Matching(owners, ends, opens, matched)

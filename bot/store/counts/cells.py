"""Counts of any number of questions: sums, and histograms of how long answers took.

Redis holds them as cells, `name:number` pairs without zeros: a counter that is added later needs no migration.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

Time = Literal["first", "total"]

# Each bucket of a histogram is 2**(1/4) as wide as the one before: a percentile is right to 9 %.
SHORTEST_SECONDS = 0.05
BUCKETS_PER_OCTAVE = 4
LAST_BUCKET = 71  # begins at three hours

_LETTERS: dict[Time, str] = {"first": "f", "total": "t"}


@dataclass
class Counts:
    """Sums over any number of questions. Money is in micro-dollars.

    `answers`, `refusals`, `errors` and `stops` are the outcomes of `requests`. `saved` is what the tokens read from the
    cache would have cost more as input. `estimated` is the part of `cost` of pieces whose end never arrived; `unpriced`
    are billed pieces of models without a known price, which cost nothing here. `unread` are questions for which the
    prompt cache should have had something and had nothing. `first` and `total` are histograms of the time until the
    first text and until the end: bucket -> number of answers.
    """

    requests: int = 0
    answers: int = 0
    refusals: int = 0
    errors: int = 0
    stops: int = 0
    input: int = 0
    output: int = 0
    write_5m: int = 0
    write_1h: int = 0
    read: int = 0
    searches: int = 0
    cost: int = 0
    saved: int = 0
    estimated: int = 0
    unpriced: int = 0
    good: int = 0
    bad: int = 0
    unread: int = 0
    first: dict[int, int] = field(default_factory=dict)
    total: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for time in _LETTERS:
            histogram = self.times(time)
            for at, number in other.times(time).items():
                histogram[at] = histogram.get(at, 0) + number

    @property
    def tokens(self) -> int:
        return self.input + self.output + self.write_5m + self.write_1h + self.read

    def to_cell(self) -> str:
        pairs = [f"{code}:{getattr(self, name)}" for name, code in NUMBERS.items() if getattr(self, name)]
        for time, letter in _LETTERS.items():
            pairs += [f"{letter}{at}:{number}" for at, number in sorted(self.times(time).items()) if number]
        return " ".join(pairs)

    @classmethod
    def from_cell(cls, cell: str) -> "Counts":
        """Numbers that this version does not know are left out: another version may have written them."""
        numbers: dict[str, int] = {}
        histograms: dict[str, dict[int, int]] = {"f": {}, "t": {}}
        for pair in cell.split():
            code, _, number = pair.partition(":")
            if code in _NAMES:
                numbers[_NAMES[code]] = int(number)
            elif code[0] in histograms and code[1:].isdecimal():
                histograms[code[0]][int(code[1:])] = int(number)
        return cls(**numbers, first=histograms["f"], total=histograms["t"])

    def times(self, time: Time) -> dict[int, int]:
        return self.first if time == "first" else self.total


# Short, because Redis holds them once for each person and day.
NUMBERS: Mapping[str, str] = {
    "requests": "q",
    "answers": "a",
    "refusals": "r",
    "errors": "e",
    "stops": "s",
    "input": "i",
    "output": "o",
    "write_5m": "w",
    "write_1h": "h",
    "read": "c",
    "searches": "n",
    "cost": "m",
    "saved": "v",
    "estimated": "x",
    "unpriced": "u",
    "good": "g",
    "bad": "b",
    "unread": "d",
}
_NAMES = {code: name for name, code in NUMBERS.items()}
assert set(NUMBERS) == {field.name for field in fields(Counts)} - set(_LETTERS)


def bucket(seconds: float) -> int:
    """The bucket of a histogram into which a time falls."""
    if seconds <= SHORTEST_SECONDS:
        return 0
    return min(LAST_BUCKET, math.floor(BUCKETS_PER_OCTAVE * math.log2(seconds / SHORTEST_SECONDS)))


def percentile(histogram: Mapping[int, int], part: float) -> float | None:
    """The seconds within which so large a `part` of the answers came; None if there are no answers.

    It is the nearest rank, read as the middle of its bucket.
    """
    wanted = math.ceil(part * sum(histogram.values()))
    seen = 0
    for at, number in sorted(histogram.items()):
        seen += number
        if number and seen >= wanted:
            return float(SHORTEST_SECONDS * 2 ** ((at + 0.5) / BUCKETS_PER_OCTAVE))
    return None

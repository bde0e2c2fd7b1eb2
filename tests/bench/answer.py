"""An answer whose every word says where it stands, so that any frame of it tells how much of it is visible."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from statistics import quantiles

from bot.sandbox.claude.events import pieces

WORD = re.compile(r"w(\d{5})")
PARAGRAPH = 60
SAMPLE_SECONDS = 0.02


class PacedAnswer:
    """About `deltas` deltas of the sandbox's Claude, `per_second` of them a second."""

    def __init__(self, deltas: int, per_second: float) -> None:
        begun = "".join(pieces(_words(4 * deltas))[:deltas])
        whole = [match.end() for match in WORD.finditer(begun)]
        self.text, self.words = begun[: whole[-1]], len(whole)
        ends = list(accumulate(map(len, pieces(self.text))))
        self.seconds = (len(ends) - 1) / per_second
        self._due = [bisect_left(ends, end) / per_second for end in whole]

    def ages(self, shown: Sequence[tuple[float, int]], until: float) -> list[float]:
        """How old the oldest word not yet visible is, sampled every 20 ms from the first delta on; 0 if there is none.

        Seconds from the first delta; `shown` says how many words were visible from when on.
        """
        ages: list[float] = []
        words, number = 0, 0
        for sample in range(int(until / SAMPLE_SECONDS)):
            now = sample * SAMPLE_SECONDS
            while number < len(shown) and shown[number][0] <= now:
                words = max(words, shown[number][1])
                number += 1
            ages.append(max(0.0, now - self._due[words]) if words < self.words else 0.0)
        return ages


def visible(content: str) -> int:
    """How many words of an answer a message's content reaches to."""
    numbers = WORD.findall(content)
    return int(numbers[-1]) + 1 if numbers else 0


def p95(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=100, method="inclusive")[94]


def _words(count: int) -> str:
    return "".join(f"w{n:05d}" + ("\n\n" if n % PARAGRAPH == PARAGRAPH - 1 else " ") for n in range(count))

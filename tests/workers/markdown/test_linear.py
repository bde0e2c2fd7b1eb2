"""No text takes longer than in proportion to its length: all answers of a worker share one event loop."""

import random
import time
from collections.abc import Callable

import pytest

from bot.talk.markup import mentioned_people, spoken
from tests.kit.hostile_shapes import SHAPES, Shape
from workers.draft.layout import Form, lay_out
from workers.markdown.frame import frame, without_late_definitions
from workers.markdown.plain import plain
from workers.markdown.sanitize import harmless

Work = Callable[[str], object]

# Ten times the text may cost this much times the processor time, and what costs less than the floor is not measured.
MOST_TIMES = 15
FLOOR_SECONDS = 0.2
# So many seeds of mixtures are tried, each at both lengths.
MIXTURES = 8


def _grow(text: str) -> object:
    """Lay out a text that is split over several messages, of which the last one still grows."""
    return lay_out(text, Form(), ended=False, streams=lambda number: True, cuts={})


def _read(text: str) -> object:
    return spoken(text, "U1", {"U2": "Ann"}), mentioned_people(text)


WORKS: list[Work] = [frame, plain, harmless, without_late_definitions, _grow, _read]


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
def test_ten_times_the_text_takes_at_most_fifteen_times_as_long(work: Work) -> None:
    slow = [shape for shape in SHAPES if not _is_linear(work, shape)]
    assert not slow


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
def test_mixtures_of_what_is_hard_to_read_are_linear_too(work: Work) -> None:
    slow = [mixture for mixture in map(_mixture, range(MIXTURES)) if not _is_linear(work, mixture)]
    assert not slow


def _mixture(seed: int) -> Shape:
    """Some units in any order, of which one may be repeated, again and again."""
    rng = random.Random(seed)
    units = [shape.unit * rng.choice((1, 1, 1, 7, 200)) for shape in rng.sample(SHAPES, rng.randint(2, 5))]
    return Shape("".join(units), rng.choice(SHAPES).head, rng.choice(SHAPES).foot[:100])


def _is_linear(work: Work, shape: Shape) -> bool:
    """Whether the shape costs in proportion to its length, by the best of three measurements of processor time.

    A thousand characters that take a second are not measured at greater lengths, which might take hours.
    """
    if _seconds(work, shape.text(1_000)) > 1:
        return False
    short = shape.text(10_000)
    long = shape.text(100_000)
    best_of_short = _seconds(work, short)
    if best_of_short > 1:
        return False
    best = _seconds(work, long)
    for _ in range(2):
        if best <= FLOOR_SECONDS + MOST_TIMES * best_of_short:
            return True
        # A first time that was too good is no excuse: the longest of the short ones counts, the best of the long ones.
        best_of_short = max(best_of_short, _seconds(work, short))
        best = min(best, _seconds(work, long))
    return best <= FLOOR_SECONDS + MOST_TIMES * best_of_short


def _seconds(work: Work, text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start

"""Counts add up, fit into a cell and out of it, and tell percentiles from histograms."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.counts.cells import LAST_BUCKET, NUMBERS, Counts, bucket, percentile

NUMBER = st.integers(0, 2**53)
HISTOGRAM = st.dictionaries(st.integers(0, LAST_BUCKET), st.integers(1, 10**6))
COUNTS = st.builds(Counts, **dict.fromkeys(NUMBERS, NUMBER), first=HISTOGRAM, total=HISTOGRAM)


@given(COUNTS)
def test_a_cell_holds_all_of_it(counts: Counts) -> None:
    assert Counts.from_cell(counts.to_cell()) == counts


def test_a_cell_holds_no_zeros() -> None:
    assert Counts().to_cell() == ""
    assert Counts(requests=2, cost=13, total={7: 2}).to_cell() == "q:2 m:13 t7:2"


def test_what_another_version_wrote_is_passed_over() -> None:
    assert Counts.from_cell("q:2 new:7 z:1 t3:1") == Counts(requests=2, total={3: 1})


@given(COUNTS, COUNTS)
def test_adding_adds_every_number(one: Counts, other: Counts) -> None:
    before = Counts.from_cell(one.to_cell())
    one.add(other)
    for name in NUMBERS:
        assert getattr(one, name) == getattr(before, name) + getattr(other, name)
    assert one.first == Counter(before.first) + Counter(other.first)
    assert one.total == Counter(before.total) + Counter(other.total)


def test_a_percentile_is_right_to_nine_percent() -> None:
    chance = random.Random(7)
    times = sorted(chance.lognormvariate(1, 1.2) for _ in range(1_001))
    histogram = Counter(map(bucket, times))
    for part, exact in ((0.5, times[500]), (0.95, times[950])):
        assert percentile(histogram, part) == pytest.approx(exact, rel=0.091)


def test_the_percentile_of_one_is_that_one_and_of_none_there_is_none() -> None:
    assert percentile({bucket(2.0): 1}, 0.95) == pytest.approx(2.0, rel=0.091)
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize(("seconds", "at"), [(0.0, 0), (0.05, 0), (0.1, 4), (1e9, LAST_BUCKET)])
def test_no_time_is_too_short_or_too_long_for_a_bucket(seconds: float, at: int) -> None:
    assert bucket(seconds) == at

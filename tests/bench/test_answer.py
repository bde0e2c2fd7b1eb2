import pytest

from bot.sandbox.claude.events import pieces
from tests.bench.answer import SAMPLE_SECONDS, PacedAnswer, p95, visible

ANSWER = PacedAnswer(100, 20.0)


def at(seconds: float) -> int:
    return round(seconds / SAMPLE_SECONDS)


def test_an_answer_has_about_as_many_deltas_as_asked_for() -> None:
    assert len(pieces(ANSWER.text)) == pytest.approx(100, abs=15)
    assert pytest.approx((len(pieces(ANSWER.text)) - 1) / 20) == ANSWER.seconds


def test_a_frame_tells_how_many_words_are_visible() -> None:
    half = ANSWER.text[: len(ANSWER.text) // 2]
    assert visible(ANSWER.text) == ANSWER.words
    assert visible(half) == len(half.split()) - (len(half.split()[-1]) < 6)
    assert visible("and nothing of it") == 0


def test_what_nobody_sees_grows_older_by_the_second() -> None:
    ages = ANSWER.ages([], until=4.0)
    assert ages[0] == 0
    assert ages[at(3.0)] == pytest.approx(3.0, abs=0.1)


def test_what_all_see_is_fresh() -> None:
    ages = ANSWER.ages([(2.0, ANSWER.words)], until=3.0)
    assert ages[at(2.0) - 1] == pytest.approx(2.0, abs=0.1)
    assert set(ages[at(2.0) :]) == {0.0}


def test_an_edit_a_second_keeps_the_age_at_half_a_second() -> None:
    produced = [
        (second, visible("".join(pieces(ANSWER.text)[: int(second * 20) + 1]))) for second in (1.0, 2.0, 3.0, 4.0)
    ]
    ages = ANSWER.ages(produced, until=4.0)
    assert sum(ages) / len(ages) == pytest.approx(0.5, abs=0.05)


def test_the_95th_percentile_of_little_is_what_there_is() -> None:
    assert p95([]) is None
    assert p95([3.0]) == 3.0
    assert p95([float(n) for n in range(101)]) == 95.0

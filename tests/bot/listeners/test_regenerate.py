"""The ts of a wish to have an answer anew."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.listeners.regenerate import SKEW_SECONDS, moment
from bot.talk.message import is_ts

NOW = 1763700000.0
seconds = st.integers(0, 10**15).map(lambda number: f"{number / 1_000_000:.6f}")


def test_it_is_that_of_the_click() -> None:
    assert moment("1763699999.000300", "1763699000.000100", NOW) == "1763699999.000300"


@pytest.mark.parametrize("clicked", ["1.1", "1763699000.000100", f"{NOW + SKEW_SECONDS + 1:.6f}", "999999999999.0"])
def test_a_click_from_another_time_gets_the_present(clicked: str) -> None:
    assert moment(clicked, "1763699000.000100", NOW) == "1763700000.000000"


@given(seconds, seconds)
@example("1.1", f"{NOW + 5:.6f}")
def test_it_comes_after_the_newest_question(clicked: str, newest: str) -> None:
    found = moment(clicked, newest, NOW)
    assert is_ts(found)
    assert float(found) > float(newest)

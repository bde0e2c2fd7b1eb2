"""Models that retire: whatever day it is when the tests run."""

from datetime import date

import pytest

from bot.commands.model import end, require
from bot.talk.arguments import Unclear

RETIRING, LASTING = "claude-sonnet-4-5", "claude-sonnet-5-5"
DAY = date(2026, 11, 30)


def test_a_model_that_will_retire_is_chosen_with_a_word_about_it() -> None:
    require(RETIRING, date(2026, 11, 29), is_forced=False)
    assert "until 2026-11-30 only" in end(RETIRING)
    assert end(LASTING) == ""


@pytest.mark.parametrize("is_forced", [False, True])
def test_from_its_day_on_it_is_not_chosen_any_more_nor_named_among_those_that_there_are(is_forced: bool) -> None:
    with pytest.raises(Unclear, match="does not answer any more, since 2026-11-30") as refused:
        require(RETIRING, DAY, is_forced=is_forced)
    assert f"`{RETIRING}`" not in str(refused.value)
    assert f"`{LASTING}`" in str(refused.value)

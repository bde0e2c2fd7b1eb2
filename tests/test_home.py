"""The Home tab keeps to Slack's rules, whatever is in it."""

import pytest

from bot.sandbox.slack.views import checked
from bot.views.home import FORGET, MOST_THREADS, Talk, home

TALKS = [Talk(f"C{n}", f"{n}.000001", f"https://x.example/p{n}" if n % 2 else None) for n in range(20)]


@pytest.mark.parametrize("talks", [[], TALKS[:1], TALKS])
@pytest.mark.parametrize("direct", [None, "D1"])
def test_slack_takes_it(talks: list[Talk], direct: str | None) -> None:
    view = home(talks, direct, 30)
    assert checked(view, "home")
    assert (FORGET in str(view)) is (direct is not None)
    assert str(view).count("<#C") == min(len(talks), MOST_THREADS)


def test_threads_of_the_direct_messages_are_called_so() -> None:
    assert "in our direct messages" in str(home([Talk("D1", "1.1", None)], "D1", 30))

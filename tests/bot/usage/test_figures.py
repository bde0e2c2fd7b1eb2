"""Numbers as people read them."""

import pytest

from bot.usage.figures import bar, change, many, part, seconds, shortened


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1_000, "1.0k"), (999_949, "999.9k"), (999_950, "1.0M"), (5 * 10**12, "5,000.0B")],
)
def test_large_numbers_are_short(number: int, shown: str) -> None:
    assert shortened(number) == shown


def test_nouns_agree() -> None:
    assert [many(n, "question") for n in (0, 1, 1_000)] == ["0 questions", "1 question", "1,000 questions"]


def test_parts_and_changes() -> None:
    assert [part(p) for p in (None, 0.0, 0.004, 0.12, 1.0)] == ["–", "0 %", "0.4 %", "12 %", "100 %"]
    assert [change(c) for c in (None, 0.121, -0.05, 0.0, 41.0)] == [
        " (before: none)",
        " (+12 %)",
        " (−5 %)",
        " (+0 %)",
        " (42 times)",
    ]


def test_times() -> None:
    assert [seconds(time) for time in (0.04, 1.26, 9.96, 59.4, 59.6, 125)] == [
        "0.0 s",
        "1.3 s",
        "10 s",
        "59 s",
        "1 min 0 s",
        "2 min 5 s",
    ]


def test_bars_are_as_long_as_what_they_show_and_all_as_wide() -> None:
    assert [bar(value, 8).rstrip() for value in (8, 4, 1, 0)] == ["█" * 20, "█" * 10, "██▌", ""]
    assert {len(bar(value, 97)) for value in range(98)} == {20}
    assert bar(0, 0).strip() == ""

from datetime import UTC, datetime

import pytest

from bot.store.rules.budgets import Budget, OverBudget, Warned
from bot.store.rules.limits import TooMany
from bot.views.refusals import MOST_WARNINGS, slow_down, spent, warning

WHEN = datetime(2026, 12, 1, tzinfo=UTC)


def test_who_reaches_a_budget_is_told_what_it_is_when_it_resets_and_whom_to_ask() -> None:
    said = spent(OverBudget(Budget("each", "month", 5_000_000), 5_100_000, WHEN, in_flight=False), "<@U1>")
    assert said == (
        "Your budget of $5.00 this month is used up. It starts anew on Tuesday, 1 December at 00:00 UTC. "
        "If you need more, ask <@U1>."
    )


@pytest.mark.parametrize(
    ("name", "whose"),
    [
        ("workspace", "This workspace's budget"),
        ("channel:C1", "This channel's budget"),
        ("user:U1", "Your budget"),
        ("each", "Your budget"),
    ],
)
def test_it_says_whose_budget_it_is(name: str, whose: str) -> None:
    assert spent(OverBudget(Budget(name, "day", 1), 1, WHEN, in_flight=False), "X").startswith(whose)


def test_what_is_only_held_by_others_is_told_apart() -> None:
    said = spent(OverBudget(Budget("workspace", "day", 1_000_000), 0, WHEN, in_flight=True), "X")
    assert "try again in a minute" in said
    assert "used up." not in said


def test_a_warning_tells_every_budget_in_a_line() -> None:
    warned = [Warned(Budget("each", "day", 2_000_000), "user:U1", 1_900_000, 95, "2026-11-21")]
    assert warning(warned) == "Budgets that run out:\n• <@U1>: 95 % reached, $1.90 of $2.00 today"


def test_many_warnings_are_one_short_message() -> None:
    warned = [Warned(Budget("each", "month", 2), f"user:U{n}", 2, 95, "2026-11") for n in range(MOST_WARNINGS + 30)]
    lines = warning(warned).splitlines()
    assert len(lines) == MOST_WARNINGS + 2
    assert lines[-1].startswith("… and 30 more")


@pytest.mark.parametrize(
    ("too_many", "said"),
    [
        (
            TooMany("each", "minute", 5, 12.4, True),
            "I take 5 messages a minute from you, so I left out your last one. Please ask again in 12 seconds.",
        ),
        (
            TooMany("channel:C1", "day", 1, 7200, True),
            "I take 1 message a day in this channel, so I left out your last one. Please ask again in 2 hours.",
        ),
        (
            TooMany("user:U1", "day", 0, 86400, True),
            "I take no messages from you at the moment: so the admins here have decided.",
        ),
    ],
)
def test_who_writes_too_much_is_told_kindly(too_many: TooMany, said: str) -> None:
    assert slow_down(too_many) == said

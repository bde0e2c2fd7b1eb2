"""The Home tab keeps to Slack's rules, whatever is in it."""

from dataclasses import replace
from datetime import date

import pytest

from bot.sandbox.slack.views import checked
from bot.store.counts.cells import Counts
from bot.store.counts.usage import DIRECT, Top
from bot.store.rules.budgets import Budget, Spent
from bot.usage.month import Overview
from bot.usage.query import Query, Subject, read_period
from bot.usage.report import Report
from bot.views.home import AWAY, FOR_ADMINS, FORGET, MOST_BUDGETS, MOST_THREADS, NONE_YET, RecentThread, home

THREADS = [RecentThread(f"C{n}", f"{n}.000001", f"https://x.example/p{n}" if n % 2 else None) for n in range(20)]
MONTH = read_period("month", date(2026, 11, 21))
USED = Counts(requests=12, answers=10, errors=2, input=9_000, output=1_500, cost=1_234_500)
NOTHING = Overview(Report(Query(MONTH, Subject("user", "U1")), Counts(), Counts(), []), [])
OWN = replace(NOTHING, report=replace(NOTHING.report, now=USED))
TOPS = {"user": Top([("U1", USED)], 7), "channel": Top([("C9", USED)], 1), "model": Top([], 0)}
REPORT = Report(Query(MONTH), USED, replace(USED, cost=617_250), [], TOPS)  # type: ignore[arg-type]
WHOLE = Overview(REPORT, [])
BUDGETS = [
    Spent(Budget("each", "day", 1_000_000), None),
    Spent(Budget("user:U1", "month", 0), 0),
    Spent(Budget("workspace", "month", 8_000_000), 2_000_000),
    *(Spent(Budget(f"channel:C{n}", "day", 5_000_000), n) for n in range(300)),
]


@pytest.mark.parametrize("threads", [None, [], THREADS[:1], THREADS])
@pytest.mark.parametrize("direct", [None, "D1"])
@pytest.mark.parametrize("own", [None, NOTHING, replace(OWN, budgets=BUDGETS)])
@pytest.mark.parametrize("whole", [None, WHOLE, replace(WHOLE, budgets=BUDGETS)])
def test_slack_takes_it(
    threads: list[RecentThread] | None, direct: str | None, own: Overview | None, whole: Overview | None
) -> None:
    view = home(threads, direct, 30, own, whole)
    assert checked(view, "home")
    assert (FORGET in str(view)) is (direct is not None)
    assert str(view).count("<!date^") == min(len(threads or []), MOST_THREADS)


def test_threads_of_the_direct_messages_are_called_so() -> None:
    assert "in our direct messages" in str(home([RecentThread("D1", "1.1", None)], "D1", 30))


def test_what_could_not_be_looked_up_is_not_taken_for_nothing() -> None:
    unknown, nothing = str(home(None, None, 30)), str(home([], None, 30, NOTHING))
    assert unknown.count(AWAY) == 2
    assert NONE_YET not in unknown
    assert AWAY not in nothing
    assert NONE_YET in nothing


def test_a_person_sees_what_they_used_and_what_they_may() -> None:
    budgets = [Spent(Budget("user:U1", "day", 1_000_000), 123_456)]
    shown = str(home([], None, 30, replace(OWN, budgets=budgets)))
    for part in ("*Questions*\\n12", "*Answers*\\n10", "9.0k in, 1.5k out", "*Cost*\\n$1.23", "1–21 Nov 2026"):
        assert part in shown
    assert "• $0.1235 of $1.00 a day spent (12 %)" in shown
    assert "This workspace" not in shown


def test_admins_see_the_month_of_all_its_budgets_and_where_to_read_on() -> None:
    shown = str(home([], None, 30, NOTHING, replace(WHOLE, budgets=BUDGETS)))
    for part in ("$1.23 (+100 %)", "*People*\\n7", "<#C9>, $1.23", "compared with 1–21 Oct 2026"):
        assert part in shown
    assert "each person: $1.00 a day" in shown
    assert "<@U1>: $0.00 of $0.00 a month spent (100 %)" in shown
    assert "this workspace: $2.00 of $8.00 a month spent (25 %)" in shown
    assert f"… and {len(BUDGETS) - MOST_BUDGETS} more." in shown
    assert all(f"`/parley {command}`" in shown for command in FOR_ADMINS)
    assert "There are no budgets." in str(home([], None, 30, NOTHING, WHOLE))


def test_a_month_without_questions_has_no_top_channel_and_direct_messages_are_called_so() -> None:
    for rows, expected in ([], "*Top channel*\\n–"), ([(DIRECT, USED)], "*Top channel*\\ndirect messages, $1.23"):
        tops = {**TOPS, "channel": Top(rows, len(rows))}
        whole = replace(WHOLE, report=replace(REPORT, tops=tops))  # type: ignore[arg-type]
        assert expected in str(home([], None, 30, NOTHING, whole))

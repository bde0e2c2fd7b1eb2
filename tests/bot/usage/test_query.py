"""What people type after `/parley usage`, understood strictly or answered with a sentence that helps."""

import contextlib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.talk.arguments import Unclear
from bot.usage.query import Query, Subject, read, render_days

TODAY = date(2026, 11, 21)


def asked(text: str, today: date = TODAY) -> Query:
    return read(text.split(), today, "U1", 400)


def unclear(text: str) -> str:
    with pytest.raises(Unclear) as raised:
        asked(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "days", "before"),
    [
        ("today", "21 Nov 2026", "20 Nov 2026"),
        ("yesterday", "20 Nov 2026", "19 Nov 2026"),
        ("7d", "15–21 Nov 2026", "8–14 Nov 2026"),
        ("", "15–21 Nov 2026", "8–14 Nov 2026"),
        ("30D", "23 Oct – 21 Nov 2026", "23 Sep – 22 Oct 2026"),
        ("month", "1–21 Nov 2026", "1–21 Oct 2026"),
        ("2026-11", "1–21 Nov 2026", "1–21 Oct 2026"),
        ("2026-10", "1–31 Oct 2026", "1–30 Sep 2026"),
        ("2026-01", "1–31 Jan 2026", "1–31 Dec 2025"),
    ],
)
def test_each_period_has_its_days_and_those_before(text: str, days: str, before: str) -> None:
    period = asked(text).period
    assert (str(period), period.before) == (days, before)
    assert (period.days[0], period.days[-1]) == (period.first, period.last)


def test_days_that_are_forgotten_are_compared_with_nothing() -> None:
    assert asked("2025-12").comparison == "compared with 1–30 Nov 2025"
    assert read(["2025-11"], TODAY, "U1", 400).is_comparable is False
    assert read(["month"], date(2026, 11, 30), "U1", 61).comparison == "compared with 1–31 Oct 2026"
    query = read(["month"], date(2026, 11, 30), "U1", 30)
    assert query.comparison == "compared with nothing, for what was used before 1 Nov 2026 is forgotten"


def test_a_month_under_way_is_compared_with_no_more_days_than_the_month_before_has() -> None:
    assert asked("month", date(2026, 3, 31)).period.before == "1–28 Feb 2026"
    assert asked("month", date(2026, 3, 30)).period.before == "1–28 Feb 2026"
    assert asked("month", date(2026, 3, 2)).period.before == "1–2 Feb 2026"


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.sampled_from(["today", "yesterday", "7d", "30d", "month"]))
def test_the_days_before_end_before_the_days_begin(today: date, text: str) -> None:
    period = asked(text, today).period
    assert period.last <= today
    assert period.first_before <= period.last_before < period.first
    assert len(period.days_before) <= len(period.days) <= 31
    assert read(str(Query(period)).split(), today, "U1", 400).period == period


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("me", "user", "U1"),
        ("7d <@U2>", "user", "U2"),
        ("<@W2|ada> 30d", "user", "W2"),
        ("<#C1|general>", "channel", "C1"),
        ("model:claude-sonnet-5-5 month", "model", "claude-sonnet-5-5"),
    ],
)
def test_a_person_channel_or_model_may_be_named_before_or_after(text: str, kind: str, name: str) -> None:
    query = asked(text)
    assert query.subject
    assert (query.subject.kind, query.subject.name) == (kind, name)
    assert asked(str(query)) == query, "the words of a query ask for it again"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tomorrow", "I do not understand “tomorrow”. A period is `today`"),
        ("8d", "I do not understand “8d”"),
        ("7d 30d", "I already have the period `7d`"),
        ("2026-13", "There is no month “2026-13”"),
        ("2026-12", "“2026-12” is yet to come"),
        ("2025-09", "I remember what was used for 400 days"),
        ("@nobody", "I find no person “@nobody”"),
        ("#nowhere", "I find no channel “#nowhere”"),
        ("me <@U2>", "One person, channel or model at a time"),
        ("model:", "Which model?"),
        ("-1d", "I do not understand “-1d”"),
        ("٧d", "I do not understand"),
        ("<!channel>", "“&lt;!channel&gt;”"),
        ("&lt;!channel&gt;", "“&lt;!channel&gt;”"),
        ("x" * 3000, "x…”"),
    ],
)
def test_what_is_unclear_is_said_with_what_would_be_clear(text: str, says: str) -> None:
    said = unclear(text)
    assert says in said
    assert len(said) < 400
    assert "<!" not in said


@given(st.text(max_size=60))
def test_whatever_is_typed_is_understood_or_answered(text: str) -> None:
    with contextlib.suppress(Unclear):
        assert isinstance(asked(text), Query)


def test_days_are_shown_as_short_as_they_can_be() -> None:
    assert render_days(TODAY, TODAY + timedelta(days=20)) == "21 Nov – 11 Dec 2026"
    assert render_days(TODAY, TODAY + timedelta(days=60)) == "21 Nov 2026 – 20 Jan 2027"


def test_a_subject_has_the_word_that_names_it() -> None:
    assert [Subject("channel", "C1").word, Subject("model", "m").word] == ["<#C1>", "model:m"]

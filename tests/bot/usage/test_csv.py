"""Usage and feedback as CSV: exact, and nothing in it runs in a spreadsheet."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.counts.cells import Counts
from bot.store.counts.feedback import Feedback
from bot.talk.message import Thread
from bot.usage import csv as tables

DAY = date(2026, 11, 21)
THREAD = Thread("T1", "C1", "1763700000.000001")
SEPARATORS = (";", "\t", "\r", "\n")


def rows(name: str, shown: str, counts: Counts) -> list[dict[str, str]]:
    text = tables.header() + tables.lines(DAY, "user", {name: counts}, {name: shown})
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_line_has_every_number_and_exact_money() -> None:
    counts = Counts(requests=3, answers=2, errors=1, read=7, cost=12_000_034, saved=5, first={16: 2})
    [row] = rows("U1", "Ada", counts)
    assert (row["day"], row["kind"], row["id"], row["name"]) == ("2026-11-21", "user", "U1", "Ada")
    assert (row["requests"], row["errors"], row["read"], row["cost_usd"]) == ("3", "1", "7", "12.000034")
    assert (row["saved_usd"], row["first_text_p50_s"], row["answer_p95_s"]) == ("0.000005", "0.87", "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")'])
def test_no_cell_begins_as_a_formula(name: str) -> None:
    [row] = rows("U1", name, Counts(requests=1))
    assert row["name"].startswith("'")


@pytest.mark.parametrize("separator", SEPARATORS)
def test_no_cell_begins_as_a_formula_where_another_separator_is_usual(separator: str) -> None:
    """A spreadsheet in German cuts at `;`, and then at line ends inside of quotes too."""
    [row] = rows("U1", f"Ada{separator}=1+1{separator}@SUM(A1)", Counts(requests=1))
    assert row["name"] == f"Ada{separator}'=1+1{separator}'@SUM(A1)"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_any_name_stays_in_its_cell(name: str) -> None:
    [row] = rows("U1", name, Counts(requests=1))
    assert row["name"].replace("'", "") == name.replace("'", "")
    assert row["requests"] == "1"
    assert not row["name"].startswith(tables.FORMULA)


hostile = st.text(st.sampled_from("=+-@;,\t\r\n\"' x"), max_size=12)


@given(hostile)
def test_no_separator_of_any_language_makes_a_cell_a_formula(text: str) -> None:
    [row] = feedback_rows(Feedback(DAY, THREAD, "1.2", "U1", comment=text))
    assert row["comment"].replace("'", "") == text.replace("'", "")
    for separator in SEPARATORS:
        assert not [cell for cell in row["comment"].split(separator) if cell.startswith(("=", "+", "-", "@"))]


# Feedback


def feedback_rows(*given: Feedback) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(tables.feedback(given), newline="")))


def test_a_line_says_who_thinks_what_of_which_answer() -> None:
    voted = Feedback(DAY, THREAD, "1763700000.000002", "U1", "claude-sonnet-5-5", "bad", 'Too long, "really".\nYes.')
    commented = Feedback(DAY, THREAD, "1763700000.000003", "U2", comment="Hm")
    first, second = feedback_rows(voted, commented)
    assert first == {
        "day": "2026-11-21",
        "channel": "C1",
        "thread": "1763700000.000001",
        "answer": "1763700000.000002",
        "user": "U1",
        "model": "claude-sonnet-5-5",
        "vote": "bad",
        "comment": 'Too long, "really".\nYes.',
    }
    assert (second["user"], second["model"], second["vote"], second["comment"]) == ("U2", "", "", "Hm")


@pytest.mark.parametrize("field", ["channel", "user", "model", "comment"])
def test_no_cell_of_a_line_of_feedback_begins_as_a_formula(field: str) -> None:
    given = {"channel": "C1", "user": "U1", "model": "m1", "comment": "Hm", field: "=1+1"}
    thread = Thread("T1", given["channel"], "1.1")
    [row] = feedback_rows(Feedback(DAY, thread, "1.2", given["user"], given["model"], "bad", given["comment"]))
    assert row[field] == "'=1+1"

"""Usage as CSV: exact, and nothing in it runs in a spreadsheet."""

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tables
from bot.store.counts import Counts

DAY = date(2026, 11, 21)


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


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_any_name_stays_in_its_cell(name: str) -> None:
    [row] = rows("U1", name, Counts(requests=1))
    assert row["name"] in (name, f"'{name}")
    assert row["requests"] == "1"
    assert not row["name"].startswith(tables.FORMULA)

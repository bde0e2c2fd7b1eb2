"""The table of everything that is kept: a row for each key, printed in docs/design.md."""

import inspect
from datetime import date
from pathlib import Path

import pytest

from bot.store import keys
from bot.store.keys import Key
from bot.talk.message import Thread
from tests.kit.kept import ROWS, row_of, shown

DESIGN = Path(__file__).parents[3] / "docs/design.md"
THREAD = Thread("T1", "C1", "1.1")
OTHERS = ("kind", "view", "scope", "method", "model", "family")


def duration(row: Key[...]) -> str:
    if isinstance(row.kept, str):
        return row.kept
    units = {keys.DAY: "day", keys.HOUR: "hour", keys.MINUTE: "minute", 1: "second"}
    unit = next(seconds for seconds in units if row.kept % seconds == 0)
    number = row.kept // unit
    return f"{number} {units[unit]}" if number == 1 else f"{number} {units[unit]}s"


def table() -> str:
    """As it stands in docs/design.md."""
    lines = [f"| `{shown(row)}` | {row.type} | {duration(row)} | {row.what} |" for row in ROWS.values()]
    return "\n".join(["| key | type | kept | what |", "|---|---|---|---|", *lines])


def test_the_design_prints_the_table() -> None:
    section = DESIGN.read_text().partition("## Keys\n")[2].partition("\n## ")[0]
    assert table() in section, f"docs/design.md, section Keys, should have:\n\n{table()}"


def test_no_key_is_named_outside_of_the_table() -> None:
    ours = [value for value in vars(keys).values() if getattr(value, "__module__", "") == keys.__name__]
    assert not [value for value in ours if inspect.isfunction(value)]


def test_each_key_starts_with_its_team_or_is_of_all_teams() -> None:
    """Invariant 13."""
    starts = {row.pattern.partition(":")[0] for row in ROWS.values()}
    assert starts == {"teams", "{team}", "{thread}", "{thread.team}", "claude"}


def test_names_are_made_of_their_parts() -> None:
    assert keys.box(THREAD) == "T1:C1:1.1:box"
    assert keys.reply(THREAD, "1.2") == "T1:C1:1.1:reply:1.2"
    assert keys.forgotten(THREAD) == "T1:forgotten:C1:1.1"
    assert keys.usage("T1", date(2026, 11, 21), "user") == "T1:usage:2026-11-21:user"
    assert (keys.TEAMS, keys.CALLS) == ("teams", "claude:calls")


def test_a_name_wants_all_its_parts_and_no_more() -> None:
    with pytest.raises(ValueError, match="shorter"):
        keys.reply(THREAD)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="longer"):
        keys.box(THREAD, "1.2")  # type: ignore[call-arg]


def test_a_lifetime_that_is_no_number_is_not_taken_for_one() -> None:
    assert keys.seen_event.seconds == 24 * 3600
    with pytest.raises(TypeError, match="HISTORY_DAYS"):
        assert keys.history.seconds


def test_no_two_rows_name_the_same_key() -> None:
    parts = {"thread": "T1:C1:1.1", "team": "T1", "channel": "C1", "ts": "1.1", "question": "1.2", "answer": "1.2"}
    parts |= {"user": "U1", "day": "2026-11-21", "monday": "2026-11-16", "period": "2026-11", "event": "Ev1"}
    for row in ROWS.values():
        name = shown(row).format(**dict.fromkeys(OTHERS, "x"), **parts)
        assert row_of(name) is row

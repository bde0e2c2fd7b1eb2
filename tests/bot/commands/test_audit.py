from datetime import UTC, datetime

import pytest

from bot.commands.audit import SHOWN, line
from bot.store.rules.audit import AuditEntry

WHEN = datetime(2026, 11, 21, 13, 59, tzinfo=UTC)
IDS = [f"C0123456{n:03}" for n in range(100, 140)]


def values(what: str, before: str | None, after: str | None) -> list[str]:
    return line(AuditEntry(WHEN, "U1", what, before, after)).partition(": ")[2].split(" → ")


@pytest.mark.parametrize("number", [1, 7, 8, 40])
@pytest.mark.parametrize("added", [0, -1])
def test_one_sees_which_channel_came_to_a_list_of_any_length(number: int, added: int) -> None:
    ids = IDS[:number]
    without, whole = ",".join(id for id in ids if id != ids[added]), ",".join(ids)
    for before, after in ((without, whole), (whole, without)):
        shown = dict(zip((before, after), values("access workspace channels", before, after), strict=True))
        assert ids[added] in shown[whole]
        assert ids[added] not in shown[without]


def test_one_sees_where_a_long_persona_was_changed() -> None:
    text = "Be brief and kind. " * 100
    before, after = values("persona channel:C1", text + "Never joke.", text + "Joke.")
    assert "Never joke." in before
    assert before != after
    assert all(shown.startswith("`…") and len(shown) < SHOWN + 10 for shown in (before, after))


def test_a_long_word_is_cut_and_lines_become_one() -> None:
    assert values("persona workspace", None, "x" * 100) == ["_nothing_", f"`{'x' * SHOWN}…`"]
    assert values("persona workspace", "Be\n\nbrief. ", "") == ["`Be brief.`", "` `"]

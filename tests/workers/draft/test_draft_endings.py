"""The last words of a reply (invariant 7)."""

import itertools

import pytest

from bot.store.threads.replies import Final
from tests.kit.drafts import Desk

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))


def small_print(desk: Desk, number: int = -1) -> list[str]:
    return [block["elements"][0]["text"] for block in desk.posted[number].blocks if block["type"] == "context"]


def actions(desk: Desk, number: int = -1) -> list[str]:
    """The buttons below a message."""
    rows = [block["elements"] for block in desk.posted[number].blocks if "actions" in block["type"]]
    return [element["action_id"] for element in itertools.chain(*rows)]


async def test_a_growing_answer_can_be_stopped_and_a_whole_one_judged(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        assert actions(desk) == ["parley_stop"]
        await draft.finish(Final("First and last", has_buttons=True, continuable=True, note="a note"))
    assert actions(desk) == ["parley_feedback", "parley_continue", "parley_regenerate"]
    assert small_print(desk) == ["a note"]


async def test_messages_are_numbered_only_if_there_are_several(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        assert small_print(desk) == []
        await draft.finish(Final(LONG, has_buttons=True))
    assert [small_print(desk, number) for number in (0, 1)] == [["Part 1, continued below"], ["Part 2"]]
    assert actions(desk, 0) == []
    assert actions(desk, 1) == ["parley_feedback", "parley_regenerate"]


async def test_an_edit_that_slack_makes_late_does_not_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.draft.messages.LATE_SECONDS", 2.0)
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.faults.add("chat.update", "delay", seconds=3.0, times=1)
        draft.write("Begun and gone on")
        await desk.sandbox.journal.until(lambda e: e.kind == "slack.fault")
        with desk.seen() as frames:
            await draft.finish(Final("Begun and gone on and done"))
    assert frames == [["Begun and gone on and done"], ["Begun and gone on"], ["Begun and gone on and done"]]

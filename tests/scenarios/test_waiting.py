"""Who has to wait sees it: a place in the queue, or eyes on the question."""

import pytest

from bot.sandbox.claude.answers import Answer
from tests.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"SLOTS": "1"}


async def test_when_all_slots_are_busy_a_thread_shows_its_place(parley: Parley) -> None:
    parley.sandbox.claude.script("hold on", Answer("Held.", first_delta=4.0), times=1)
    await parley.slack.say("ada", "general", "@parley hold on")
    await parley.sandbox.journal.until(lambda e: e.kind == "claude.request")
    ts = await parley.slack.say("ben", "random", "@parley my turn?")
    key = (parley.sandbox.channels["random"], ts)
    shown = parley.slack.workspace.statuses
    await parley.slack.until(lambda: key in shown and "number 1 in line" in shown[key].text)
    assert await parley.answers("random", ts)


async def test_a_second_question_in_a_busy_thread_gets_eyes_until_it_is_answered(parley: Parley) -> None:
    parley.sandbox.claude.script("keep me busy", Answer("Done.", first_delta=1.5), times=1)
    root = await parley.slack.say("ada", "general", "@parley keep me busy")
    await parley.logged(f"kept .* ts={root}")
    second = await parley.slack.say("ada", "general", "and this?", thread_ts=root)
    message = parley.slack.workspace.find(parley.sandbox.channels["general"], second)
    assert message is not None
    await parley.slack.until(lambda: "eyes" in message.reactions)
    await parley.answers("general", root, second)
    await parley.slack.until(lambda: "eyes" not in message.reactions)
    first = parley.slack.workspace.find(parley.sandbox.channels["general"], root)
    assert first is not None
    assert "eyes" not in first.reactions

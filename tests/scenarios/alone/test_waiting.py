"""Who has to wait sees it: a place in the queue, or eyes on the question."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley, payload
from tests.scenarios.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with running(tmp_path_factory, request.param, SLOTS="1") as parley:
        yield parley


async def test_when_all_slots_are_busy_a_thread_shows_its_place(parley: Parley) -> None:
    parley.sandbox.claude.script("hold on", Answer("Held.", first_delta=4.0), times=1)
    await parley.slack.say("ada", "general", "@parley hold on")
    await parley.sandbox.journal.until(lambda e: e.kind == "claude.request")
    ts = await parley.slack.say("ben", "random", "@parley my turn?")
    key = (parley.sandbox.channels["random"], ts)
    shown = parley.slack.workspace.statuses
    await parley.slack.until(lambda: key in shown and "number 1 in line" in shown[key].text)
    assert await parley.answers("random", ts)


async def test_a_second_question_in_a_busy_thread_gets_eyes_until_its_turn_shows(parley: Parley) -> None:
    parley.sandbox.claude.script("keep me busy", Answer("Done.", first_delta=1.5), times=1)
    root = await parley.slack.say("ada", "general", "@parley keep me busy")
    await parley.logged(f"kept .* ts={root}")
    second = await parley.slack.say("ada", "general", "and this?", thread_ts=root)
    message = parley.slack.workspace.find(parley.sandbox.channels["general"], second)
    assert message is not None
    parley.sandbox.claude.script("and this?", Answer("That.", first_delta=3.0), times=1)
    await parley.slack.until(lambda: "eyes" in message.reactions)
    await parley.answers("general", root)
    await parley.slack.until(lambda: "eyes" not in message.reactions)
    assert (parley.sandbox.channels["general"], root) in parley.slack.workspace.statuses
    assert not parley.answer("general", second, root)
    await parley.answers("general", second, thread_ts=root)
    first = parley.slack.workspace.find(parley.sandbox.channels["general"], root)
    assert first is not None
    assert "eyes" not in first.reactions


async def test_where_slack_has_no_status_the_eyes_stay_until_there_is_text(parley: Parley) -> None:
    parley.sandbox.faults.add("assistant.threads.setStatus", "error", error="not_allowed_token_type")
    text = "Word by word it comes. " * 60
    parley.sandbox.claude.script("slowly", Answer(text, first_delta=1.5, deltas_per_second=40), times=1)
    ts = await parley.slack.say("ada", "general", "@parley slowly")
    message = parley.slack.workspace.find(parley.sandbox.channels["general"], ts)
    assert message is not None
    await parley.slack.until(lambda: "eyes" in message.reactions)
    await parley.slack.until(lambda: "eyes" not in message.reactions)
    [answer] = parley.answer("general", ts, ts)
    assert payload(answer)["state"] == "streaming"
    await parley.answers("general", ts)

import asyncio
import logging

import pytest

from bot.slack import status
from bot.store.threads.replies import Final
from tests.kit.drafts import Desk


def shown_status(desk: Desk) -> str | None:
    found = desk.sandbox.slack.workspace.statuses.get((desk.message.thread.channel, desk.message.thread.ts))
    return found.text if found else None


async def test_a_status_says_what_goes_on_until_there_is_text(desk: Desk) -> None:
    async with desk.draft() as draft:
        keeping = asyncio.create_task(draft.status.keep())
        draft.status.say("is reading…")
        await desk.sandbox.slack.until(lambda: shown_status(desk) == "is reading…")
        draft.status.say("is searching…")
        await desk.sandbox.slack.until(lambda: shown_status(desk) == "is searching…")
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        draft.status.say("is reading…")
        await asyncio.wait_for(keeping, 5)
        assert shown_status(desk) is None
        await draft.finish(Final("First and last"))
    assert desk.calls("assistant.threads.setStatus") == 2


async def test_who_takes_over_shows_the_status_at_once(desk: Desk) -> None:
    async with desk.draft(resumed=True) as draft:
        keeping = asyncio.create_task(draft.status.keep())
        await desk.sandbox.slack.until(lambda: shown_status(desk) == status.THINKING)
        keeping.cancel()
        await draft.finish(Final("Words"))


async def test_eyes_stand_in_for_a_status_and_are_gone_at_the_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "parley.status")
    desk.sandbox.faults.add("assistant.threads.setStatus", "error", error="missing_scope")
    [question] = desk.sandbox.slack.thread("general", desk.message.ts)
    async with desk.draft() as draft:
        keeping = asyncio.create_task(draft.status.keep())
        draft.status.say("is reading…")
        await desk.sandbox.slack.until(lambda: status.EYES in question.reactions)
        draft.status.say("is searching…")
        await draft.finish(Final("Words"))
        keeping.cancel()
    assert status.EYES not in question.reactions
    assert desk.calls("reactions.add") == desk.calls("reactions.remove") == 1

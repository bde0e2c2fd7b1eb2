"""Asked in the middle of a thread, Parley knows what was said before."""

import pytest

from tests.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(parley: Parley) -> str:
    return str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])


def reads(parley: Parley) -> int:
    return len(parley.sandbox.journal.entries("slack.request", "conversations.replies"))


async def test_a_mention_in_the_middle_of_a_thread_is_answered_with_what_was_said_before(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the printer on floor three is broken")
    await parley.slack.say("ada", "general", "it smells of burnt toast", thread_ts=root)
    ts = await parley.slack.say("ada", "general", "@parley what now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    assert "floor three" in asked(parley)
    assert "burnt toast" in asked(parley)
    assert 'from=\\"ben\\"' in asked(parley) or 'from="ben"' in asked(parley)
    await parley.remembered("general", root, turns=4)
    before = reads(parley)
    again = await parley.slack.say("ben", "general", "and then?", thread_ts=root)
    await parley.answers("general", again, thread_ts=root)
    assert "burnt toast" in asked(parley)
    assert reads(parley) == before


async def test_the_answer_goes_on_without_when_slack_does_not_let_us_read(parley: Parley) -> None:
    parley.sandbox.faults.add("conversations.replies", "error", error="missing_scope")
    root = await parley.slack.say("ben", "general", "unreadable words")
    ts = await parley.slack.say("ada", "general", "@parley what now?", thread_ts=root)
    assert await parley.answers("general", ts, thread_ts=root)
    assert "unreadable words" not in asked(parley)


async def test_an_earlier_message_that_is_deleted_later_is_forgotten(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the root")
    slip = await parley.slack.say("ben", "general", "a slip of the tongue", thread_ts=root)
    ts = await parley.slack.say("ada", "general", "@parley what now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    await parley.remembered("general", root, turns=4)
    await parley.slack.delete("ben", "general", slip)
    await parley.remembered("general", root, turns=3)

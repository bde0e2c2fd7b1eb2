"""Asked in the middle of a thread, Parley knows what was said before."""

import pytest

from tests.kit.parley import Parley

pytestmark = pytest.mark.asyncio(loop_scope="package")


def asked(parley: Parley, words: str) -> str:
    """The newest request to Claude that has these words; other tests' questions may be under way beside it."""
    bodies = (entry.data["body"] for entry in reversed(parley.sandbox.journal.entries("claude.request")))
    return next(said for body in bodies if words in (said := str(body["messages"])))


def reads(parley: Parley, root: str) -> int:
    """How often the thread was read."""
    read = parley.sandbox.journal.entries("slack.request", "conversations.replies")
    return sum(entry.data.get("ts") == root for entry in read)


async def test_a_mention_in_the_middle_of_a_thread_is_answered_with_what_was_said_before(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the printer on floor three is broken")
    await parley.slack.say("ada", "general", "it smells of burnt toast", thread_ts=root)
    ts = await parley.slack.say("ada", "general", "@parley how do we print now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    first = asked(parley, "how do we print now?")
    assert "floor three" in first
    assert "burnt toast" in first
    assert 'from=\\"ben\\"' in first or 'from="ben"' in first
    await parley.remembered("general", root, turns=4)
    before = reads(parley, root)
    again = await parley.slack.say("ben", "general", "and on which floor?", thread_ts=root)
    await parley.answers("general", again, thread_ts=root)
    assert "burnt toast" in asked(parley, "and on which floor?")
    assert reads(parley, root) == before


async def test_the_answer_goes_on_without_when_slack_does_not_let_us_read(parley: Parley) -> None:
    parley.sandbox.faults.add("conversations.replies", "error", error="missing_scope")
    root = await parley.slack.say("ben", "general", "unreadable words")
    ts = await parley.slack.say("ada", "general", "@parley can you read this?", thread_ts=root)
    assert await parley.answers("general", ts, thread_ts=root)
    assert "unreadable words" not in asked(parley, "can you read this?")


async def test_an_earlier_message_that_is_deleted_later_is_forgotten(parley: Parley) -> None:
    root = await parley.slack.say("ben", "general", "the root")
    slip = await parley.slack.say("ben", "general", "a slip of the tongue", thread_ts=root)
    ts = await parley.slack.say("ada", "general", "@parley what now?", thread_ts=root)
    await parley.answers("general", ts, thread_ts=root)
    await parley.remembered("general", root, turns=4)
    await parley.slack.delete("ben", "general", slip)
    await parley.remembered("general", root, turns=3)

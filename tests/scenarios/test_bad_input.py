"""Whatever comes in gets a sensible answer or a reason in the log, never a traceback and never silence."""

import pytest

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley
from workers.endings import EMPTY

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_empty_mention_is_told_how_to_ask(parley: Parley) -> None:
    before = len(parley.sandbox.journal.entries("claude.request"))
    ts = await parley.slack.say("ada", "general", "@parley")
    assert await parley.answers("general", ts) == [EMPTY]
    assert len(parley.sandbox.journal.entries("claude.request")) == before


async def test_a_message_of_40000_characters_is_answered(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley " + "long & <winding> " * 2500)
    assert await parley.answers("general", ts)
    [sent] = parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"][-1]["content"]
    assert sent["text"].count("long & <winding>") == 2500


@pytest.mark.parametrize(
    "event",
    [
        {"type": "team_rename", "name": "New"},
        {"type": "message"},
        {"type": "message", "channel": "C1", "user": None, "ts": "x", "text": 5},
        {"type": "message", "channel": 7, "user": ["U1"], "ts": "1.1", "text": "hi"},
        {"type": "app_mention", "channel": "C1", "user": "U1", "text": "hi"},
        {"type": "message", "subtype": "channel_join", "channel": "C1", "user": "U1", "ts": "1.1", "text": "joined"},
        {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1.1", "message": {"text": "x"}},
    ],
    ids=["unknown type", "bare", "wrong types", "more wrong types", "no ts", "join", "edit"],
)
async def test_an_event_we_cannot_use_comes_once_and_leaves_no_traceback(
    parley: Parley, event: dict[str, object]
) -> None:
    event_id = await parley.slack.deliver(event)
    journal = parley.sandbox.journal
    done = ("slack.ack", "slack.lost")
    await journal.until(lambda e: e.kind in done and e.data.get("event_id") == event_id)
    assert len([e for e in journal.entries("slack.delivery") if e.data.get("event_id") == event_id]) == 1
    assert "Traceback" not in parley.log


async def test_a_failing_slack_call_is_tried_again_for_the_complete_answer(parley: Parley) -> None:
    parley.sandbox.claude.script("stubborn", Answer("It arrives."), times=1)
    parley.sandbox.faults.add("chat.postMessage", "status", times=1, status=503)
    ts = await parley.slack.say("ada", "general", "@parley stubborn")
    assert await parley.answers("general", ts) == ["It arrives."]
    assert len(parley.replies("general", ts)) == 1


async def test_a_post_whose_answer_was_lost_is_not_posted_twice(parley: Parley) -> None:
    parley.sandbox.claude.script("lost", Answer("Only once."), times=1)
    parley.sandbox.faults.add("chat.postMessage", "reset", times=1, after=True)
    ts = await parley.slack.say("ada", "general", "@parley lost")
    assert await parley.answers("general", ts) == ["Only once."]
    assert len(parley.replies("general", ts)) == 1


async def test_a_refused_edit_waits_as_long_as_slack_asks(parley: Parley) -> None:
    parley.sandbox.claude.script("patience", Answer("word " * 200, deltas_per_second=40.0), times=1)
    parley.sandbox.faults.add("chat.update", "rate_limit", times=1, retry_after=2)
    ts = await parley.slack.say("ada", "general", "@parley patience")
    await parley.answers("general", ts)
    journal = parley.sandbox.journal
    [refused] = journal.entries("slack.fault", "chat.update")
    next_edit = min(
        e.monotonic for e in journal.entries("slack.request", "chat.update") if e.monotonic > refused.monotonic
    )
    assert next_edit - refused.monotonic >= 1.9


async def test_a_claude_that_fails_in_mid_answer_is_asked_again_and_the_text_never_shrinks(parley: Parley) -> None:
    parley.sandbox.claude.script("twice", Answer("A steady answer. " * 40, deltas_per_second=150.0), times=2)
    parley.sandbox.faults.add("/v1/messages", "error_mid", times=1)
    ts = await parley.slack.say("ada", "general", "@parley twice")
    assert await parley.answers("general", ts) == [("A steady answer. " * 40).rstrip()]
    assert len(parley.replies("general", ts)) == 1


async def test_a_failure_for_good_is_told_in_one_sentence(parley: Parley) -> None:
    parley.sandbox.faults.add("/v1/messages", "status", times=1, status=401)
    ts = await parley.slack.say("ada", "general", "@parley will you?")
    [said] = await parley.answers("general", ts)
    assert "ANTHROPIC_API_KEY" in said
    assert ".env" in said
    assert "Error" not in said


async def test_a_question_that_failed_keeps_its_place_in_the_history(parley: Parley) -> None:
    parley.sandbox.faults.add("/v1/messages", "status", times=1, status=401)
    ts = await parley.slack.say("ada", "general", "@parley will you?")
    [said] = await parley.answers("general", ts)
    again = await parley.slack.say("ada", "general", "@parley and now?", thread_ts=ts)
    await parley.answers("general", again, thread_ts=ts)
    sent = parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == said


async def test_somebody_who_deletes_the_answer_stops_it(parley: Parley) -> None:
    parley.sandbox.claude.script("forever", Answer("on and on " * 500, deltas_per_second=50.0), times=1)
    ts = await parley.slack.say("ada", "general", "@parley forever")
    [reply] = await parley.slack.until(lambda: parley.replies("general", ts))
    await parley.slack.delete("ada", "general", reply.ts)
    await parley.sandbox.journal.until(lambda e: e.kind == "claude.closed", within=15)
    again = await parley.slack.say("ada", "general", "@parley and now?", thread_ts=ts)
    assert await parley.answers("general", again, thread_ts=ts)

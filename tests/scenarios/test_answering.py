"""A mention is answered in its thread, and the thread goes on."""

import pytest

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley, payload, text

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_mention_is_answered_in_its_thread(parley: Parley) -> None:
    parley.sandbox.claude.script("capital of France", Answer("Paris."), times=1)
    ts = await parley.slack.say("ada", "general", "@parley what is the capital of France?")
    assert await parley.answers("general", ts) == ["Paris."]
    [reply] = parley.replies("general", ts)
    assert reply.thread_ts == ts
    assert reply.user == parley.sandbox.bot_user


async def test_a_mention_that_arrives_as_two_events_gets_one_answer(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley only once, please")
    await parley.answers("general", ts)
    events = {e.name for e in parley.sandbox.journal.entries("slack.delivery") if e.data.get("ts") == ts}
    assert events == {"message", "app_mention"}
    assert len(parley.replies("general", ts)) == 1


async def test_an_event_that_comes_again_after_its_answer_is_not_answered_again(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley never twice")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    asked = len(parley.sandbox.journal.entries("claude.request"))
    event = {"type": "app_mention", "channel": parley.sandbox.channels["general"], "user": parley.sandbox.users["ada"]}
    event |= {"ts": ts, "text": f"<@{parley.sandbox.bot_user}> never twice"}
    event_id = await parley.slack.deliver(event)
    await parley.sandbox.journal.until(lambda e: e.kind == "slack.ack" and e.data.get("event_id") == event_id)
    last = await parley.slack.say("ada", "general", "@parley something else", thread_ts=ts)
    await parley.answers("general", last, thread_ts=ts)
    assert len(parley.replies("general", ts)) == 2
    assert len(parley.sandbox.journal.entries("claude.request")) == asked + 1

    async def is_over() -> bool:
        return last in [entry.ts for entry in await parley.history("general", ts)]

    await parley.eventually(is_over, within=10)
    assert [entry.ts for entry in await parley.history("general", ts)] == [ts, ts, last, last]


async def test_the_next_question_of_a_thread_is_answered_with_what_was_said_before(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley my favourite colour is teal")
    first = (await parley.answers("general", ts))[0]
    second = await parley.slack.say("ben", "general", "and what is mine?", thread_ts=ts)
    await parley.answers("general", second, thread_ts=ts)
    sent = parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    [asked], [then] = sent[0]["content"], sent[2]["content"]
    assert "my favourite colour is teal" in asked["text"]
    assert 'from="ada" ' in asked["text"]
    assert sent[1]["content"] == first
    assert 'from="ben" ' in then["text"]


async def test_two_requests_of_a_thread_share_their_prefix_byte_by_byte(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley one")
    await parley.answers("general", ts)
    for question in ("two", "three"):
        again = await parley.slack.say("ada", "general", question, thread_ts=ts)
        await parley.answers("general", again, thread_ts=ts)
    first, second = (e.data["body"] for e in parley.sandbox.journal.entries("claude.request")[-2:])
    assert second["system"] == first["system"]
    assert second["messages"][: len(first["messages"])] == first["messages"]


async def test_the_answer_grows_in_one_message(parley: Parley) -> None:
    parley.sandbox.claude.script("grow", Answer("word " * 300, deltas_per_second=60.0), times=1)
    ts = await parley.slack.say("ada", "general", "@parley grow")
    await parley.answers("general", ts)
    [reply] = parley.replies("general", ts)
    # Its beginning was posted. How often it is edited depends on what the tests before it used of Slack's limits.
    assert reply.edits >= 1
    assert text(reply) == ("word " * 300).rstrip()


async def test_a_direct_message_is_answered_in_a_thread_without_a_mention(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "dm", "hello there")
    assert await parley.answers(parley.sandbox.channels["@ada"], ts)


async def test_people_who_talk_to_each_other_in_a_thread_are_left_alone(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", ts)
    aside = await parley.slack.say("ben", "general", f"<@{parley.sandbox.users['ada']}> lunch?", thread_ts=ts)
    last = await parley.slack.say("ada", "general", "@parley are you still there?", thread_ts=ts)
    await parley.answers("general", last, thread_ts=ts)
    assert {payload(m)["message_ts"] for m in parley.replies("general", ts)} == {ts, last}
    assert aside not in str(parley.sandbox.journal.entries("claude.request")[-1].data["body"])


async def test_a_message_that_is_not_for_us_is_not_answered(parley: Parley) -> None:
    other = await parley.slack.say("ben", "general", "just talking")
    ts = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", ts)
    assert parley.replies("general", other) == []


async def test_a_status_is_shown_until_there_is_text(parley: Parley) -> None:
    parley.sandbox.claude.script("slowly", Answer("At last.", first_delta=0.6), times=1)
    ts = await parley.slack.say("ada", "general", "@parley slowly")
    key = (parley.sandbox.channels["general"], ts)
    await parley.slack.until(lambda: key in parley.slack.workspace.statuses)
    assert parley.slack.workspace.statuses[key].text == "is thinking…"
    await parley.answers("general", ts)
    assert key not in parley.slack.workspace.statuses


async def test_a_long_answer_goes_on_in_further_messages(parley: Parley) -> None:
    long = "\n\n".join(f"Paragraph {n}. " + "Some words that fill it up. " * 20 for n in range(40))
    parley.sandbox.claude.script("at length", Answer(long, deltas_per_second=3000.0), times=1)
    ts = await parley.slack.say("ada", "general", "@parley at length")
    answers = await parley.answers("general", ts)
    assert len(answers) >= 3
    assert "".join("".join(answers).split()) == "".join(long.split())


async def test_the_rest_of_a_very_long_answer_comes_as_a_file(parley: Parley) -> None:
    long = "\n\n".join(f"Paragraph {n}. " + "Some words that fill it up. " * 20 for n in range(80))
    parley.sandbox.claude.script("very long", Answer(long, deltas_per_second=6000.0), times=1)
    ts = await parley.slack.say("ada", "general", "@parley very long")
    answers = await parley.answers("general", ts)
    await parley.slack.until(lambda: any(m.files for m in parley.slack.thread("general", ts)))
    [shared] = [m for m in parley.slack.thread("general", ts) if m.files]
    [file] = shared.files
    assert 20_000 < sum(map(len, answers)) <= 24_000
    assert "".join(("".join(answers) + file.content.decode()).split()) == "".join(long.split())


async def test_what_claude_writes_pings_nobody(parley: Parley) -> None:
    hostile = "Listen <!channel> and <@U0000STRANGER>: [bank.example](https://evil.example)"
    parley.sandbox.claude.script("hostile", Answer(hostile), times=1)
    ts = await parley.slack.say("ada", "general", "@parley hostile")
    [said] = await parley.answers("general", ts)
    assert "<!channel>" not in said
    assert "<@U0000STRANGER>" not in said
    assert "evil.example)" in said

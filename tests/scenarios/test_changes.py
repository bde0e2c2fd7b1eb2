"""Who edits or deletes a message changes what is answered, and what is remembered."""

import pytest

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley, payload

pytestmark = pytest.mark.asyncio(loop_scope="package")


def asked(parley: Parley) -> str:
    """The newest request to Claude, as text."""
    return str(parley.sandbox.journal.entries("claude.request")[-1].data["body"]["messages"])


async def told(parley: Parley, subtype: str, of: str) -> bool:
    """Wait until Parley has acknowledged the change of the message `of`."""
    journal = parley.sandbox.journal
    await journal.until(lambda e: e.kind == "slack.ack" and e.data.get("subtype") == subtype and of < e.data["ts"])
    return True


async def waits(parley: Parley, text: str) -> tuple[str, str]:
    """The ts of a question that is being answered, and that of a second one, which waits behind it in the thread."""
    parley.sandbox.claude.script("hold on", Answer("Held.", first_delta=1.0), times=1)
    root = await parley.slack.say("ada", "general", "@parley hold on")
    await parley.logged(f"kept .* ts={root}")
    second = await parley.slack.say("ada", "general", text, thread_ts=root)
    await parley.logged(f"kept .* ts={second}")
    return root, second


async def test_a_waiting_question_is_answered_as_it_was_edited(parley: Parley) -> None:
    root, second = await waits(parley, "what is the first colour?")
    await parley.slack.edit("ada", "general", second, "what is the second colour?")
    await parley.answers("general", root, second)
    assert "second colour" in asked(parley)
    assert "first colour" not in asked(parley)


async def test_a_waiting_question_that_is_deleted_is_not_answered(parley: Parley) -> None:
    root, second = await waits(parley, "a question too many")
    await parley.slack.delete("ada", "general", second)
    third = await parley.slack.say("ada", "general", "and the last one", thread_ts=root)
    await parley.answers("general", root, third)
    assert [payload(message)["message_ts"] for message in parley.replies("general", root)] == [root, third]
    assert "too many" not in asked(parley)


async def test_a_question_edited_after_its_answer_is_remembered_as_it_reads_now(parley: Parley) -> None:
    parley.sandbox.claude.script("my fruit", Answer("Noted."), times=1)
    root = await parley.slack.say("ada", "general", "@parley my fruit is a quince")
    await parley.answers("general", root)
    await parley.remembered("general", root, turns=2)
    await parley.slack.edit("ada", "general", root, "@parley my fruit is a medlar")
    await parley.logged(f"edited .* ts={root}")
    again = await parley.slack.say("ada", "general", "which one?", thread_ts=root)
    await parley.answers("general", again, thread_ts=root)
    assert "medlar" in asked(parley)
    assert "quince" not in asked(parley)


async def test_a_question_deleted_after_its_answer_is_forgotten_with_it(parley: Parley) -> None:
    root = await parley.slack.say("ada", "general", "@parley the first secret")
    await parley.answers("general", root)
    second = await parley.slack.say("ada", "general", "something else", thread_ts=root)
    await parley.answers("general", second, thread_ts=root)
    await parley.remembered("general", root, turns=4)
    await parley.slack.delete("ada", "general", root)
    await parley.logged(f"deleted .* ts={root}")
    assert [entry.ts for entry in await parley.history("general", root)] == [second, second]


async def test_a_deleted_answer_is_not_remembered(parley: Parley) -> None:
    parley.sandbox.claude.script("embarrassing", Answer("A slip of the pen."), times=1)
    root = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", root)
    second = await parley.slack.say("ada", "general", "embarrassing", thread_ts=root)
    await parley.answers("general", second, thread_ts=root)
    await parley.remembered("general", root, turns=4)
    [reply] = parley.answer("general", second, root)
    await parley.slack.delete("ada", "general", reply.ts)
    await parley.logged(f"deleted .* ts={second} .* ours=True")
    third = await parley.slack.say("ada", "general", "go on", thread_ts=root)
    await parley.answers("general", third, thread_ts=root)
    assert "slip of the pen" not in asked(parley)


async def test_an_edit_that_adds_a_mention_asks(parley: Parley) -> None:
    ts = await parley.slack.say("ben", "general", "who knows the answer?")
    await parley.slack.edit("ben", "general", ts, "@parley who knows the answer?")
    assert await parley.answers("general", ts)


async def test_an_edit_of_what_was_not_for_us_does_not_ask(parley: Parley) -> None:
    root = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", root)
    aside = await parley.slack.say("ben", "general", "@ada lunch?", thread_ts=root)
    await parley.slack.edit("ben", "general", aside, "lunch at noon?")
    assert await told(parley, "message_changed", aside)
    last = await parley.slack.say("ada", "general", "@parley are you there?", thread_ts=root)
    await parley.answers("general", last, thread_ts=root)
    assert parley.answer("general", aside, root) == []


async def test_an_edited_question_is_remembered_with_the_names_that_people_see(parley: Parley) -> None:
    root = await parley.slack.say("ada", "general", "@parley who is @chidi?")
    await parley.answers("general", root)
    await parley.remembered("general", root, turns=2)
    await parley.slack.edit("ada", "general", root, "@parley what does @chidi do?")
    await parley.logged(f"edited .* ts={root}")
    assert (await parley.history("general", root))[0].text == "what does @chidi do?"


async def test_a_question_deleted_while_it_is_answered_stops_its_answer_and_is_not_remembered(parley: Parley) -> None:
    parley.sandbox.claude.script("for ever", Answer("on and on " * 2000, deltas_per_second=50.0), times=1)
    root = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", root)
    second = await parley.slack.say("ada", "general", "for ever", thread_ts=root)
    await parley.slack.until(lambda: parley.answer("general", second, root))
    before = len(parley.sandbox.journal.entries("claude.closed"))
    await parley.slack.delete("ada", "general", second)
    await parley.sandbox.journal.until(
        lambda _: len(parley.sandbox.journal.entries("claude.closed")) > before, within=2.0
    )
    third = await parley.slack.say("ada", "general", "and now?", thread_ts=root)
    await parley.answers("general", third, thread_ts=root)
    assert "on and on" not in asked(parley)
    assert [entry.ts for entry in await parley.history("general", root)][:2] == [root, root]


async def test_our_own_edits_are_no_news(parley: Parley) -> None:
    parley.sandbox.claude.script("grow", Answer("word " * 200, deltas_per_second=100.0), times=1)
    ts = await parley.slack.say("ada", "general", "@parley grow")
    await parley.answers("general", ts)
    [reply] = parley.replies("general", ts)
    assert reply.edits

    async def is_told() -> bool:
        told = parley.sandbox.journal.entries("slack.delivery")
        return any(each.data.get("subtype") == "message_changed" for each in told)

    await parley.eventually(is_told, within=10)
    assert f"edited thread={parley.sandbox.team}:{reply.channel}:{ts}" not in parley.log

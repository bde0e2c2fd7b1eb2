"""Stop, Regenerate, Continue and feedback, from the click to what people see then."""

import asyncio
from typing import Any

import pytest

from bot.listeners.regenerate import GO_ON
from bot.sandbox.claude.answers import Answer
from bot.sandbox.slack.world.records import Message
from bot.slack.sessions import METHOD
from bot.store import keys
from bot.store.threads import stops
from bot.talk.message import Thread
from bot.views import footer
from tests.kit.parley import Parley, text

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG = "On and on it goes. " * 400


def buttons(message: Message) -> set[str]:
    found = [one for block in message.blocks for one in block.get("elements", ())]
    return {one["action_id"] for one in found if "action_id" in one}


def small_print(message: Message) -> str:
    blocks = [block for block in message.blocks if block["type"] == "context"]
    return " ".join(one["text"] for block in blocks for one in block["elements"])


async def begun(parley: Parley, user: str = "ben", *, deltas_per_second: float = 60.0) -> tuple[str, Message]:
    """A question and its answer, which has a Stop button and goes on for minutes."""
    parley.sandbox.claude.script("at length", Answer(LONG, deltas_per_second=deltas_per_second), times=1)
    ts = await parley.slack.say(user, "general", "@parley at length")

    def shown() -> list[Message]:
        return [m for m in parley.answer("general", ts, ts) if footer.STOP in buttons(m) and text(m).strip()]

    [message] = await parley.slack.until(shown)
    return ts, message


async def stopped(parley: Parley, ts: str, thread_ts: str | None = None) -> Message:
    await parley.answers("general", ts, thread_ts=thread_ts, within=5)
    message = parley.answer("general", ts, thread_ts or ts)[-1]
    assert footer.STOP not in buttons(message)
    return message


def requests(parley: Parley) -> list[dict[str, Any]]:
    return [entry.data["body"] for entry in parley.sandbox.journal.entries("claude.request")]


# Stop


async def test_who_asked_stops_the_answer_and_what_was_written_stays(parley: Parley) -> None:
    ts, message = await begun(parley, "ben")
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    shown = await stopped(parley, ts)
    assert "Stopped by ben" in small_print(shown)
    assert LONG.startswith(text(shown))
    assert 0 < len(text(shown)) < len(LONG) / 2
    assert buttons(shown) == {footer.FEEDBACK, footer.REGENERATE, footer.CONTINUE}
    await parley.remembered("general", ts, turns=2)
    said = (await parley.history("general", ts))[1]
    assert LONG.startswith(said.text)
    assert not said.hidden


async def test_claude_hears_no_more_of_a_stopped_answer(parley: Parley) -> None:
    before = len(parley.sandbox.journal.entries("claude.closed"))
    ts, message = await begun(parley)
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    await stopped(parley, ts)
    await parley.sandbox.journal.until(lambda _: len(parley.sandbox.journal.entries("claude.closed")) > before)


async def test_somebody_else_stops_nothing(parley: Parley) -> None:
    ts, message = await begun(parley, "ben", deltas_per_second=300.0)
    await parley.slack.click("chidi", footer.STOP, channel="general", ts=message.ts)
    answer = "".join("".join(await parley.answers("general", ts)).split())
    assert answer == "".join(LONG.split())


async def test_an_admin_stops_an_answer_and_is_named(parley: Parley) -> None:
    ts, message = await begun(parley, "ben")
    await parley.slack.click("ada", footer.STOP, channel="general", ts=message.ts)
    assert "Stopped by ada" in small_print(await stopped(parley, ts))


async def test_stop_pressed_twice_is_pressed_once(parley: Parley) -> None:
    ts, message = await begun(parley, "ben")
    await asyncio.gather(
        *(parley.slack.click(user, footer.STOP, channel="general", ts=message.ts) for user in ("ben", "ada"))
    )
    assert "Stopped by" in small_print(await stopped(parley, ts))
    assert len(parley.replies("general", ts)) == 1


async def test_the_word_stops_the_answer(parley: Parley) -> None:
    ts, _ = await begun(parley, "ben")
    await parley.slack.say("ben", "general", "stop", thread_ts=ts)
    assert "Stopped by ben" in small_print(await stopped(parley, ts))
    last = await parley.slack.say("ben", "general", "and now?", thread_ts=ts)
    await parley.answers("general", last, thread_ts=ts)
    assert len(parley.replies("general", ts)) == 2


async def test_slacks_own_button_stops_the_answer(parley: Parley) -> None:
    team = parley.sandbox.team
    # Other tests may have used up the minute's sessions.
    await parley.redis.delete(keys.calls(team, METHOD), keys.pause(team, METHOD), keys.sessions(team))
    parley.slack.limits.on = False
    ts, _ = await begun(parley, "ben")
    key, sessions = (parley.sandbox.channels["general"], ts), parley.slack.workspace.sessions
    await parley.slack.until(lambda: key in sessions and sessions[key].status == "processing")
    await parley.slack.press_stop("ben", "general", ts)
    assert "Stopped by ben" in small_print(await stopped(parley, ts))
    await parley.slack.until(lambda: sessions[key].status == "active")
    parley.slack.limits.on = True


async def test_a_question_that_waits_is_stopped_without_asking_claude(parley: Parley) -> None:
    first, message = await begun(parley, "ben")
    second = await parley.slack.say("chidi", "general", "@parley me too", thread_ts=first)
    await parley.logged(f"kept .* ts={second}")
    await parley.slack.say("chidi", "general", "@parley stop", thread_ts=first)
    await parley.logged(f"stop asked .* ts={second} ")
    asked = len(requests(parley))
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    await stopped(parley, first)
    assert "Stopped by chidi" in small_print(await stopped(parley, second, thread_ts=first))
    assert len(requests(parley)) == asked


async def test_a_wish_to_stop_outlives_the_worker(parley: Parley) -> None:
    ts, message = await begun(parley, "ben")
    await parley.kill("worker1")
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    asked = len(requests(parley))
    await parley.start_worker()
    await parley.answers("general", ts, within=30)
    await parley.remembered("general", ts, turns=2)
    [shown] = parley.answer("general", ts, ts)
    assert "Stopped by ben" in small_print(shown)
    assert len(requests(parley)) == asked


# Regenerate and Continue


async def test_regenerate_answers_the_question_anew_in_place_of_the_old_answer(parley: Parley) -> None:
    parley.sandbox.claude.script("a colour", Answer("Teal."), Answer("Ochre."))
    root = await parley.slack.say("ben", "general", "@parley hello")
    await parley.answers("general", root)
    ts = await parley.slack.say("ben", "general", "@parley name a colour", thread_ts=root)
    assert await parley.answers("general", ts, thread_ts=root) == ["Teal."]
    await parley.remembered("general", root, turns=4)
    old = parley.answer("general", ts, root)[-1]
    first = requests(parley)[-1]
    await parley.slack.click("chidi", footer.REGENERATE, channel="general", ts=old.ts)
    await parley.slack.until(lambda: text(parley.replies("general", root)[-1]) == "Ochre.")

    async def replaced() -> bool:
        return (await parley.history("general", root))[-1].text == "Ochre."

    await parley.eventually(replaced, within=10)
    history = await parley.history("general", root)
    assert [entry.ts for entry in history] == [root, root, ts, ts]
    assert "Teal." not in str(history)
    second = requests(parley)[-1]
    assert "Teal." not in str(second["messages"])
    assert second["messages"] == first["messages"]
    assert text(old) == "Teal."


async def test_a_regenerated_answer_can_be_regenerated(parley: Parley) -> None:
    parley.sandbox.claude.script("a number", Answer("One."), Answer("Two."), Answer("Three."))
    ts = await parley.slack.say("ben", "general", "@parley say a number")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    for expected in ("Two.", "Three."):
        newest = parley.replies("general", ts)[-1]
        await parley.slack.click("ben", footer.REGENERATE, channel="general", ts=newest.ts)

        async def replaced(expected: str = expected) -> bool:
            return (await parley.history("general", ts))[-1].text == expected

        await parley.eventually(replaced, within=10)
    assert [text(message) for message in parley.replies("general", ts)] == ["One.", "Two.", "Three."]
    assert len(await parley.history("general", ts)) == 2


async def test_an_answer_at_its_length_limit_goes_on_at_a_click(parley: Parley) -> None:
    parley.sandbox.claude.script("count", Answer("One, two,", stop_reason="max_tokens"), times=1)
    parley.sandbox.claude.script(GO_ON, Answer("three."), times=1)
    ts = await parley.slack.say("ben", "general", "@parley count to three")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    first = parley.answer("general", ts, ts)[-1]
    assert footer.CONTINUE in buttons(first)
    await parley.slack.click("ben", footer.CONTINUE, channel="general", ts=first.ts)
    await parley.remembered("general", ts, turns=4)
    assert text(parley.replies("general", ts)[-1]) == "three."
    assert footer.CONTINUE not in buttons(parley.replies("general", ts)[-1])


async def test_a_stopped_answer_leaves_no_wish_behind(parley: Parley) -> None:
    ts, message = await begun(parley)
    await parley.slack.click("ben", footer.STOP, channel="general", ts=message.ts)
    await stopped(parley, ts)
    await parley.remembered("general", ts, turns=2)
    [turn] = [entry for entry in await parley.history("general", ts) if entry.role == "assistant"]
    thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], ts)
    assert await stops.asked(parley.redis, thread, turn.ts) is None


# Feedback


async def test_a_vote_on_an_answer_is_thanked_for(parley: Parley) -> None:
    ts = await parley.slack.say("ben", "general", "@parley hello")
    await parley.answers("general", ts)
    [answer] = parley.replies("general", ts)
    for vote in ("bad", "good"):
        await parley.slack.click("ben", footer.FEEDBACK, channel="general", ts=answer.ts, value=f"{vote} {ts}")
    await parley.logged(f"feedback .* answer={answer.ts} .*vote=good")
    await parley.slack.until(lambda: len([m for _, m in parley.slack.workspace.ephemerals if m.thread_ts == ts]) == 2)

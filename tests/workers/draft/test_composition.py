import time
from dataclasses import replace
from typing import Any

import pytest

from bot.store.threads.replies import Final
from bot.talk.message import Message, Thread
from workers.draft.composition import Composition, Step
from workers.draft.part import Due, Part
from workers.draft.slack_stream import SlackStream
from workers.draft.turn import Terms

TERMS = Terms(frozenset({"U1"}))
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))
BUTTONS = Final("", has_buttons=True)


def composed(text: str = "", *, native: bool = False, terms: Terms = TERMS) -> Composition:
    composition = Composition(Message(Thread("T1", "C1", "1.1"), "1.1", "U1", "a question"), terms)
    composition.text, composition.native = text, native
    return composition


def end(composition: Composition, text: str, **how: Any) -> None:
    composition.text, composition.ended = text, Final(text, **how)


def wanted(composition: Composition, parts: list[Part], shown: int = 0) -> tuple[Due, Step]:
    due = composition.next(parts, shown)
    assert due is not None
    return due, composition.step(due, parts)


def posted(composition: Composition, number: int = 0) -> Part:
    """A message with what is to stand in it."""
    return Part(f"{number}.5", composition.payload(dues(composition)[number]))


def dues(composition: Composition) -> list[Due]:
    """What each message shall be."""
    parts: list[Part] = []
    found: dict[int, Due] = {}
    for _ in range(20):
        if (due := composition.next(parts, 0)) is None:
            return list(found.values())
        found[due.number] = due
        parts[due.number :] = [Part(f"{due.number}.5", composition.payload(due)), *parts[due.number + 1 :]]
    raise AssertionError("it never gets as it shall be")


def streaming(composition: Composition, age: float = 0.0) -> Part:
    """The last message of the reply as an open stream with all that can be shown."""
    due = composition.next([], 0)
    assert due is not None
    return Part("0.5", stream=SlackStream(due.content, due.length, time.monotonic() - age))


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("text", ["", " \n", "**"])
def test_nothing_is_due_before_there_are_words(text: str, native: bool) -> None:
    assert composed(text, native=native).next([], 0) is None


def test_words_are_posted_then_edited_and_left_alone_as_they_are() -> None:
    composition = composed("First")
    assert wanted(composition, [])[1] == "post"
    parts = [posted(composition)]
    assert composition.next(parts, 5) is None
    composition.text = "First and more"
    due, step = wanted(composition, parts, 5)
    assert (due.content, due.number, due.is_last, step) == ("First and more", 0, True, "edit")


def test_a_message_of_which_nobody_knows_what_is_in_it_is_edited() -> None:
    assert wanted(composed("First"), [Part("1.5")])[1] == "edit"


def test_a_stream_is_opened_appended_to_and_stopped() -> None:
    composition = composed("First ", native=True)
    assert wanted(composition, [])[1] == "open"
    parts = [streaming(composition)]
    assert composition.next(parts, 5) is None
    composition.text = "First and more"
    assert wanted(composition, parts, 5)[1] == "append"
    end(composition, "First and more")
    assert wanted(composition, parts, 14)[1] == "stop"


def test_a_stream_that_has_begun_otherwise_is_stopped() -> None:
    composition = composed("First ", native=True)
    parts = [streaming(composition)]
    composition.text = "Otherwise said "
    assert wanted(composition, parts, 5)[1] == "stop"


def test_what_is_whole_needs_no_stream() -> None:
    composition = composed(LONG, native=True)
    assert wanted(composition, [])[1] == "post"
    end(composition, "All at once")
    assert wanted(composition, [])[1] == "post"


def test_a_stream_that_is_full_is_stopped_and_goes_on_in_another() -> None:
    composition = composed(LONG[:9_000], native=True)
    parts = [streaming(composition)]
    composition.text = LONG
    due, step = wanted(composition, parts, 9_000)
    assert (due.number, due.is_last, step) == (0, False, "stop")
    parts = [Part("0.5", composition.payload(due))]
    assert wanted(composition, parts, 9_000)[1] == "open"


def test_earlier_messages_come_first() -> None:
    composition = composed(LONG)
    parts = [Part("0.5"), Part("1.5")]
    assert wanted(composition, parts)[0].number == 0
    parts[0] = posted(composition)
    assert wanted(composition, parts)[0].number == 1


@pytest.mark.parametrize("native", [False, True])
def test_the_old_text_stays_until_the_new_one_has_passed_it_or_is_complete(native: bool) -> None:
    """Invariant 8."""
    composition = composed("one two three ", native=native)
    parts = [streaming(composition) if native else posted(composition)]
    composition.text = "uno due "
    assert composition.next(parts, 13) is None
    composition.text = "uno due tre quattro "
    assert composition.next(parts, 13) is not None
    end(composition, "uno")
    assert composition.next(parts, 13) is not None


def test_blocks_that_are_refused_become_simpler_then_plain_and_then_nothing_helps() -> None:
    composition = composed()
    end(composition, "Words", has_buttons=True)
    [due] = dues(composition)
    assert "context_actions" in {block["type"] for block in composition.payload(due)["blocks"]}
    assert composition.simpler(refused_blocks=True)
    assert [block["type"] for block in composition.payload(due)["blocks"]] == ["markdown", "actions"]
    assert composition.simpler(refused_blocks=True)
    assert composition.payload(due)["blocks"] == []
    assert not composition.simpler(refused_blocks=True)


def test_a_text_that_is_too_long_for_slack_becomes_plain_at_once() -> None:
    composition = composed()
    end(composition, "Words " * 1000, has_buttons=True)
    assert composition.simpler(refused_blocks=False)
    assert composition.count > 4
    assert not composition.simpler(refused_blocks=False)


def test_a_stream_goes_on_in_a_new_message_from_the_end_of_a_block() -> None:
    composition = composed("A paragraph that is ", native=True)
    parts = [streaming(composition, age=241)]
    composition.text += "going on "
    composition.rotate(parts)
    assert wanted(composition, parts, 5)[1] == "append"
    composition.text += "\n\nThe next"
    composition.rotate(parts)
    due, step = wanted(composition, parts, 5)
    assert (due.content, due.is_last, step) == ("A paragraph that is going on", False, "stop")
    assert composition.goes_on_behind(0)
    assert [due.content for due in dues(composition)] == ["A paragraph that is going on", "The next"]


def test_a_young_stream_goes_on() -> None:
    composition = composed("A paragraph", native=True)
    parts = [streaming(composition, age=200)]
    composition.text += "\n\nThe next"
    composition.rotate(parts)
    assert not composition.goes_on_behind(0)
    assert 69 < (composition.stream_ends_in(parts) or 0) <= 70.1


def test_a_stream_that_is_too_old_ends_where_it_is() -> None:
    composition = composed("```python\na = 1\nb = ", native=True)
    parts = [streaming(composition, age=271)]
    assert composition.stream_ends_in(parts) == 1
    composition.rotate(parts)
    assert wanted(composition, parts, 5)[1] == "stop"
    composition.text += "2\nc = 3"
    first, second = (due.content for due in dues(composition))
    assert first.startswith("```python\na = 1\nb")
    assert first.endswith("\n```")
    assert second == "```python\n 2\nc = 3\n```"


def test_what_was_cut_for_a_stream_is_forgotten_when_claude_begins_anew() -> None:
    composition = composed("First paragraph.", native=True)
    parts = [streaming(composition, age=241)]
    composition.text += "\n\n\n\nSecond"
    composition.rotate(parts)
    assert composition.goes_on_behind(0)
    composition.text += " one"
    assert composition.goes_on_behind(0)
    composition.text = "Another answer, without any such paragraphs in it"
    assert not composition.goes_on_behind(0)
    end(composition, composition.text)
    assert [due.content for due in dues(composition)] == [composition.text]


def test_only_an_open_stream_has_an_end() -> None:
    composition = composed("Words")
    assert composition.stream_ends_in([]) is None
    assert composition.stream_ends_in([posted(composition)]) is None


def test_the_rest_is_told_below_the_last_message_and_goes_into_messages_where_there_is_no_file() -> None:
    composition = composed(terms=replace(TERMS, most_length=1_000))
    end(composition, LONG)
    assert composition.rest
    assert [due.has_rest for due in dues(composition)] == [True]
    composition.without_a_file()
    assert composition.rest == ""
    assert [due.has_rest for due in dues(composition)] == [False, False]


def test_the_one_that_stands_in_for_another_says_so() -> None:
    composition = composed()
    end(composition, LONG)
    composition.stand_in(1)
    assert [due.stands_in for due in dues(composition)] == [False, True]

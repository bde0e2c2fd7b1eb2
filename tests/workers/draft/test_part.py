from typing import Any

import pytest

from bot.sandbox.slack.block_kit import payload as blocks
from bot.store.threads.replies import Final
from bot.talk.message import Message, Thread
from bot.views import footer
from workers.draft.part import IN_A_FILE, STANDS_IN, Due, Part, payload

QUESTION = Message(Thread("T1", "C1", "1.1"), "1.1", "U1", "a question")
LAST = Due(0, "Some **words**", True)


def made(due: Due = LAST, ending: Final | None = None, *, simple: bool = False, plain: bool = False) -> dict[str, Any]:
    return payload(due, QUESTION, ending, simple=simple, plain=plain)


def kinds(content: dict[str, Any]) -> list[str]:
    return [block["type"] for block in content["blocks"]]


def small_print(content: dict[str, Any]) -> list[str]:
    return [block["elements"][0]["text"] for block in content["blocks"] if block["type"] == "context"]


def test_blocks_carry_the_text_and_a_short_one_is_for_the_notification() -> None:
    content = made()
    assert content["blocks"][0] == {"type": "markdown", "text": "Some **words**"}
    assert (content["text"], content["parse"]) == ("Some words", "none")
    assert len(made(Due(0, "<&>" * 3_000, True))["text"].encode()) < 4_000
    assert len(made(Due(0, "<&>" * 3_000, True), plain=True)["text"].encode()) < 4_000


def test_while_it_grows_there_is_a_stop_button() -> None:
    content = made()
    assert content["blocks"][1:] == footer.streaming("1.1")
    assert content["metadata"]["event_payload"] == {"message_ts": "1.1", "part": 1, "state": "streaming"}


def test_a_whole_answer_has_its_buttons_and_says_how_many_messages_there_are() -> None:
    content = made(Due(1, "The end", True), Final("", has_buttons=True, note="a note", continuable=True))
    done = footer.done("1.1", continuable=True, note="a note")
    assert content["blocks"][1:] == [content["blocks"][1], *done]
    assert content["metadata"]["event_payload"] == {"message_ts": "1.1", "part": 2, "state": "complete", "parts": 2}


def test_who_stopped_it_is_told() -> None:
    content = made(ending=Final("", has_buttons=True, stopped_by="Ada"))
    assert content["blocks"][1:] == footer.stopped("1.1", by="Ada")
    somebody = made(ending=Final("", has_buttons=True, stopped_by=""))
    assert somebody["blocks"][1:] == footer.stopped("1.1")


def test_an_answer_given_again_has_the_buttons_of_its_question() -> None:
    message = Message(QUESTION.thread, "9.1", "U1", "a question", again="1.1")
    content = payload(LAST, message, Final("", has_buttons=True), simple=False, plain=False)
    assert content["blocks"][1:] == footer.done("1.1")
    assert content["metadata"]["event_payload"]["message_ts"] == "9.1"


def test_a_failure_says_so_to_programs_and_has_no_buttons() -> None:
    content = made(ending=Final("", outcome="error"))
    assert content["metadata"]["event_payload"]["state"] == "failed"
    assert kinds(content) == ["markdown"]
    assert made(Due(0, "", False), Final("", outcome="error"))["metadata"]["event_payload"]["state"] == "complete"


def test_messages_are_numbered_only_if_there_are_several() -> None:
    assert small_print(made()) == []
    assert small_print(made(Due(0, "", False))) == ["Part 1, continued below"]
    assert small_print(made(Due(1, "", False))) == ["Part 2, continued below"]
    assert small_print(made(Due(1, "", True), Final(""))) == ["Part 2"]


def test_only_the_last_message_has_buttons() -> None:
    assert kinds(made(Due(0, "", False))) == ["markdown", "context"]
    assert kinds(made(Due(0, "", False), Final("", has_buttons=True))) == ["markdown", "context"]


def test_a_rest_in_a_file_is_told_at_the_end() -> None:
    due = Due(0, "", True, has_rest=True)
    assert small_print(made(due)) == []
    assert small_print(made(due, Final(""))) == [IN_A_FILE]


def test_who_stands_in_says_so() -> None:
    assert small_print(made(Due(0, "", True, stands_in=True), Final(""))) == [STANDS_IN]


@pytest.mark.parametrize("simple", [False, True])
def test_slack_takes_all_of_it(simple: bool) -> None:
    note = "note " * 200
    for ending in (None, Final("", has_buttons=True, note=note, continuable=True, stopped_by="Ada"), Final("")):
        for is_last in (False, True):
            due = Due(3, "x" * 12_000, is_last, has_rest=True, stands_in=True)
            blocks.checked(made(due, ending, simple=simple)["blocks"], "message")


def test_a_plain_message_has_no_blocks() -> None:
    assert made(plain=True)["blocks"] == []


def test_what_people_see_of_a_message_is_counted() -> None:
    assert Part("1.1").shown == 0
    assert Part("1.1", made()).shown == len("Some **words**")
    assert Part("1.1", made(plain=True)).shown == len("Some words")

"""A question about a message, from its shortcut to the mailbox."""

from typing import Any

import pytest

from bot.listeners.shortcut import AWAY, EMPTY, Question, read, read_question
from bot.sandbox.slack.block_kit.payload import checked as checked_blocks
from bot.sandbox.slack.views import checked
from bot.talk.markup import spoken
from bot.talk.message import Thread
from bot.views.shortcut import LONGEST, METADATA, SHOWN, ShortcutMessage, question_form, question_message

ABOUT = ShortcutMessage("C1", "1.1", "U2", "We ship on <https://x.example|Friday> &amp; rest")
USED = {"channel": {"id": "C1"}, "message_ts": "1.2", "message": {"ts": "1.2", "user": "U2", "text": "hello"}}


def submitted(about: ShortcutMessage = ABOUT, value: object = "why <b>?", **fields: Any) -> dict[str, Any]:
    view = {
        "id": "V1",
        "private_metadata": about.to_json(),
        "state": {"values": {"question": {"text": {"value": value}}}},
    }
    return {"user": {"id": "U1"}, "view": view, **fields}


@pytest.mark.parametrize("text", ["", "hello", "x" * 2000, '"\\\n\u0001' * 500])
def test_slack_takes_the_modal_whatever_the_message(text: str) -> None:
    about = read({**USED, "message": {**USED["message"], "text": text}})  # type: ignore[dict-item]
    assert about is not None
    view = checked(question_form(about), "modal")
    assert len(view["private_metadata"]) <= METADATA
    assert ShortcutMessage.from_json(view["private_metadata"]) is not None


def test_a_message_of_a_thread_is_asked_about_in_that_thread() -> None:
    assert read(USED) == ShortcutMessage("C1", "1.2", "U2", "hello")
    inside = {**USED, "message": {"ts": "1.2", "thread_ts": "1.1", "bot_id": "B1"}}
    assert read(inside) == ShortcutMessage("C1", "1.1", "B1", "")


@pytest.mark.parametrize(
    "body", [{}, {"channel": {"id": "C1"}}, {**USED, "channel": "C1"}, {**USED, "channel": {"id": 7}}]
)
def test_what_says_no_message_opens_nothing(body: dict[str, Any]) -> None:
    assert read(body) is None


def test_the_question_goes_into_the_mailbox_with_the_message_it_is_about() -> None:
    question = read_question(submitted(), "T1")
    assert isinstance(question, Question)
    message = question.message
    assert (question.typed, question.view) == ("why <b>?", "V1")
    assert (message.thread, message.user, message.event_id) == (Thread("T1", "C1", "1.1"), "U1", "view:V1")
    assert spoken(message.text, "UBOT", {"U2": "Ben"}) == (
        "why <b>?\n\nThe message that this is about, by @Ben:\n> We ship on Friday (https://x.example) & rest"
    )


@pytest.mark.parametrize("value", ["", "  ", None, 5, ["x"]])
def test_an_empty_question_is_none(value: object) -> None:
    assert read_question(submitted(value=value), "T1") == EMPTY


@pytest.mark.parametrize(
    "fields", [{"view": None}, {"view": {"private_metadata": "{"}}, {"user": None}, {"user": {"id": 5}}]
)
def test_a_broken_submission_is_told_so(fields: dict[str, Any]) -> None:
    assert read_question(submitted(**fields), "T1") == AWAY


@pytest.mark.parametrize(
    "typed", ["why?", "<!channel> <@U1> @here *bold*", "&" * LONGEST, "a\nb", "<https://x.example|here> javascript:x"]
)
def test_a_shown_question_is_inert(typed: str) -> None:
    shown = question_message(typed, "Ada <!here>", "U1", "V1")
    [block] = checked_blocks(shown["blocks"], "message")
    texts = [element for part in block["elements"] for element in part["elements"]]
    assert [element["type"] for element in texts] == ["text", "text"]
    assert texts[1]["text"] == typed
    assert "<" not in shown["text"]
    assert len(shown["text"]) <= 5 * SHOWN
    assert (shown["unfurl_links"], shown["unfurl_media"]) == (False, False)


def test_whom_slack_does_not_name_is_somebody() -> None:
    assert question_message("why?", None, "U1", "V1")["text"] == "Somebody asks: why?"

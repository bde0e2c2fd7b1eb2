"""The form for a comment, held against the sandbox's strict views, and what comes back from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.block_kit.payload import checked as checked_blocks
from bot.sandbox.slack.views import checked
from bot.store.counts.feedback import Comment
from bot.talk.message import Thread
from bot.views.feedback import INPUT, comment_message, form, read_form, sorry

THREAD = Thread("T1", "C1", "1.1")
SENT: dict[str, Any] = {
    "private_metadata": "C1 1.1 1.2",
    "state": {"values": {INPUT: {INPUT: {"type": "plain_text_input", "value": " Too long. "}}}},
}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("C1 1.1 1.2"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([INPUT, "values", "value"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def test_slack_takes_the_words_and_the_form() -> None:
    checked_blocks(sorry("1.1", "1.2"), "message")
    checked(form(THREAD, "1763700000.123456"), "modal")


def test_a_submitted_form_says_what_was_written_about_which_answer() -> None:
    assert form(THREAD, "1.2")["private_metadata"] == SENT["private_metadata"]
    assert read_form(SENT, "T1") == (THREAD, "1.2", "Too long.")


@pytest.mark.parametrize("about", [None, "", "C1", "C1 1.1", "C1 1.1 x", "C1 1.1 1.2 1.3", 7])
def test_a_form_about_something_else_is_not_read(about: object) -> None:
    assert read_form({**SENT, "private_metadata": about}, "T1") is None


@pytest.mark.parametrize("value", [None, "", "  \n", 7, ["x"]])
def test_a_form_without_words_is_not_read(value: object) -> None:
    assert read_form({**SENT, "state": {"values": {INPUT: {INPUT: {"value": value}}}}}, "T1") is None


@given(anything, anything)
def test_anything_is_read(about: object, state: object) -> None:
    read_form({"private_metadata": about, "state": state}, "T1")
    read_form(about, "T1")


def test_half_a_character_is_read_as_one_that_can_be_kept() -> None:
    """A field that cuts at so many UTF-16 units can leave half of an emoji."""
    sent = {**SENT, "state": {"values": {INPUT: {INPUT: {"value": "Hm \ud83d"}}}}}
    assert read_form(sent, "T1") == (THREAD, "1.2", "Hm ?")


# What admins see of it


HOSTILE = [
    "<!channel> <!here> <!everyone>",
    "<@U2> <#C2> <!subteam^S1>",
    "@channel @here @everyone @ben",
    "<https://evil.example|https://good.example>",
    "https://evil.example/picture.png",
    "*bold* _italic_ ~gone~ `code` ```fence``` > quote :tada:",
    "&lt;!channel&gt; &amp; <b>",
    "\u202egnp.exe\u2066",
    "one\n\n> two\r\n* three",
    "x" * 1_000,
    "🙂" * 1_000,
]


def every(node: Any) -> list[dict[str, Any]]:
    """All elements of a message's blocks."""
    if isinstance(node, list):
        return [element for child in node for element in every(child)]
    if isinstance(node, dict):
        return [node, *every(list(node.values()))]
    return []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("link", [None, "https://x.slack.com/archives/C1/p12"])
def test_a_comment_is_shown_as_it_was_typed_and_does_nothing(text: str, link: str | None) -> None:
    message = comment_message(Comment(THREAD, "1.2", "U1", text), THREAD, text, link)
    checked_blocks(message["blocks"], "message")
    elements = every(message["blocks"])
    # Only these types can be rendered as anything but their text.
    assert {element["type"] for element in elements if "type" in element} <= {
        "rich_text",
        "rich_text_section",
        "rich_text_quote",
        "text",
        "link",
    }
    assert [element["url"] for element in elements if element.get("type") == "link"] == ([link] if link else [])
    [quote] = [element for element in elements if element.get("type") == "rich_text_quote"]
    assert quote["elements"] == [{"type": "text", "text": text}]
    # Slack reads markup in it.
    assert not set(message["text"]) & set("<>&@*`")
    assert "evil" not in message["text"]
    assert message["unfurl_links"] is message["unfurl_media"] is False


def test_admins_see_who_said_it_and_of_which_answer() -> None:
    comment = Comment(THREAD, "1.2", "U1", "Too long.")
    known = comment_message(comment, THREAD, "Ben", "https://x.example/p12")
    unknown = comment_message(comment, THREAD, None, None)
    assert "Ben (U1)" in str(known)
    assert "https://x.example/p12" in str(known)
    assert "U1" in str(unknown)
    assert "C1" in str(unknown)
    assert "1.2" in str(unknown)

"""The form for a comment, held against the sandbox's strict views, and what comes back from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incoming import Thread
from bot.sandbox.slack.blocks import checked as checked_blocks
from bot.sandbox.slack.views import checked
from bot.views.feedback import INPUT, form, read_form, sorry

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
def test_a_form_of_something_else_is_none(about: object) -> None:
    assert read_form({**SENT, "private_metadata": about}, "T1") is None


@pytest.mark.parametrize("value", [None, "", "  \n", 7, ["x"]])
def test_no_words_are_no_comment(value: object) -> None:
    assert read_form({**SENT, "state": {"values": {INPUT: {INPUT: {"value": value}}}}}, "T1") is None


@given(anything, anything)
def test_anything_is_read(about: object, state: object) -> None:
    read_form({"private_metadata": about, "state": state}, "T1")
    read_form(about, "T1")

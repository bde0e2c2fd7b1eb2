from typing import Any

import pytest

from workers.claude import Answer
from workers.reply import CATEGORIES, CUT_SHORT, NO_TEXT, PAUSED, REFUSED, TOO_LONG, closed

PLAIN = {"hidden": False, "failed": False, "continuable": False, "outgrown": False}


def ended(stop_reason: str, text: str = "So far.", **more: Any) -> dict[str, object]:
    return closed(Answer(text, "claude-sonnet-5-5", stop_reason, **more))


@pytest.mark.parametrize("stop_reason", ["end_turn", "stop_sequence"])
def test_an_answer_that_is_complete_is_shown_and_remembered_as_it_is(stop_reason: str) -> None:
    assert ended(stop_reason, "Done.\n") == {"text": "Done.", "said": "Done.", **PLAIN}


@pytest.mark.parametrize(("stop_reason", "note"), [("max_tokens", CUT_SHORT), ("pause_turn", PAUSED)])
def test_an_answer_that_was_cut_short_says_so_and_how_to_go_on(stop_reason: str, note: str) -> None:
    assert ended(stop_reason) == {**PLAIN, "text": f"So far.\n\n{note}", "said": "So far.", "continuable": True}


@pytest.mark.parametrize("category", [None, "a category of tomorrow"])
def test_a_refusal_is_told_and_kept_out_of_later_prompts(category: str | None) -> None:
    plain = REFUSED.format(why="")
    assert ended("refusal", "", category=category) == {**PLAIN, "text": plain, "said": plain, "hidden": True}
    assert ended("refusal")["text"] == f"So far.\n\n_{plain}_"


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_refusal_says_why_where_the_category_is_known(category: str) -> None:
    told = ended("refusal", "", category=category, explanation="SECRET-DETAIL")["text"]
    assert told == REFUSED.format(why=CATEGORIES[category])


def test_a_thread_that_is_too_long_is_told_to_start_anew() -> None:
    assert ended("model_context_window_exceeded", "") == {**PLAIN, "text": TOO_LONG, "said": TOO_LONG, "outgrown": True}


@pytest.mark.parametrize("stop_reason", ["end_turn", "max_tokens", "tool_use", "pause_turn", "compaction"])
def test_an_answer_without_text_is_not_silence(stop_reason: str) -> None:
    assert ended(stop_reason, "  \n")["text"] == NO_TEXT

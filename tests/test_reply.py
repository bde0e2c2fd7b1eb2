import pytest

from workers.claude import Answer
from workers.reply import CUT_SHORT, NO_TEXT, REFUSED, TOO_LONG, closed


def ended(stop_reason: str, text: str = "So far.") -> dict[str, object]:
    return closed(Answer(text, "claude-sonnet-5-5", stop_reason))


@pytest.mark.parametrize("stop_reason", ["end_turn", "stop_sequence"])
def test_an_answer_that_is_complete_is_shown_and_remembered_as_it_is(stop_reason: str) -> None:
    assert ended(stop_reason, "Done.\n") == {"text": "Done.", "said": "Done.", "hidden": False, "failed": False}


def test_an_answer_that_was_cut_short_says_so_and_how_to_go_on() -> None:
    assert ended("max_tokens") == {
        "text": f"So far.\n\n{CUT_SHORT}",
        "said": "So far.",
        "hidden": False,
        "failed": False,
    }


def test_a_refusal_is_told_and_kept_out_of_later_prompts() -> None:
    assert ended("refusal", "") == {"text": REFUSED, "said": REFUSED, "hidden": True, "failed": False}
    assert ended("refusal")["text"] == f"So far.\n\n_{REFUSED}_"


def test_a_thread_that_is_too_long_is_told_to_start_anew() -> None:
    assert ended("model_context_window_exceeded", "")["text"] == TOO_LONG


@pytest.mark.parametrize("stop_reason", ["end_turn", "max_tokens", "tool_use"])
def test_an_answer_without_text_is_not_silence(stop_reason: str) -> None:
    assert ended(stop_reason, "  \n")["text"] == NO_TEXT

from typing import Any

import pytest

from bot.models import Usage
from bot.store.threads.replies import Final
from workers.claude.client import ClaudeAnswer
from workers.endings import (
    CATEGORIES,
    CUT_SHORT,
    NO_ROOM,
    NO_TEXT,
    PAUSED,
    REFUSED,
    STOPPED,
    TOO_LONG,
    answered,
    failed,
    note,
    stopped,
)


def ended(stop_reason: str, text: str = "So far.", **more: Any) -> Final:
    return answered(ClaudeAnswer(text, "claude-sonnet-5-5", stop_reason, **more), "ab12")


@pytest.mark.parametrize("stop_reason", ["end_turn", "stop_sequence"])
def test_an_answer_that_is_complete_is_shown_and_remembered_as_it_is(stop_reason: str) -> None:
    assert ended(stop_reason, "Done.\n") == Final("Done.", outcome="answer", has_buttons=True)
    assert ended(stop_reason, "Done.\n").remembered == "Done."


@pytest.mark.parametrize(("stop_reason", "note"), [("max_tokens", CUT_SHORT), ("pause_turn", PAUSED)])
def test_an_answer_that_was_cut_short_says_so_and_how_to_go_on(stop_reason: str, note: str) -> None:
    assert ended(stop_reason) == Final(
        f"So far.\n\n{note}", "So far.", outcome="answer", continuable=True, has_buttons=True
    )


@pytest.mark.parametrize("category", [None, "a category of tomorrow", ["no text"]])
def test_a_refusal_is_told_and_kept_out_of_later_prompts(category: Any) -> None:
    plain = REFUSED.format(why="")
    assert ended("refusal", "", category=category) == Final(plain, outcome="refusal", hidden=True, has_buttons=True)
    assert ended("refusal").text == f"So far.\n\n_{plain}_"


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_refusal_says_why_where_the_category_is_known(category: str) -> None:
    told = ended("refusal", "", category=category).text
    assert told == REFUSED.format(why=CATEGORIES[category])


@pytest.mark.parametrize(
    ("explanation", "shown"),
    [("It could\nenable harm.", "\n\n> It could enable harm."), (None, ""), ("", ""), (["no text"], "")],
)
def test_a_refusal_is_told_with_claudes_explanation_in_one_line(explanation: Any, shown: str) -> None:
    plain = REFUSED.format(why="")
    assert ended("refusal", "", explanation=explanation).text == f"{plain}{shown}"
    assert ended("refusal", explanation=explanation).text == f"So far.\n\n_{plain}_{shown}"


def test_an_explanation_without_an_end_is_cut() -> None:
    assert len(ended("refusal", "", explanation="word " * 1_000).text) < 500


def test_a_thread_that_is_too_long_is_told_to_start_anew() -> None:
    told = TOO_LONG.format(ref="ab12")
    assert ended("model_context_window_exceeded", "") == Final(told, outcome="answer", has_buttons=True)


@pytest.mark.parametrize("stop_reason", ["end_turn", "tool_use", "pause_turn", "compaction", "a reason of tomorrow"])
def test_an_answer_without_text_is_not_silence(stop_reason: str) -> None:
    assert ended(stop_reason, "  \n").text == NO_TEXT.format(ref="ab12")


def test_an_answer_that_was_all_thinking_says_that_it_reached_its_length_limit() -> None:
    assert ended("max_tokens", "  \n").text == NO_ROOM.format(ref="ab12")


def test_what_was_written_before_a_stop_stays_and_can_be_gone_on_with() -> None:
    assert stopped("So far.\n", "Ada") == Final(
        "So far.", outcome="stop", stopped_by="Ada", continuable=True, has_buttons=True
    )
    assert stopped("", "") == Final(STOPPED, outcome="stop", stopped_by="", has_buttons=True)


def test_what_was_written_before_a_failure_stays_above_its_sentence() -> None:
    assert failed("So far. ", "It broke.") == Final("So far.\n\n_It broke._", outcome="error")
    assert failed("", "It broke.") == Final("It broke.", outcome="error")


def test_another_model_than_the_one_asked_is_told() -> None:
    asked, other = "claude-sonnet-5-5", "claude-opus-5-5"
    assert note(ClaudeAnswer("Hi", asked, "end_turn", asked), full=False) is None
    assert note(ClaudeAnswer("Hi", other, "end_turn", asked), full=False) == "Answered by Claude Opus 5.5"
    assert note(ClaudeAnswer("Hi", "claude-haiku-4-5-20251001", "end_turn", "claude-haiku-4-5"), full=False) is None


def test_the_small_print_tells_tokens_and_cost_as_far_as_they_are_known() -> None:
    model = "claude-sonnet-5-5"
    usage = (Usage(model, input=1_000, read=1_000, output=200), Usage(model, output=100))
    assert note(ClaudeAnswer("Hi", model, "end_turn", model, usage), full=True) == (
        "Claude Sonnet 5.5 · 2,000 tokens in, 300 out · $0.0051"
    )
    guessed = (Usage(model, input=1_000, output=10, estimated=True),)
    assert note(ClaudeAnswer("Hi", model, "end_turn", model, guessed), full=True) == (
        "Claude Sonnet 5.5 · about 1,000 tokens in, 10 out · about $0.0021"
    )
    unknown = (Usage("claude-of-tomorrow", input=10, output=10),)
    assert note(ClaudeAnswer("Hi", "claude-of-tomorrow", "end_turn", "", unknown), full=True) == (
        "claude-of-tomorrow · 10 tokens in, 10 out"
    )


@pytest.mark.parametrize("blank", ["\n" * 30_000, "\u200b\n\u2060", "\u00a0", "\u3000", "&nbsp;\n", "\ufeff", "\x00"])
def test_an_answer_of_blanks_alone_ends_as_one_without_a_word(blank: str) -> None:
    assert ended("end_turn", blank) == Final(NO_TEXT.format(ref="ab12"), outcome="answer", has_buttons=True)
    assert ended("max_tokens", blank) == ended("max_tokens", "")
    assert ended("refusal", blank) == ended("refusal", "")
    assert stopped(blank, "ada") == stopped("", "ada")
    assert failed(blank, "Sorry.") == failed("", "Sorry.")

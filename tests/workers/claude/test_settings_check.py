"""What `parley check` says about the models and the settings that go with them."""

from datetime import date
from typing import Any

import pytest

from bot.settings import Settings
from workers.claude.settings_check import findings

TODAY = date(2026, 11, 21)


def said(model: str = "claude-sonnet-5-5", *, today: date = TODAY, **settings: Any) -> list[str]:
    return [str(finding) for finding in findings(Settings(model=model, **settings), today)]


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-2"])
def test_a_current_model_with_the_defaults_is_well(model: str) -> None:
    assert said(model) == []


def test_a_retired_model_fails() -> None:
    [line] = said("claude-opus-4-1")
    assert line.startswith("FAIL  Model: MODEL=claude-opus-4-1 answers nobody")
    assert "2026-08-05" in line


def test_a_model_that_retires_is_a_warning_until_its_day() -> None:
    [line] = said("claude-sonnet-4-5")
    assert line == "warn  Model: MODEL=claude-sonnet-4-5 retires on 2026-11-30: choose another before."
    [line] = said("claude-sonnet-4-5", today=date(2026, 11, 30))
    assert line.startswith("FAIL")


@pytest.mark.parametrize("model", ["claude-opus-4-5", "claude-opus-4-5-20251101"])
def test_what_the_sdk_lists_as_deprecated_is_a_warning_until_its_day(model: str) -> None:
    [line] = said(model, today=date(2027, 1, 21))
    assert line == f"warn  Model: MODEL={model} retires on 2027-01-22: choose another before."
    [line] = said(model, today=date(2027, 1, 22))
    assert line.startswith("FAIL")


def test_an_unknown_model_is_a_warning_with_what_is_taken_for_granted() -> None:
    [line] = said("claude-tanka-6")
    assert line.startswith("warn")
    assert "200,000" in line
    assert "cost" in line


def test_a_model_without_prices_is_a_warning() -> None:
    [line] = said("claude-mythos-5-2")
    assert line == "warn  Model: MODEL=claude-mythos-5-2: what it costs is not known."


@pytest.mark.parametrize(
    ("model", "effort", "told"),
    [
        ("claude-haiku-4-5", "high", "EFFORT=high does nothing on claude-haiku-4-5: it knows no efforts."),
        ("claude-opus-4-5", "max", "EFFORT=max does nothing on claude-opus-4-5: it knows low, medium and high."),
    ],
)
def test_an_effort_that_the_model_does_not_know(model: str, effort: str, told: str) -> None:
    assert [line for line in said(model, effort=effort) if "retires" not in line] == [f"warn  Model: {told}"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "told"),
    [
        ("claude-opus-5-5", None, "off", "THINKING=off does nothing: claude-opus-5-5 cannot do without."),
        (
            "claude-opus-5",
            "max",
            "off",
            "THINKING=off does nothing: claude-opus-5 cannot do without at EFFORT=max, only at low, medium and high.",
        ),
    ],
)
def test_thinking_that_cannot_be_off(model: str, effort: str | None, thinking: str, told: str) -> None:
    assert said(model, effort=effort, thinking=thinking) == [f"warn  Model: {told}"]


def test_thinking_of_a_stranger_cannot_be_shown() -> None:
    assert said("claude-tanka-6", thinking="summarized")[1:] == [
        "warn  Model: THINKING=summarized does nothing on claude-tanka-6."
    ]


def test_room_for_the_answer() -> None:
    assert said("claude-haiku-4-5", max_tokens=100_000) == [
        "warn  Model: MAX_TOKENS=100000 is cut to 64,000, the most of claude-haiku-4-5."
    ]
    [line] = said(max_tokens=500)
    assert line.startswith("warn  Model: MAX_TOKENS=500 is little for claude-sonnet-5-5")
    assert said("claude-haiku-4-5", max_tokens=500) == []
    assert said(thinking="off", max_tokens=500) == []
    [line] = said("claude-haiku-4-5", thinking="summarized", max_tokens=1_024)
    assert line.startswith("FAIL  Model: MAX_TOKENS must be more than 1,024")


def test_the_fallback_must_exist_and_differ() -> None:
    assert said(fallback_model="claude-haiku-5-5") == []
    assert said(fallback_model="claude-sonnet-5-5") == [
        "warn  Model: FALLBACK_MODEL is the same as MODEL, so it helps nobody."
    ]
    [line] = said(fallback_model="claude-opus-4-1")
    assert line.startswith("FAIL  Model: FALLBACK_MODEL=claude-opus-4-1 answers nobody")
    [line] = said(fallback_model="claude-tanka-6")
    assert line.startswith("warn  Model: FALLBACK_MODEL=claude-tanka-6 is not in Parley's list")

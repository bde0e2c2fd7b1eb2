"""What a failure is, without anybody who fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.claude.answer import NoAnswer
from workers.claude.failures import (
    BAD_KEY,
    BILLING,
    NO_API,
    NOT_ACCEPTED,
    NOT_NOW,
    OVERLOADED,
    SENTENCES,
    SPENT,
    TOO_LARGE,
    TOO_MANY,
    UNREACHABLE,
    Failure,
    Patience,
    code_of,
    retry_after,
)

PATIENCE = Patience()
NOW = 1_800_000_000.0
TYPES = [*SENTENCES, "a type of tomorrow", None]
failures = st.builds(
    Failure,
    name=st.just("X"),
    status=st.none() | st.sampled_from([200, 400, 401, 403, 404, 408, 409, 413, 429, 500, 503, 529]),
    type=st.sampled_from(TYPES),
    code=st.none() | st.sampled_from(["contract_spend_limit_reached", "ramp_limit_exceeded"]),
    should_retry=st.none() | st.sampled_from(["true", "false", "maybe"]),
    lost=st.booleans(),
    timed_out=st.booleans(),
)


@given(failures)
def test_what_must_not_be_tried_again_is_not(failure: Failure) -> None:
    spent = failure.code == "contract_spend_limit_reached"
    stays = failure.status in (400, 401, 403, 404, 413) and failure.should_retry != "true"
    if spent or stays or failure.should_retry == "false":
        assert not failure.is_transient


@given(failures)
def test_every_failure_has_one_sentence_for_people(failure: Failure) -> None:
    assert failure.sentence.endswith(".")
    assert failure.sentence[0].isupper()
    assert "error" not in failure.sentence.lower()
    assert failure.kind


@pytest.mark.parametrize("kind", [None, "a type of tomorrow"])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (200, NOT_NOW),
        (400, NOT_ACCEPTED),
        (401, BAD_KEY),
        (402, BILLING),
        (403, BAD_KEY),
        (404, NO_API),
        (408, NOT_NOW),
        (409, NOT_NOW),
        (413, TOO_LARGE),
        (422, NOT_ACCEPTED),
        (429, TOO_MANY),
        (502, OVERLOADED),
    ],
)
def test_a_failure_without_a_known_type_is_told_by_its_status(status: int, sentence: str, kind: str | None) -> None:
    """A proxy's page has none."""
    assert Failure("X", status, kind).sentence == sentence


@pytest.mark.parametrize("kind", [None, "request_too_large"])
def test_a_request_that_is_not_taken_is_known_by_its_status(kind: str | None) -> None:
    assert NoAnswer.of(Failure("X", 413, kind)).is_refused
    assert not NoAnswer.of(Failure("X", 502, kind)).is_refused
    assert not NoAnswer("deadline", "Too slow.").is_refused


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_status_that_passes_is_tried_again(status: int) -> None:
    assert Failure("X", status).is_transient
    assert not Failure("X", status, should_retry="false").is_transient


def test_a_growth_limit_passes_and_a_spend_limit_stays() -> None:
    assert Failure("X", 429, "rate_limit_error", "ramp_limit_exceeded").is_transient
    assert not Failure("X", 429, "rate_limit_error", "enforced_spend_limit_reached", should_retry="true").is_transient
    assert Failure("X", 429, "rate_limit_error", "enforced_spend_limit_reached").sentence == SPENT


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("You have reached your specified API usage limits. You will regain access on 2026-12-01.", SPENT),
        ("You have reached your specified workspace API usage limits.", SPENT),
        ("Your credit balance is too low to access the Anthropic API.", BILLING),
        ("prompt is too long: 210000 tokens > 200000 maximum", TOO_LARGE),
        ("messages: at least one message is required", NOT_ACCEPTED),
        (None, NOT_ACCEPTED),
    ],
)
def test_a_400_that_says_in_words_only_what_it_is_is_known_by_them(message: str | None, sentence: str) -> None:
    failure = Failure("X", 400, "invalid_request_error", code_of(message))
    assert failure.sentence == sentence
    assert not failure.is_transient
    assert NoAnswer.of(failure).is_refused == (sentence in (TOO_LARGE, NOT_ACCEPTED))


def test_a_lost_connection_is_no_outage_of_the_model() -> None:
    assert not Failure("ReadError", lost=True).is_outage
    assert Failure("ReadError", lost=True).sentence == UNREACHABLE
    assert Failure("X", 200, "overloaded_error").is_outage
    assert not Failure("X", 429, "rate_limit_error").is_outage


def test_what_can_be_waited_for_is_told_in_seconds() -> None:
    assert Failure("X", 529).waiting(12.3) == "Claude is overloaded, next try in 12 s"
    assert Failure("X", lost=True).waiting(4.0) == "Claude cannot be reached, next try in 4 s"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("inf", float("inf")),
        ("nan", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("Mon, 32 Foo 2026 25:00:00 GMT", None),
        ("Mon, 99999999999 Jan 2026 00:00:00 GMT", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.none() | st.floats(0), st.integers(1, 1000), st.floats(0, 60), st.floats(0, 600))
def test_no_wait_is_longer_than_the_cap(asked: float | None, attempt: int, base: float, cap: float) -> None:
    assert 0 <= Patience(backoff_seconds=base, backoff_cap_seconds=cap).backoff(asked, attempt) <= cap


def test_a_retry_after_that_is_over_lets_nobody_try_at_once() -> None:
    assert max(PATIENCE.backoff(0.0, 3) for _ in range(500)) > 2


def test_the_back_off_doubles_with_full_jitter() -> None:
    longest = [max(PATIENCE.backoff(None, attempt) for _ in range(500)) for attempt in range(1, 9)]
    for attempt, wait in enumerate(longest, 1):
        assert 0.9 * min(60.0, 2.0 ** (attempt - 1)) < wait <= min(60.0, 2.0 ** (attempt - 1))
    assert min(PATIENCE.backoff(None, 8) for _ in range(500)) < 3

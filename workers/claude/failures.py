"""Failures of calls to Claude: whether another attempt can help, how long to wait, and what people are told.

https://platform.claude.com/docs/en/api/errors
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

TRANSIENT_TYPES = {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}
TRANSIENT_STATUSES = {408, 409, 429}
# Our own codes for 400s that only the words of the message tell from other 400s.
TOO_LONG, USED_UP, NO_CREDIT = "prompt_too_long", "usage_limit_reached", "credit_too_low"
# Our own code for an answer that is well by its status and not Claude's, like a page for people.
NOT_CLAUDE = "not_claude"
WORDS = {"prompt is too long": TOO_LONG, "api usage limits": USED_UP, "credit balance is too low": NO_CREDIT}
# The money is spent: waiting does not help, though some of these are 429s.
SPEND_LIMITS = {"contract_spend_limit_reached", "enforced_spend_limit_reached", USED_UP, NO_CREDIT}

OVERLOADED = "Claude is overloaded right now. Please ask again in a minute."
NOT_NOW = "Claude could not answer just now. Please ask again in a minute."
NOT_ACCEPTED = "Claude did not accept the question in this form. Please rephrase it, or start a new thread."
TOO_SLOW = "Claude took too long to answer. Please ask again, perhaps for less at once."
UNREACHABLE = "Claude cannot be reached right now. Please ask again in a minute."
SPENT = "The Claude account has reached its spend limit. Whoever runs Parley can raise it in the Console."
BAD_KEY = (
    "Claude refuses the API key, so nobody can be answered. Whoever runs Parley must correct `ANTHROPIC_API_KEY` in "
    "`.env`, or the token or profile that stands for it."
)
BAD_CREDENTIALS = (
    "Parley has no valid credentials for Claude, so nobody can be answered. Whoever runs Parley must correct "
    "`ANTHROPIC_PROFILE` or set `ANTHROPIC_API_KEY` in `.env`."
)
NO_MODEL = (
    "The model is not available to this API key. Whoever runs Parley must correct `MODEL` in `.env`, or an admin must "
    "choose another with `/parley model`."
)
NO_API = (
    "There is no Claude at the address that is set. Whoever runs Parley must correct `ANTHROPIC_BASE_URL` in `.env`."
)
BILLING = "The Claude account has a billing problem. Whoever runs Parley must look at the Claude Console."
TOO_LARGE = "That is more than Claude can read at once. Please send less, or start a new thread."
TOO_MANY = "Too many questions at once for this Claude account. Please ask again in a minute."
SENTENCES = {
    "invalid_request_error": NOT_ACCEPTED,
    "authentication_error": BAD_KEY,
    "permission_error": BAD_KEY,
    "not_found_error": NO_MODEL,
    "billing_error": BILLING,
    "request_too_large": TOO_LARGE,
    "rate_limit_error": TOO_MANY,
    "overloaded_error": OVERLOADED,
    "api_error": OVERLOADED,
    "timeout_error": OVERLOADED,
}
CODE_SENTENCES = {**dict.fromkeys(SPEND_LIMITS, SPENT), NO_CREDIT: BILLING, TOO_LONG: TOO_LARGE, NOT_CLAUDE: NO_API}
# For responses without a known error type: a proxy's page, an `error` event of tomorrow.
STATUS_SENTENCES = {
    200: NOT_NOW,
    401: BAD_KEY,
    402: BILLING,
    403: BAD_KEY,
    404: NO_API,
    408: NOT_NOW,
    409: NOT_NOW,
    413: TOO_LARGE,
    429: TOO_MANY,
}


@dataclass(frozen=True)
class Failure:
    """A failed attempt. `status` is None without a response, and 200 for an `error` event inside of a stream.

    `name` is the exception's. `type`, `code` (error.details.error_code, or one of ours), `retry_after` and
    `should_retry` are the server's words; `lost` means that the connection failed or ended early, `timed_out` that
    nothing came for too long.
    """

    name: str
    status: int | None = None
    type: str | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: str | None = None
    should_retry: str | None = None
    lost: bool = False
    timed_out: bool = False

    @property
    def kind(self) -> str:
        """A short name for the log."""
        if self.status is None:
            return self.name
        return "/".join(filter(None, (str(self.status), self.type, self.code)))

    @property
    def is_transient(self) -> bool:
        """Whether another attempt can help. Not after a spend limit, though it is a 429; else `x-should-retry` decides.

        An error inside of a stream has the status 200, so its type decides.
        """
        if self.is_spent:
            return False
        if self.should_retry in ("true", "false"):
            return self.should_retry == "true"
        if self.status is None:
            return self.lost or self.timed_out
        if self.status == 200:
            return self.type in TRANSIENT_TYPES
        return self.status in TRANSIENT_STATUSES or self.status >= 500

    @property
    def is_spent(self) -> bool:
        """Whether the account may spend no more, whatever the request is."""
        return self.code in SPEND_LIMITS

    @property
    def is_outage(self) -> bool:
        """Whether the model is overloaded or broken, for everybody who asks it."""
        return (self.status or 0) >= 500 or self.type in ("overloaded_error", "api_error")

    @property
    def sentence(self) -> str:
        """Tells people what happened, and what they can do."""
        if self.code in CODE_SENTENCES:
            return CODE_SENTENCES[self.code]
        if self.status is not None:
            by_status = STATUS_SENTENCES.get(self.status, _of_status_class(self.status))
            return SENTENCES.get(str(self.type), by_status)
        if self.timed_out:
            return TOO_SLOW
        return UNREACHABLE if self.lost else BAD_CREDENTIALS

    def waiting(self, seconds: float) -> str:
        """The status of the thread while the next attempt is `seconds` away."""
        if self.is_outage:
            what = "Claude is overloaded"
        elif self.status == 429 or self.type == "rate_limit_error":
            what = "Claude is asked too much at once"
        else:
            what = "Claude cannot be reached"
        return f"{what}, next try in {seconds:.0f} s"


def _of_status_class(status: int) -> str:
    if status >= 500:
        return OVERLOADED
    # Redirects are not followed: the key would go wherever they lead.
    return NO_API if 300 <= status < 400 else NOT_ACCEPTED


def code_of(message: object) -> str | None:
    """Our code for the message of a 400."""
    return next((code for words, code in WORDS.items() if words in str(message).lower()), None)


def retry_after(value: str | None, now: float) -> float | None:
    """The seconds that a `retry-after` header, a number or an HTTP date, asks to wait. None if it cannot be read."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    if math.isnan(seconds):
        return None
    return max(0.0, seconds)


@dataclass(frozen=True)
class Patience:
    """How long to wait for Claude, in seconds, and how many attempts to make.

    `idle_seconds` is the longest silence of a stream before the attempt counts as failed. The back-off before the
    second attempt is `backoff_seconds` at most; it doubles for each further one.
    """

    connect_seconds: float = 10.0
    idle_seconds: float = 90.0
    attempts: int = 5
    backoff_seconds: float = 1.0
    backoff_cap_seconds: float = 60.0

    def backoff(self, retry_after: float | None, attempt: int) -> float:
        """Seconds to wait after the attempt with this number: Retry-After, else exponential with full jitter.

        It is never more than the cap, because people wait and the attempts are few. A Retry-After of 0, which an HTTP
        date in the past becomes if our clock is ahead, counts as none.
        """
        cap = self.backoff_cap_seconds
        if retry_after:
            return min(retry_after, cap)
        return random.uniform(0, min(cap, self.backoff_seconds * 2.0 ** (attempt - 1)))


class AttemptFailed(Exception):
    """An attempt failed. `headers` are those of the response, if there was one."""

    def __init__(self, failure: Failure, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(failure.kind)
        self.failure = failure
        self.headers = headers or {}

"""One streamed answer from Claude: retries, error classes, stop reasons. Nothing else imports anthropic."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2

from bot.settings import Settings

log = logging.getLogger("parley.claude")

TRANSIENT_TYPES = {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}
TRANSIENT_STATUSES = {408, 409, 429}
SPEND_LIMITS = (anthropic.ContractSpendLimitReachedError, anthropic.EnforcedSpendLimitReachedError)


OVERLOADED = "Claude is overloaded right now. Please ask again in a minute."
NOT_ACCEPTED = "Claude did not accept the question in this form. Please rephrase it, or start a new thread."
SPENT = "The Claude account has reached its spend limit. Whoever runs Parley can raise it in the Console."
BAD_KEY = (
    "Claude refuses the API key, so nobody can be answered. Whoever runs Parley must correct `ANTHROPIC_API_KEY` in "
    "`.env`."
)
SENTENCES = {
    "authentication_error": BAD_KEY,
    "permission_error": BAD_KEY,
    "not_found_error": (
        "The model is not available to this API key. Whoever runs Parley must correct `MODEL` in `.env`."
    ),
    "billing_error": "The Claude account has a billing problem. Whoever runs Parley must look at the Claude Console.",
    "request_too_large": "That is more than Claude can read at once. Please send less, or start a new thread.",
    "rate_limit_error": "Too many questions at once for this Claude account. Please ask again in a minute.",
    "overloaded_error": OVERLOADED,
    "api_error": OVERLOADED,
    "timeout_error": OVERLOADED,
}


@dataclass(frozen=True)
class Answer:
    """What Claude said. Times are in seconds from the first attempt; `usage` counts the last attempt's tokens."""

    text: str
    model: str
    stop_reason: str
    usage: dict[str, int] = field(default_factory=dict)
    request_id: str | None = None
    attempts: int = 1
    first_text: float = 0.0
    total: float = 0.0


class Unanswered(Exception):
    """No answer was to be had. `sentence` tells people what happened and what they can do; `kind` is for operators."""

    def __init__(self, kind: str, sentence: str, request_id: str | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sentence = sentence
        self.request_id = request_id


class _CutOff(Exception):
    """The stream ended without `message_stop`: the SDK calls that a success."""


class Claude:
    def __init__(self, settings: Settings) -> None:
        self._attempts = settings.claude_attempts
        self._base = settings.claude_backoff_seconds
        self._cap = settings.claude_backoff_cap_seconds
        idle = settings.claude_idle_seconds
        self._deadline = settings.answer_seconds
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.anthropic_api_key,
            auth_token=None if settings.anthropic_api_key else settings.anthropic_auth_token,
            base_url=settings.anthropic_base_url,
            # `read` is the longest silence; a ping ends it, so a model that thinks for long is not cut off.
            timeout=anthropic.Timeout(connect=min(10.0, idle), read=idle, write=30.0, pool=10.0),
            max_retries=0,
            http_client=anthropic.DefaultAioHttpClient(),
        )

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, request: Mapping[str, Any], on_text: Callable[[str], None]) -> Answer:
        """Stream an answer; `on_text` gets all the text so far, from the start again after a failed attempt.

        Raises Unanswered. The SDK's own retries are off: it obeys a Retry-After of any length and retries nothing once
        a stream has begun.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._deadline):
                for attempt in range(1, self._attempts + 1):
                    try:
                        return await self._stream(request, on_text, began, attempt)
                    except (anthropic.APIError, httpx2.TransportError, _CutOff, TimeoutError) as error:
                        if not is_transient(error) or attempt == self._attempts:
                            raise unanswered(error) from error
                        wait = self._wait(error, attempt)
                        log.warning(
                            "attempt failed error=%s request_id=%s attempt=%d wait=%.1f",
                            *(kind(error), getattr(error, "request_id", None), attempt, wait),
                        )
                    await asyncio.sleep(wait)
        except TimeoutError as error:
            raise unanswered(error) from error
        raise AssertionError("the last attempt returns or raises")

    async def model_name(self, model: str) -> str:
        """Its display name. Raises Unanswered: the key or the model is wrong, or Claude cannot be reached."""
        try:
            return (await self._client.models.retrieve(model)).display_name
        except anthropic.APIError as error:
            raise unanswered(error) from error

    async def _stream(
        self, request: Mapping[str, Any], on_text: Callable[[str], None], began: float, attempt: int
    ) -> Answer:
        text: list[str] = []
        usage: dict[str, int] = {}
        model, stop_reason, first_text, complete = str(request["model"]), "", 0.0, False
        stream = await self._client.messages.create(**request, stream=True)
        async with stream:
            async for event in stream:
                match event.type:
                    case "message_start":
                        model = event.message.model
                        usage |= _counts(event.message.usage)
                    case "content_block_delta" if event.delta.type == "text_delta":
                        first_text = first_text or time.monotonic() - began
                        text.append(event.delta.text)
                        on_text("".join(text))
                    case "message_delta":
                        stop_reason = event.delta.stop_reason or ""
                        usage |= _counts(event.usage)
                    case "message_stop":
                        complete = True
        if not complete or not stop_reason:
            raise _CutOff
        request_id = stream.response.headers.get("request-id")
        return Answer(
            "".join(text), model, stop_reason, usage, request_id, attempt, first_text, time.monotonic() - began
        )

    def _wait(self, error: Exception, attempt: int) -> float:
        """Exponential back-off with full jitter; Slack readers wait, so a Retry-After counts up to the cap only."""
        asked = retry_after(error)
        if asked is not None:
            return min(asked, self._cap)
        return random.uniform(0, min(self._cap, self._base * 2 ** (attempt - 1)))


def is_transient(error: Exception) -> bool:
    """Whether another attempt can help. `x-should-retry` wins; a spend limit is a 429 that stays."""
    if isinstance(error, SPEND_LIMITS):
        return False
    if isinstance(error, anthropic.APIStatusError):
        asked = error.response.headers.get("x-should-retry")
        if asked in ("true", "false"):
            return bool(asked == "true")
        if error.status_code == 200:
            return error.type in TRANSIENT_TYPES
        return error.status_code in TRANSIENT_STATUSES or error.status_code >= 500
    return isinstance(error, anthropic.APIConnectionError | httpx2.TransportError | _CutOff | TimeoutError)


def retry_after(error: Exception) -> float | None:
    """Seconds that the server asked for: `retry-after` in seconds or as an HTTP date."""
    if not isinstance(error, anthropic.APIStatusError):
        return None
    value = error.response.headers.get("retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def kind(error: Exception) -> str:
    """A short name for the log."""
    if isinstance(error, anthropic.APIStatusError):
        return f"{error.status_code}/{error.type}"
    return type(error).__name__.strip("_")


def unanswered(error: Exception) -> Unanswered:
    """The sentence for people that belongs to the failure. Its type counts: an error inside a stream has status 200."""
    match error:
        case _ if isinstance(error, SPEND_LIMITS):
            sentence = SPENT
        case anthropic.APIStatusError():
            sentence = SENTENCES.get(str(error.type), OVERLOADED if error.status_code >= 500 else NOT_ACCEPTED)
        case TimeoutError() | anthropic.APITimeoutError():
            sentence = "Claude took too long to answer. Please ask again, perhaps for less at once."
        case _:
            sentence = "Claude cannot be reached right now. Please ask again in a minute."
    return Unanswered(kind(error), sentence, getattr(error, "request_id", None))


def _counts(usage: Any) -> dict[str, int]:
    """The token counts of a usage object; those of `message_delta` are cumulative and absent ones keep their value."""
    names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return {name: value for name in names if (value := getattr(usage, name, None)) is not None}

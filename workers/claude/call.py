"""One call to Claude: its attempts, its continuations after pauses, and what it billed so far.

https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from opentelemetry.trace import Span

from bot.models import Usage
from bot.settings import Settings
from bot.store.metrics import Metrics
from bot.talk.message import loggable
from workers.claude import call_log, fallback, tracing
from workers.claude.answer import CallObserver, ClaudeAnswer, NoAnswer, UsageObserver
from workers.claude.call_log import CallFigures, CallSubject
from workers.claude.failures import OVERLOADED, TOO_SLOW, AttemptFailed, Failure, Patience, retry_after
from workers.claude.gate import TOLD_SECONDS, BreakerOpen, Gate, Passage
from workers.claude.stream import StreamChange, StreamedMessage

log = logging.getLogger("parley.claude")

# How often one answer may resume after a pause or an unknown tool call.
MOST_CONTINUATIONS = 8
# How long to wait for the end of the response's body once the message is complete.
END_SECONDS = 1.0
DOWN = "Claude is overloaded, waiting until it answers again"
# Up to so many characters are shown at each word, more of them at most so often.
SHORT_CHARS = 10_000
LONG_SECONDS = 0.05
NO_TOOL = "There is no such tool here. Answer without it."


class EventStream(Protocol):
    """The events of one streamed message."""

    headers: Mapping[str, str]
    request_id: str | None

    async def next(self) -> Any:
        """The next event; None at the end of the body. Raises AttemptFailed."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class CallSetup:
    """What all calls of one client share. `send` sends a request and may raise AttemptFailed."""

    settings: Settings
    patience: Patience
    gate: Gate | None
    send: Callable[[Mapping[str, Any]], Awaitable[EventStream]]
    metrics: Metrics | None = None


class ClaudeCall:
    """One question put to Claude. `text` and `usage` are valid at any time, also after a cancellation or NoAnswer."""

    def __init__(
        self,
        setup: CallSetup,
        request: Mapping[str, Any],
        subject: CallSubject,
        observer: CallObserver,
        usage_observer: UsageObserver | None,
    ) -> None:
        self._settings = setup.settings
        self._patience = setup.patience
        self._gate = setup.gate
        self._send = setup.send
        self._metrics = setup.metrics
        self._subject = subject
        self._observer = observer
        self._usage_observer = usage_observer
        self._request = dict(request)
        # The text of the messages before the last pause.
        self._text_before = ""
        self._streamed: StreamedMessage | None = None
        self._unshown: set[StreamChange] = set()
        self._shown_at = 0.0
        self._billed: list[Usage] = []
        self._failures = 0
        self._seconds_shut = 0.0
        self._told = ""
        self._began = time.monotonic()
        self._figures = CallFigures(str(request["model"]))
        self.text = ""

    @property
    def usage(self) -> tuple[Usage, ...]:
        """Every billed piece so far; those of an attempt whose end never arrived are estimated."""
        if self._streamed is None:
            return tuple(self._billed)
        return (*self._billed, *self._streamed.usage)

    async def answer(self) -> ClaudeAnswer:
        """Raises NoAnswer. A cancellation closes the stream at once."""
        figures = self._figures
        limit = asyncio.timeout(self._settings.answer_seconds)
        with tracing.span("claude") as span:
            self._began = time.monotonic()
            try:
                async with limit:
                    return self._answered(await self._whole_message())
            except TimeoutError as error:
                figures.error = "deadline"
                if not limit.expired():
                    raise
                raise NoAnswer("deadline", TOO_SLOW, figures.request_id) from error
            except NoAnswer as unanswered:
                figures.error = unanswered.kind
                raise
            except asyncio.CancelledError:
                figures.error = "stopped"
                raise
            except Exception as error:
                figures.error = type(error).__name__
                raise
            finally:
                self._record(span)

    def _record(self, span: Span) -> None:
        """The call is over, well or not: log, trace, count and bill it."""
        figures = self._figures
        figures.total = self._elapsed()
        figures.usage = self.usage
        fields = call_log.log_fields(self._subject, figures, self._settings)
        tracing.describe(span, fields)
        call_log.record(fields)
        if self._metrics:
            call_log.count(self._metrics, figures)
        if self._usage_observer:
            self._usage_observer.add(figures.usage)

    async def _whole_message(self) -> StreamedMessage:
        """The last message of an answer, which takes one message, and one more after each pause."""
        while True:
            message = await self._message()
            continuation = continued(self._request, message)
            if continuation is None or self._figures.continuations == MOST_CONTINUATIONS:
                return message
            self._figures.continuations += 1
            self._text_before = self._whole(message)
            self._request = continuation
            self._settle()

    async def _message(self) -> StreamedMessage:
        """A complete message, after as many attempts as it takes. Raises NoAnswer."""
        while True:
            try:
                if self._gate is None:
                    return await self._attempt()
                async with self._gate.passage(self._request, self._tell) as passage:
                    return await self._attempt(passage)
            except BreakerOpen as breaker_open:
                await self._wait_for_model(breaker_open.seconds)
                continue
            except AttemptFailed as failed:
                failure = failed.failure
            self._figures.request_id = failure.request_id or self._figures.request_id
            self._settle()
            self._failures += 1
            if not failure.is_transient or self._failures >= self._patience.attempts:
                raise NoAnswer.of(failure)
            await self._back_off(failure)

    async def _attempt(self, passage: Passage | None = None) -> StreamedMessage:
        figures = self._figures
        figures.attempts += 1
        streamed = self._streamed = StreamedMessage(str(self._request["model"]))
        events = await self._send(self._request)
        figures.request_id = events.request_id
        try:
            while not streamed.is_complete:
                event = await events.next()
                if event is None:
                    break
                change = _taken(streamed, event, events.request_id)
                if event.type == "message_start":
                    await self._begin(events.headers, passage)
                if change:
                    self._show(streamed, change)
            await _end(events)
        finally:
            self._show(streamed, None)
            await events.close()
        if not streamed.is_complete:
            # The body ended without message_stop, which the SDK calls a success.
            raise AttemptFailed(Failure("CutOff", request_id=events.request_id, lost=True))
        return streamed

    async def _begin(self, headers: Mapping[str, str], passage: Passage | None) -> None:
        if passage:
            await passage.began(headers)
        if self._usage_observer:
            await self._usage_observer.began(self.usage)

    async def _back_off(self, failure: Failure) -> None:
        seconds = retry_after(failure.retry_after, time.time())
        if failure.is_outage and self._change_model():
            seconds = None
        wait = self._patience.backoff(seconds, self._failures)
        log.warning(
            "attempt failed thread=%s ts=%s ref=%s error=%s request_id=%s attempt=%d wait=%.1f model=%s",
            self._subject.thread,
            self._subject.ts,
            self._subject.ref,
            failure.kind,
            failure.request_id,
            self._figures.attempts,
            wait,
            self._request["model"],
        )
        if self._elapsed() + wait >= self._settings.answer_seconds:
            raise NoAnswer.of(failure)
        if wait > TOLD_SECONDS:
            self._tell(failure.waiting(wait))
        await asyncio.sleep(wait)

    async def _wait_for_model(self, seconds: float) -> None:
        """The breaker of the model is open: change to the fallback model, else wait, else give up. Raises NoAnswer."""
        if self._change_model():
            return
        self._seconds_shut += seconds
        if self._seconds_shut > self._patience.backoff_cap_seconds:
            raise NoAnswer("breaker", OVERLOADED)
        self._tell(DOWN)
        await asyncio.sleep(seconds)

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            self._observer.on_wait(sentence)

    def _change_model(self) -> bool:
        """Send further attempts to the fallback model. False if there is none, or if it cannot take the request."""
        settings = self._settings
        other = settings.fallback_model
        if other is None or other in ("off", self._request["model"]):
            return False
        request = fallback.fitted(self._request, other, settings.effort, settings.thinking)
        if request is None:
            return False
        self._request = request
        return True

    def _show(self, streamed: StreamedMessage, change: StreamChange) -> None:
        """Show what has changed. Of what is long not every word is shown by itself: all of it is copied each time."""
        if change:
            self._unshown.add(change)
        is_long = streamed.said > SHORT_CHARS
        if is_long and change and time.monotonic() - self._shown_at < LONG_SECONDS:
            return
        unshown, self._unshown = self._unshown, set()
        if "thought" in unshown:
            self._observer.on_thought(streamed.thought)
        if "text" in unshown:
            text = self._whole(streamed)
            self._figures.first_text = self._figures.first_text or self._elapsed()
            self.text = max(self.text, text, key=len)
            self._observer.on_text(text)
        self._shown_at = time.monotonic()

    def _whole(self, message: StreamedMessage) -> str:
        """The text before the last pause and of this message."""
        needs_gap = self._text_before and message.text and not self._text_before.endswith("\n")
        gap = "\n\n" if needs_gap else ""
        return f"{self._text_before}{gap}{message.text}"

    def _settle(self) -> None:
        """The attempt under way is over: keep what it billed."""
        if self._streamed:
            self._billed += self._streamed.usage
        self._streamed = None

    def _answered(self, message: StreamedMessage) -> ClaudeAnswer:
        figures = self._figures
        figures.model = message.model
        figures.stop_reason = loggable(message.stop_reason)
        figures.category = loggable(message.details.get("category"))
        figures.tool_errors = [str(loggable(code)) for code in message.tool_errors]
        return ClaudeAnswer(
            text=self._whole(message),
            model=message.model,
            stop_reason=message.stop_reason or "",
            asked_model=figures.asked_model,
            usage=self.usage,
            category=figures.category,
            explanation=message.details.get("explanation"),
            content=tuple(message.content),
            request_id=figures.request_id,
            attempts=figures.attempts,
            first_text=figures.first_text,
            total=self._elapsed(),
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def _taken(streamed: StreamedMessage, event: Any, request_id: str | None) -> StreamChange:
    """Raises AttemptFailed for an event that lacks what its type promises."""
    try:
        return streamed.take(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AttemptFailed(Failure("Unreadable", request_id=request_id, lost=True)) from error


async def _end(events: EventStream) -> None:
    """Read the body to its end, so that the connection can be reused. The answer is complete without it."""
    with suppress(AttemptFailed, TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            while await events.next() is not None:
                pass


def continued(request: Mapping[str, Any], message: StreamedMessage) -> dict[str, Any] | None:
    """The request that resumes the answer after `message` paused; None if it did not pause.

    After `pause_turn` the content goes back unchanged, without a new user turn. After `tool_use` each tool call needs a
    result; Parley has no tools of its own, so the result is that there is no such tool.
    """
    content = message.content
    calls = [block for block in content if block["type"] == "tool_use"]
    if message.stop_reason == "tool_use":
        is_paused = bool(calls)
    else:
        is_paused = message.stop_reason == "pause_turn" and bool(content)
    if not is_paused:
        return None
    *before, last = request["messages"]
    if last["role"] == "assistant":
        turns = [*before, {"role": "assistant", "content": [*last["content"], *content]}]
    else:
        turns = [*before, last, {"role": "assistant", "content": content}]
    if calls:
        results = [
            {"type": "tool_result", "tool_use_id": call.get("id"), "content": NO_TOOL, "is_error": True}
            for call in calls
        ]
        turns.append({"role": "user", "content": results})
    return {**request, "messages": turns}

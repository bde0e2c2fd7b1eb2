"""One answer of Claude: its attempts, its continuations, and what it cost so far.

https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from bot.models import Usage
from bot.settings import Settings
from bot.store.metrics import Metrics
from workers.claude import call_log as calls
from workers.claude import fallback, tracing
from workers.claude.call_log import CallFigures, CallSubject
from workers.claude.failures import OVERLOADED, TOO_SLOW, AttemptFailed, Failure, Patience, retry_after
from workers.claude.gate import TOLD_SECONDS, BreakerOpen, Gate, Passage
from workers.claude.stream import StreamChange, StreamedMessage

log = logging.getLogger("parley.claude")

# Pauses that are gone on from, and calls of tools that there are not, in one answer.
MOST_CONTINUATIONS = 8
# How long the end of a body is waited for behind a message that is complete.
END_SECONDS = 1.0
DOWN = "Claude is overloaded, waiting until it answers again"
NO_TOOL = "There is no such tool here. Answer without it."


@dataclass(frozen=True)
class ClaudeAnswer:
    """What Claude said. Times are in seconds from the first attempt.

    `model` served it, which after a fallback is not `asked_model`. `category` and `explanation` are a refusal's, and
    may be None for one too. `content` are the last message's blocks, `usage` all billed pieces.
    """

    text: str
    model: str
    stop_reason: str
    asked_model: str = ""
    usage: tuple[Usage, ...] = ()
    category: str | None = None
    explanation: str | None = None
    content: tuple[Mapping[str, Any], ...] = ()
    request_id: str | None = None
    attempts: int = 1
    first_text: float = 0.0
    total: float = 0.0


class NoAnswer(Exception):
    """No answer was to be had. `sentence` tells people what happened and what they can do; `kind` is for operators."""

    def __init__(self, kind: str, sentence: str, request_id: str | None = None, failure: Failure | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sentence = sentence
        self.request_id = request_id
        self.failure = failure

    @classmethod
    def of(cls, failure: Failure) -> "NoAnswer":
        return cls(failure.kind, failure.sentence, failure.request_id, failure)

    @property
    def is_refused(self) -> bool:
        """Whether it is the request that Claude did not take, for what is in it or for its size."""
        return self.failure is not None and self.failure.status in (400, 413) and not self.failure.is_spent


class EventStream(Protocol):
    """The events of one streamed message."""

    headers: Mapping[str, str]
    request_id: str | None

    async def next(self) -> Any:
        """The next event; None at the end of the body. Raises AttemptFailed."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class CallSetup:
    """What all calls of one client have in common. `send` sends a request and may raise AttemptFailed."""

    settings: Settings
    patience: Patience
    gate: Gate | None
    send: Callable[[Mapping[str, Any]], Awaitable[EventStream]]
    metrics: Metrics | None = None


class ClaudeCall:
    """One answer. `text` and `usage` are valid at any time, also after a cancellation and after NoAnswer."""

    def __init__(
        self,
        shared: CallSetup,
        request: Mapping[str, Any],
        on_text: Callable[[str], None],
        on_wait: Callable[[str], None],
        on_thought: Callable[[str], None],
        about: CallSubject,
    ) -> None:
        self._settings, self._patience = shared.settings, shared.patience
        self._gate, self._send, self._metrics = shared.gate, shared.send, shared.metrics
        self._about = about
        self._on_text, self._on_wait, self._on_thought = on_text, on_wait, on_thought
        self._request = dict(request)
        self._before = ""
        self._streamed: StreamedMessage | None = None
        self._billed: list[Usage] = []
        self._failures = 0
        self._shut = 0.0
        self._told = ""
        self._began = time.monotonic()
        self._figures = CallFigures(str(request["model"]))
        self.text = ""

    @property
    def usage(self) -> tuple[Usage, ...]:
        """Every billed piece so far, by model; those of an attempt whose end never arrived are estimated."""
        return (*self._billed, *(self._streamed.usage if self._streamed else ()))

    async def answer(self) -> ClaudeAnswer:
        """Raises NoAnswer. A cancellation closes the stream at once."""
        figures, limit = self._figures, asyncio.timeout(self._settings.answer_seconds)
        with tracing.span("claude") as span:
            self._began = time.monotonic()
            try:
                async with limit:
                    return self._answered(await self._turn())
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
                figures.total, figures.usage = self._elapsed(), self.usage
                fields = calls.told(self._about, figures, self._settings)
                tracing.describe(span, fields)
                calls.record(fields)
                if self._metrics:
                    calls.count(self._metrics, figures)
                if self._about.meter:
                    self._about.meter.add(figures.usage)

    async def _turn(self) -> StreamedMessage:
        """The messages that an answer takes: one, and one more after each pause."""
        while True:
            message = await self._message()
            further = continued(self._request, message)
            if further is None or self._figures.continuations == MOST_CONTINUATIONS:
                return message
            self._figures.continuations += 1
            self._before = self._whole(message)
            self._request = further
            self._settle()

    async def _message(self) -> StreamedMessage:
        """A complete message, after as many attempts as it takes. Raises NoAnswer."""
        while True:
            try:
                if self._gate is None:
                    return await self._attempt()
                async with self._gate.passage(self._request, self._tell) as passage:
                    return await self._attempt(passage)
            except BreakerOpen as shut:
                await self._wait_for_model(shut.seconds)
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
            while not streamed.is_complete and (event := await events.next()) is not None:
                change = _taken(streamed, event, events.request_id)
                if event.type == "message_start":
                    await self._begin(events.headers, passage)
                if change == "text":
                    self._show(self._whole(streamed))
                elif change == "thought":
                    self._on_thought(streamed.thought)
            await _end(events)
        finally:
            await events.close()
        if not streamed.is_complete:
            # The body ended without message_stop, which the SDK calls a success.
            raise AttemptFailed(Failure("CutOff", request_id=events.request_id, lost=True))
        return streamed

    async def _begin(self, headers: Mapping[str, str], passage: Passage | None) -> None:
        if passage:
            await passage.began(headers)
        if self._about.meter:
            await self._about.meter.began(self.usage)

    async def _back_off(self, failure: Failure) -> None:
        asked = retry_after(failure.retry_after, time.time())
        if failure.is_outage and self._change_model():
            asked = None
        wait = self._patience.backoff(asked, self._failures)
        log.warning(
            "attempt failed thread=%s ts=%s ref=%s error=%s request_id=%s attempt=%d wait=%.1f model=%s",
            *(self._about.thread, self._about.ts, self._about.ref, failure.kind, failure.request_id),
            *(self._figures.attempts, wait, self._request["model"]),
        )
        if self._elapsed() + wait >= self._settings.answer_seconds:
            raise NoAnswer.of(failure)
        if wait > TOLD_SECONDS:
            self._tell(failure.waiting(wait))
        await asyncio.sleep(wait)

    async def _wait_for_model(self, seconds: float) -> None:
        """Nobody asks this model for now: ask another, or wait, or say so. Raises NoAnswer."""
        if self._change_model():
            return
        self._shut += seconds
        if self._shut > self._patience.backoff_cap_seconds:
            raise NoAnswer("breaker", OVERLOADED)
        self._tell(DOWN)
        await asyncio.sleep(seconds)

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            self._on_wait(sentence)

    def _change_model(self) -> bool:
        """Ask the fallback model from here on, if there is one that can be asked this."""
        settings = self._settings
        other = settings.fallback_model
        if other in (None, "off", self._request["model"]):
            return False
        request = fallback.fitted(self._request, str(other), settings.effort, settings.thinking)
        self._request = request or self._request
        return request is not None

    def _show(self, text: str) -> None:
        self._figures.first_text = self._figures.first_text or self._elapsed()
        self.text = max(self.text, text, key=len)
        self._on_text(text)

    def _whole(self, message: StreamedMessage) -> str:
        """What was said before a pause and after it."""
        gap = "\n\n" if self._before and message.text and not self._before.endswith("\n") else ""
        return f"{self._before}{gap}{message.text}"

    def _settle(self) -> None:
        """A message is over: what it cost is known, or as good as."""
        self._billed += self._streamed.usage if self._streamed else ()
        self._streamed = None

    def _answered(self, message: StreamedMessage) -> ClaudeAnswer:
        figures, details = self._figures, message.details
        figures.model, figures.stop_reason = message.model, message.stop_reason
        figures.category, figures.tool_errors = details.get("category"), message.tool_errors
        return ClaudeAnswer(
            self._whole(message),
            message.model,
            message.stop_reason or "",
            figures.asked_model,
            self.usage,
            details.get("category"),
            details.get("explanation"),
            tuple(message.content),
            figures.request_id,
            figures.attempts,
            figures.first_text,
            self._elapsed(),
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def _taken(streamed: StreamedMessage, event: Any, request_id: str | None) -> StreamChange:
    """Raises AttemptFailed for an event that is not what its type says."""
    try:
        return streamed.take(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AttemptFailed(Failure("Unreadable", request_id=request_id, lost=True)) from error


async def _end(events: EventStream) -> None:
    """Read to the end of the body, so that the connection can be used again; the answer is complete without it."""
    with suppress(AttemptFailed, TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            while await events.next() is not None:
                pass


def continued(request: Mapping[str, Any], message: StreamedMessage) -> dict[str, Any] | None:
    """The request that goes on where `message` paused; None if it did not.

    After `pause_turn` its content goes back unchanged and without words from us. Each call of a tool must be answered;
    Parley has none of its own, so the answer is that there is no such tool.
    """
    content = message.content
    calls = [block for block in content if block["type"] == "tool_use"]
    if not (calls if message.stop_reason == "tool_use" else content and message.stop_reason == "pause_turn"):
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

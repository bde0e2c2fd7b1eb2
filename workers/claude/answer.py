"""What a call to Claude comes to: an answer or none, and who is told on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.models import Usage
from workers.claude.failures import Failure


@dataclass(frozen=True)
class ClaudeAnswer:
    """What Claude said. Times are in seconds since the call began.

    `model` wrote it, which after a fallback is not `asked_model`. Only refusals have a `category` and an `explanation`,
    and not all of them. `content` holds the content blocks of the last message, `usage` all billed pieces.
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
    """Claude gave no answer. `sentence` tells people what happened and what they can do; `kind` is for operators."""

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
        """Whether Claude rejected the request itself, for its content or its size."""
        return self.failure is not None and self.failure.status in (400, 413) and not self.failure.is_spent


class CallObserver:
    """Sees a call's answer grow. Each method does nothing here; who wants to know overrides it."""

    def on_text(self, text: str) -> None:
        """`text` is all of the answer so far; after a failed attempt it begins again."""

    def on_wait(self, sentence: str) -> None:
        """`sentence` tells people why the next attempt is seconds away."""

    def on_thought(self, thought: str) -> None:
        """`thought` is the newest thought's summary so far, or what a tool is used for."""


class UsageObserver(Protocol):
    """Learns what a call bills, whatever becomes of the call."""

    async def began(self, usage: Sequence[Usage]) -> None:
        """A message has begun, and with it its prompt is billed. `usage` is all that the call has billed so far."""

    def add(self, usage: Sequence[Usage]) -> None:
        """The call is over. `usage` is all that it has billed."""

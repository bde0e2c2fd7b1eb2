"""A turn as the draft of its answer knows it, and the terms of its reply."""

from dataclasses import dataclass
from typing import Protocol

from bot.store.threads.replies import Reply
from bot.talk.message import Message
from workers.draft.backoff import BACKOFF_SECONDS
from workers.draft.slack_stream import LONGEST_SECONDS, ROTATE_SECONDS, Mode

# From this length on the rest of an answer comes as a file, in characters: about two full messages.
MOST_LENGTH = 24_000
FINAL_SECONDS = 120.0


class Turn(Protocol):
    """The turn whose answer a draft shows."""

    @property
    def message(self) -> Message: ...

    @property
    def bot_user(self) -> str:
        """Who we are in the workspace."""

    @property
    def reply(self) -> Reply:
        """What was stored of the reply when this attempt began."""

    @property
    def is_resumed(self) -> bool:
        """Whether an earlier attempt may have begun to show the answer."""

    def may_send(self) -> None:
        """Called before every call to Slack. Raises LeaseLost if this process may no longer write (invariant 5)."""

    async def may_begin(self) -> None:
        """Called before the reply becomes visible; whatever it raises ends the draft."""

    def on_stop(self) -> None:
        """Called when somebody has pressed the Stop that Slack shows beside a native stream."""

    def on_edit(self, age: float, /) -> None:
        """Called when Slack has taken a live edit; `age` is how long its text had waited, in seconds."""


@dataclass(frozen=True)
class Terms:
    """How a reply may be shown.

    It may mention `people`, goes into a file from `most_length` on, and is edited or streamed. A stream may end from
    `rotate_seconds` on and has to after `longest_seconds`. Each try to show its last words may take `final_seconds`;
    `backoff_seconds` are the first and the longest wait after a call that failed.
    """

    people: frozenset[str]
    most_length: int = MOST_LENGTH
    streaming: Mode = "edit"
    rotate_seconds: float = ROTATE_SECONDS
    longest_seconds: float = LONGEST_SECONDS
    final_seconds: float = FINAL_SECONDS
    backoff_seconds: tuple[float, float] = BACKOFF_SECONDS

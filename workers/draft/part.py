"""One Slack message of a reply: what stands in it, what shall stand in it, and its payload for Slack."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot.store.threads.replies import Final
from bot.talk.message import Message
from bot.views import footer
from bot.views.blocks import context, plain_text
from workers.draft.slack_stream import SlackStream
from workers.markdown.frame import PLAIN_BYTES, fallback

EVENT_TYPE = "parley_reply"
IN_A_FILE = "The rest of this answer is in the file below."
STANDS_IN = "For two minutes Slack did not take the end of the message above, so this is its whole text."

Payload = dict[str, Any]

# Each message is looked at again and again, to see whether it is as it shall be.
_fallback = lru_cache(maxsize=64)(fallback)


@dataclass
class Part:
    """One Slack message of the reply. `sent` is its payload as Slack took it last, None if that is not known.

    `unanswered` are the edits that Slack did not answer in time, each with the time when we stopped waiting.
    """

    ts: str
    sent: Payload | None = None
    stream: SlackStream | None = None
    unanswered: list[tuple[Payload, float]] = field(default_factory=list)

    @property
    def shown(self) -> int:
        """How many characters of the answer people see in it."""
        if self.stream is not None:
            return len(self.stream.sent)
        if self.sent is None:
            return 0
        return len(self.sent["blocks"][0]["text"] if self.sent["blocks"] else self.sent["text"])


@dataclass(frozen=True)
class Due:
    """What the message with this number shall be; one that `is_last` has no message after it yet.

    `length` is how many characters of the message's own text `content` shows. `has_rest` says that the answer goes on
    in a file, `stands_in` that the message before could not be completed and this one has its text.
    """

    number: int
    content: str
    is_last: bool
    length: int = 0
    has_rest: bool = False
    stands_in: bool = False


def payload(due: Due, message: Message, ending: Final | None, *, simple: bool, plain: bool) -> Payload:
    """Blocks carry the text, `text` is what a notification shows; Slack's own markup stays off.

    The metadata tells programs which message this answers. `state` is that of this message; the last one of a reply
    that has ended says how many there are. `simple` and `plain` are for a Slack that refuses newer blocks, or any.
    """
    state = "complete"
    if due.is_last and ending is None:
        state = "streaming"
    elif due.is_last and ending is not None and ending.outcome == "error":
        state = "failed"
    about: dict[str, Any] = {"message_ts": message.ts, "part": due.number + 1, "state": state}
    if due.is_last and ending:
        about["parts"] = due.number + 1
    blocks = [] if plain else [{"type": "markdown", "text": due.content}, *_below(due, message, ending, simple)]
    return {
        "text": _fallback(due.content, PLAIN_BYTES) if plain else _fallback(due.content),
        "blocks": blocks,
        "parse": "none",
        "metadata": {"event_type": EVENT_TYPE, "event_payload": about},
    }


def words(content: Payload) -> object:
    """What people read of a message, without its footer."""
    return content["blocks"][:1] or content["text"]


def _below(due: Due, message: Message, ending: Final | None, simple: bool) -> list[Payload]:
    blocks = [_small_print(STANDS_IN)] if due.stands_in else []
    if due.number or not due.is_last:
        blocks.append(_small_print(f"Part {due.number + 1}" + ("" if due.is_last else ", continued below")))
    if not due.is_last:
        return blocks
    if ending is None:
        return [*blocks, *footer.streaming(message.ts)]
    if due.has_rest:
        blocks.append(_small_print(IN_A_FILE))
    if not ending.has_buttons:
        return blocks
    question = message.again or message.ts
    if ending.stopped_by is None:
        return [*blocks, *footer.done(question, continuable=ending.continuable, note=ending.note, simple=simple)]
    stopped = footer.stopped(
        question, by=ending.stopped_by or None, continuable=ending.continuable, note=ending.note, simple=simple
    )
    return [*blocks, *stopped]


def _small_print(text: str) -> Payload:
    return context(plain_text(text))

"""What the messages of a reply shall be: its text laid out over them, and which of them is due next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.store.threads.replies import Final
from bot.talk.message import Message
from workers.draft.effort import Effort
from workers.draft.layout import Form, Layout, lay_out
from workers.draft.part import Due, Part, Payload, payload
from workers.draft.turn import Terms
from workers.markdown.blank import condensed
from workers.markdown.split import Cut, cut_from

Step = Literal["post", "edit", "open", "append", "stop"]


@dataclass(frozen=True)
class _Copy:
    """All that a layout is made of. `streaming` are the numbers of the messages that are streams, and all from
    `native_from` on will be.
    """

    text: str
    form: Form
    ended: bool
    streaming: frozenset[int]
    native_from: int | None
    cuts: tuple[tuple[int, Cut], ...]

    def laid_out(self) -> Layout:
        return lay_out(self.text, self.form, ended=self.ended, streams=self._streams, cuts=dict(self.cuts))

    @property
    def length(self) -> int:
        """How much of the text is read: of one that grows, only what has room in the messages."""
        most = self.form.most
        return len(self.text) if self.ended or most is None else min(len(self.text), most)

    def _streams(self, number: int) -> bool:
        return number in self.streaming or (self.native_from is not None and number >= self.native_from)


class Composition:
    """`text` is all of the answer so far, `ended` how it ends; `native` says that it grows as a native stream.

    While it `is_held`, nothing new is posted before it has ended. What asks for the layout finds the one that
    `lay_out` made, or else makes it at once, however long that takes.
    """

    def __init__(self, message: Message, terms: Terms) -> None:
        self._message, self._terms = message, terms
        self._form = Form(terms.people, terms.most_length)
        self._simple = False
        self._cuts: dict[int, Cut] = {}
        self._settled = ""
        self._stands_in: int | None = None
        self._text = self._newest = ""
        self._effort = Effort()
        self._last: tuple[_Copy, Layout] | None = None
        self.ended: Final | None = None
        self.native = False
        self.is_held = False

    @property
    def text(self) -> str:
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        text = condensed(text)
        end = max((cut.start for cut in self._cuts.values()), default=0)
        if text[:end] != self._text[:end]:
            # A retry begins otherwise: what was cut is not there any more.
            self._cuts.clear()
        self._text = self._newest = text

    def write(self, text: str) -> None:
        """Note the newest text. It is read at the next `lay_out`, so that nothing changes between two waits."""
        self._newest = text

    async def lay_out(self, parts: Sequence[Part]) -> None:
        """Lay the newest text out, in a thread if that takes long."""
        self.text = self._newest
        copy = self._copy(parts)
        if self._last is None or self._last[0] != copy:
            self._last = copy, await self._effort.make(copy.length, copy.laid_out)

    @property
    def rest(self) -> str:
        """What goes into a file."""
        return self._layout([]).rest

    @property
    def count(self) -> int:
        """How many messages the text takes."""
        return len(self._layout([]).contents)

    def next(self, parts: Sequence[Part], shown: int) -> Due | None:
        """The first message that is not yet as it shall be. People have seen `shown` characters of the answer.

        After a retry the old text stays until the new one has passed it or is complete (invariant 8).
        """
        layout = self._layout(parts)
        contents, last = layout.contents, len(layout.contents) - 1
        stale = self.ended is None and sum(map(len, contents)) <= shown
        for number, content in enumerate(contents):
            due = Due(number, content, number == last, layout.length, bool(layout.rest), number == self._stands_in)
            if number >= len(parts):
                return due if self.ended or (content.strip() and not stale and not self.is_held) else None
            stream = parts[number].stream
            if stream is not None:
                if self._must_stop(due, parts[number]) or (not stale and stream.sent != content):
                    return due
            elif not stale and parts[number].sent != self.payload(due):
                return due
        return None

    def step(self, due: Due, parts: Sequence[Part]) -> Step:
        """The call that makes the message as it is due."""
        if due.number >= len(parts):
            # What is whole needs no stream.
            return "open" if self.native and self.ended is None and due.is_last else "post"
        stream = parts[due.number].stream
        if stream is None:
            return "edit"
        if self._must_stop(due, parts[due.number]) or not due.content.startswith(stream.sent):
            return "stop"
        return "append"

    def payload(self, due: Due) -> Payload:
        return payload(due, self._message, self.ended, simple=self._simple, plain=self._form.plain)

    def rotate(self, parts: Sequence[Part]) -> None:
        """Cut the text where an old stream has to end: the rest goes into a new message.

        The cut is at the end of a block if there is one in time.
        """
        number = len(parts) - 1
        stream = parts[-1].stream if parts else None
        if stream is None or self.ended or number in self._cuts or stream.age <= self._terms.rotate_seconds:
            return
        layout = self._layout(parts)
        if number != len(layout.parts) - 1:
            return
        last = layout.parts[number]
        least = last.start + stream.length
        at_once = stream.age > self._terms.longest_seconds
        cut = cut_from(self.text[: self._form.most], last, least, at_once=at_once)
        if cut is not None:
            self._cuts[number] = cut
            self._settled = self.text[: cut.start]

    def stream_ends_in(self, parts: Sequence[Part]) -> float | None:
        """Seconds until an open stream must end, even if no text comes."""
        stream = parts[-1].stream if parts else None
        if stream is None:
            return None
        # One that is due already and still open belongs to a text that Claude has begun anew.
        left = self._terms.longest_seconds - stream.age
        return left + 0.01 if left > 0 else 1.0

    def goes_on_behind(self, number: int) -> bool:
        """Whether the message with this number has a forced end: the text goes on in a new stream."""
        return number in self._cuts

    def without_a_file(self) -> None:
        self._form = replace(self._form, most=None)

    def simpler(self, *, refused_blocks: bool) -> bool:
        """Take the next simpler form after a refusal: first without the newest blocks, then plain.

        False if it is plain already.
        """
        if refused_blocks and self.ended and self.ended.has_buttons and not self._simple:
            self._simple = True
            return True
        was_plain = self._form.plain
        self._form = replace(self._form, plain=True)
        return not was_plain

    def stand_in(self, number: int) -> None:
        """Note that the message before this one could not be completed: this one says so and has its text."""
        self._stands_in = number

    def _layout(self, parts: Sequence[Part]) -> Layout:
        copy = self._copy(parts)
        if self._last is None or self._last[0] != copy:
            self._last = copy, copy.laid_out()
        return self._last[1]

    def _copy(self, parts: Sequence[Part]) -> _Copy:
        if not self.text.startswith(self._settled[: len(self.text)]):
            # A retry came out otherwise: where the old text was cut says nothing about the new one.
            self._cuts, self._settled = {}, ""
        ended = self.ended is not None
        streaming = frozenset(number for number, part in enumerate(parts) if part.stream is not None and not ended)
        native_from = len(parts) if self.native and not ended else None
        return _Copy(self.text, self._form, ended, streaming, native_from, tuple(self._cuts.items()))

    def _must_stop(self, due: Due, part: Part) -> bool:
        assert part.stream is not None
        return not due.is_last or self.ended is not None or part.stream.age > self._terms.longest_seconds

"""What a draft does when Slack refuses a call, or does not answer it."""

import logging

from bot.slack.errors import FOR_GOOD, describe, error_name, verdict
from workers.draft.clearance import Clearance
from workers.draft.clock import Clock
from workers.draft.composition import Composition, Step
from workers.draft.messages import Messages
from workers.draft.part import Due, Part, words
from workers.draft.slack_stream import NOT_STREAMING, STILL_STREAMING, STOPPED_BY_USER
from workers.draft.turn import Turn

log = logging.getLogger("parley.draft")


class Undeliverable(Exception):
    """Slack will not take this reply, now or later: the channel is archived, we were removed, the token is revoked."""


class ReplyDeleted(Exception):
    """Somebody deleted the reply while it was being written."""


class Refusals:
    """Changes the text and the messages of a reply so that the next call may pass."""

    def __init__(self, turn: Turn, text: Composition, messages: Messages, clearance: Clearance, clock: Clock) -> None:
        self._turn, self._text, self._messages = turn, text, messages
        self._clearance, self._clock = clearance, clock

    async def judge(self, step: Step, due: Due | None, error: Exception) -> None:
        """Do what the refusal asks for; return if the call may be tried again. Raises ReplyDeleted, Undeliverable."""
        messages, name = self._messages, describe(error)
        log.warning(
            "slack refused method=%s thread=%s error=%s final=%s",
            messages.method,
            self._turn.message.thread,
            name,
            self._text.ended is not None,
        )
        match verdict(error):
            case "limited":
                messages.was_refused()
                await self._clearance.wait_after_refusal(messages.method, error)
            case "deleted":
                raise ReplyDeleted(str(self._turn.message.thread))
            case "payload" | "permanent" if messages.method == "conversations.replies":
                messages.unsure = False
            case _ if step in ("open", "append", "stop"):
                await self._leave_streams(due, error)
            case _ if name == STILL_STREAMING and due and due.number < len(messages.parts):
                await self._abandon(messages.parts[due.number])
            case "frozen":
                self._go_on_in_a_new_message(due)
            case "payload" if self._text.simpler(refused_blocks=name.startswith("invalid_blocks")):
                messages.was_refused()
            case "permanent" if name not in FOR_GOOD and self._clock.backoff.may_be_refused():
                messages.was_refused()
                await self._clock.back_off()
            case "payload" | "permanent" if step == "edit" and name not in FOR_GOOD:
                self._go_on_in_a_new_message(due)
            case "payload" | "permanent":
                raise Undeliverable(name)
            case "transient":
                await self._clock.back_off()

    async def give_up_the_edit(self) -> bool:
        """Whether there is a message to give up; what it should have become goes into a new one."""
        await self._text.lay_out(self._messages.parts)
        due = self._text.next(self._messages.parts, self._messages.shown)
        if due is None or due.number >= len(self._messages.parts):
            return False
        ts = self._messages.parts[due.number].ts
        log.error("edit given up thread=%s ts=%s", self._turn.message.thread, ts)
        self._messages.leave_from(due.number)
        self._text.stand_in(due.number)
        self._clock.backoff.reset()
        return True

    async def _leave_streams(self, due: Due | None, error: Exception) -> None:
        """From here on this reply is edited. A stream of which we do not know how far it is cannot go on."""
        name, parts = error_name(error), self._messages.parts
        self._text.native = False
        await self._messages.streams.refused(error)
        if name == STOPPED_BY_USER:
            self._turn.on_stop()
        if name is not None:
            self._messages.was_refused()
        if due is None or due.number >= len(parts):
            return
        part = parts[due.number]
        if name in (NOT_STREAMING, STOPPED_BY_USER):
            part.stream = part.sent = None
        else:
            await self._abandon(part)

    async def _abandon(self, part: Part) -> None:
        """Stop a stream that cannot go on. If that fails, the edit after it says so."""
        await self._clearance.wait_to_stop_a_stream()
        error = await self._messages.abandon(part)
        if error is None:
            return
        if verdict(error) == "limited":
            await self._clearance.wait_after_refusal("chat.stopStream", error)
        else:
            await self._clock.back_off()

    def _go_on_in_a_new_message(self, due: Due | None) -> None:
        """The one that is due cannot be edited any more. It stays if only what stands below its text is old.

        Where that happens a second time, messages freeze sooner than answers end: the next one comes when all is said.
        """
        parts = self._messages.parts
        if due is None or due.number >= len(parts):
            return
        wanted, sent = self._text.payload(due), parts[due.number].sent
        if sent is not None and not due.is_last and words(sent) == words(wanted):
            parts[due.number].sent = wanted
            return
        self._text.is_held = self._messages.has_left
        self._messages.leave_from(due.number)
        self._clock.backoff.reset()

"""A reply as people see it: one Slack message (or several) that grows in place while Claude writes."""

import asyncio
import time
from contextlib import suppress

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE
from bot.store.threads.replies import Final
from workers.draft.clearance import Clearance
from workers.draft.clock import Clock
from workers.draft.composition import Composition, Step
from workers.draft.messages import Messages
from workers.draft.pacing import Pacing
from workers.draft.part import Due
from workers.draft.refusals import Refusals
from workers.draft.rest_file import RestFile
from workers.draft.slack_stream import SlackStreams
from workers.draft.status_line import StatusLine
from workers.draft.turn import Terms, Turn


class Draft:
    """The reader of Claude calls `write` and never waits; `run` edits on its own clock, as the pacing allows.

    `status` is what the thread shows until there is text.
    """

    def __init__(self, slack: AsyncWebClient, redis: Redis, pacing: Pacing, turn: Turn, terms: Terms) -> None:
        self._turn = turn
        self._final_seconds = terms.final_seconds
        self._clock = Clock(terms.backoff_seconds)
        self._text = Composition(turn.message, terms)
        self._streams = SlackStreams(slack, redis, turn.message, terms.streaming)
        self._messages = Messages(slack, redis, turn, self._streams)
        self._clearance = Clearance(pacing, turn.message, self._text, self._messages, self._clock)
        self._refusals = Refusals(turn, self._text, self._messages, self._clearance, self._clock)
        self._rest_file = RestFile(slack, redis, turn, self._clock)
        self.status = StatusLine(slack, redis, turn, self._messages, self._clock)
        self._changed, self._stopped = asyncio.Event(), asyncio.Event()
        self._unshown_since: float | None = None

    def write(self, text: str) -> None:
        """Show `text`, all of the answer so far, at the next chance."""
        self._text.write(text)
        self._unshown_since = self._unshown_since or time.monotonic()
        self._changed.set()

    async def run(self) -> None:
        """Show what is written until `finish` is called. Raises ReplyDeleted, Undeliverable, LeaseLost."""
        try:
            # A stream that another process began cannot be gone on with.
            self._text.native = not self._turn.is_resumed and await self._streams.are_wanted()
            while not self._clock.ending.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._text.stream_ends_in(self._messages.parts)):
                        await self._changed.wait()
                self._changed.clear()
                while not self._clock.ending.is_set() and await self._next():
                    await self._step()
        finally:
            self._stopped.set()

    async def finish(self, ending: Final) -> None:
        """Show the last words and return when Slack has them.

        An edit that does not pass for two minutes is given up: people are told so in a new message, with the text.
        Raises ReplyDeleted, Undeliverable, LeaseLost, and TimeoutError if no message can be posted for as long.
        """
        self._clock.ending.set()
        self._changed.set()
        await self._stopped.wait()
        self._text.text, self._text.ended = ending.text, ending
        self._clock.is_final = True
        try:
            await self._complete()
        except TimeoutError:
            if not await self._refusals.give_up_the_edit():
                raise
            await self._complete()
        await self._clearance.close()
        await self.status.look_away()

    async def _complete(self) -> None:
        async with asyncio.timeout(self._final_seconds):
            await self._last_steps()
        rest = self._text.rest
        if not rest:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._final_seconds):
                if await self._rest_file.share(rest):
                    return
        self._text.without_a_file()
        async with asyncio.timeout(self._final_seconds):
            await self._last_steps()

    async def _last_steps(self) -> None:
        while await self._next() or await self._messages.outlast_late_edits():
            await self._step()
        await self._messages.delete_from(self._text.count)

    async def _next(self) -> Due | None:
        """The message that is due now, of the newest text."""
        await self._text.lay_out(self._messages.parts)
        return self._text.next(self._messages.parts, self._messages.shown)

    async def _next_rotated(self) -> Due | None:
        """The same, after an old stream was given its end."""
        await self._text.lay_out(self._messages.parts)
        self._text.rotate(self._messages.parts)
        return await self._next()

    async def _step(self) -> None:
        """Wait until we may send one message and send it, or none if that is refused or not needed any more."""
        due = await self._next_rotated()
        if due is None:
            return
        step = self._text.step(due, self._messages.parts)
        try:
            if not await self._clearance.wait_for(step):
                return
            # The text has grown while we waited: what goes out is always the newest.
            due = await self._next_rotated()
            if due is None or self._text.step(due, self._messages.parts) != step:
                return
            if self._text.ended is None:
                await self._messages.foresee(due, self._text.text)
            await self._send(step, due)
        except SLACK_OR_REDIS_TROUBLE as error:
            await self._refusals.judge(step, due, error)
            return
        self._clock.backoff.reset()
        await self._messages.save(self._text.text)

    async def _send(self, step: Step, due: Due) -> None:
        self._clearance.begin(step)
        since, self._unshown_since = self._unshown_since, None
        if step in ("post", "open"):
            await self._send_new(step, due)
            return
        try:
            await self._send_change(step, due)
        finally:
            await self._clearance.end(step)
        if since and self._text.ended is None:
            self._turn.on_edit(time.monotonic() - since)

    async def _send_new(self, step: Step, due: Due) -> None:
        """Send a message that is not there yet."""
        is_first = due.number == 0
        if is_first:
            await self._turn.may_begin()
        if step == "post":
            await self._messages.post(self._text.payload(due))
        else:
            await self._messages.open(due)
        if is_first:
            await self.status.look_away()

    async def _send_change(self, step: Step, due: Due) -> None:
        """Change a message that is there."""
        part = self._messages.parts[due.number]
        if step == "edit":
            await self._messages.edit(part, self._text.payload(due))
        elif step == "append":
            await self._messages.append(part, due)
        else:
            if due.is_last and not self._text.goes_on_behind(due.number):
                self._text.native = False
            await self._messages.stop(part, due, self._text.payload(due))

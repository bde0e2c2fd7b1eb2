"""A reply as people see it: one Slack message (or several) that grows in place while Claude writes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import status
from bot.slack.errors import FOR_GOOD, SLACK_OR_REDIS_TROUBLE, describe, error_name, retry_after, verdict
from bot.store.threads import replies
from bot.store.threads.replies import Final
from bot.talk.message import Message
from workers.draft.backoff import BACKOFF_SECONDS, Backoff
from workers.draft.composition import Composition, Step, Terms
from workers.draft.messages import Due, Messages, Part, words
from workers.draft.pacing import Pacing
from workers.draft.slack_stream import NOT_STREAMING, STILL_STREAMING, STOPPED_BY_USER, Streams
from workers.draft.upload import NoUpload, upload_markdown

log = logging.getLogger("parley.draft")

FINAL_SECONDS = 120.0
# How long to wait at most before asking the budget again: others may have ended meanwhile.
ASKING_SECONDS = 2.0
STATUS_SECONDS = 90.0
STATUS_SPACING_SECONDS = 3.0
FILE_NAME = "answer.md"


class Undeliverable(Exception):
    """Slack will not take this reply, now or later: the channel is archived, we were removed, the token is revoked."""


class Deleted(Exception):
    """Somebody deleted the reply while it was being written."""


class Draft:
    """The reader of Claude calls `write` and never waits; `run` edits on its own clock, as the budget allows.

    `may_send` raises LeaseLost when this process may no longer write (invariant 5); `may_begin` is asked before the
    reply becomes visible; `on_stop` is called when somebody presses the Stop that Slack shows beside a native stream;
    `on_edit` hears how old, in seconds, the text of a live edit was when Slack took it.
    """

    def __init__(
        self,
        slack: AsyncWebClient,
        redis: Redis,
        pacing: Pacing,
        message: Message,
        reply: replies.Reply,
        streams: Streams,
        terms: Terms,
        *,
        resumed: bool,
        may_send: Callable[[], None],
        may_begin: Callable[[], Awaitable[None]],
        on_stop: Callable[[], None],
        on_edit: Callable[[float], None] = lambda age: None,
        final_seconds: float = FINAL_SECONDS,
        backoff_seconds: tuple[float, float] = BACKOFF_SECONDS,
    ) -> None:
        self._slack, self._redis, self._pacing, self._streams = slack, redis, pacing, streams
        self._message, self._thread = message, message.thread
        # A question that is answered anew has no message of its own.
        self._question_ts = message.again or message.ts
        self._name = f"{self._thread.channel}:{message.ts}"
        self._text = Composition(message, terms)
        self._messages = Messages(slack, redis, message, reply, streams, resumed=resumed, may_send=may_send)
        self._may_send, self._may_begin, self._on_stop, self._on_edit = may_send, may_begin, on_stop, on_edit
        self._resumed, self._file = resumed, reply.file
        self._changed, self._ending, self._stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._status, self._says = status.THINKING, asyncio.Event()
        self._last_frame = float("-inf")
        self._unshown_since: float | None = None
        self._place: float | None = None
        self._backoff = Backoff(backoff_seconds)
        self._final_seconds = final_seconds

    def write(self, text: str) -> None:
        """Show `text`, all of the answer so far, at the next chance."""
        self._text.text = text
        self._unshown_since = self._unshown_since or time.monotonic()
        self._changed.set()

    def say(self, what: str) -> None:
        """Show it as the thread's status, for as long as there is no text."""
        self._status = what or status.THINKING
        self._says.set()

    async def run(self) -> None:
        """Show what is written until `finish` is called. Raises Deleted, Undeliverable, LeaseLost."""
        try:
            # A stream that another process began cannot be gone on with.
            self._text.native = not self._resumed and await self._streams.are_wanted()
            while not self._ending.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._text.stream_ends_in(self._messages.parts)):
                        await self._changed.wait()
                self._changed.clear()
                while not self._ending.is_set() and self._next():
                    await self._step()
        finally:
            self._stopped.set()

    async def finish(self, ending: Final) -> None:
        """Show the last words and return when Slack has them.

        An edit that does not pass for two minutes is given up: people are told so in a new message, with the text.
        Raises Deleted, Undeliverable, LeaseLost, and TimeoutError if no message can be posted for as long.
        """
        self._ending.set()
        self._changed.set()
        await self._stopped.wait()
        self._text.text, self._text.ended = ending.text, ending
        try:
            await self._complete()
        except TimeoutError:
            if not self._give_up_the_edit():
                raise
            await self._complete()
        await self._pacing.close(self._thread.team, self._name)
        await self._look_away()

    async def keep_status(self) -> None:
        """Keep up the status that the listener set until there is text; Slack clears it after two minutes.

        A question that waited behind another has eyes instead, until its own status shows.
        https://docs.slack.dev/reference/methods/assistant.threads.setStatus
        """
        has_eyes = await status.is_looking(self._redis, self._thread, self._question_ts)
        wait = 0.0 if self._resumed or has_eyes else STATUS_SECONDS
        while not self._ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._says.wait()
            self._says.clear()
            wait = STATUS_SECONDS
            async with self._messages.posting:
                if self._messages.parts or self._ending.is_set():
                    return
                self._may_send()
                shows = await status.show(self._slack, self._redis, self._thread, self._question_ts, self._status)
            if shows:
                await self._look_away()
            await self._wait(STATUS_SPACING_SECONDS)

    async def _look_away(self) -> None:
        await status.look_away(self._slack, self._redis, self._thread, self._question_ts)

    async def _complete(self) -> None:
        async with asyncio.timeout(self._final_seconds):
            await self._last_steps()
        if not (rest := self._text.rest):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._final_seconds):
                if await self._share(rest):
                    return
        self._text.without_a_file()
        async with asyncio.timeout(self._final_seconds):
            await self._last_steps()

    async def _last_steps(self) -> None:
        while self._next() or await self._messages.outlast_late_edits():
            await self._step()
        await self._messages.delete_from(self._text.count)

    def _next(self) -> Due | None:
        return self._text.next(self._messages.parts, self._messages.shown)

    async def _step(self) -> None:
        """Wait for our turn and send one message, or none if that is refused or not needed any more."""
        self._text.rotate(self._messages.parts)
        if (due := self._next()) is None:
            return
        step = self._text.step(due, self._messages.parts)
        try:
            if not await self._turn(step):
                return
            # The text has grown while we waited: what goes out is always the newest.
            self._text.rotate(self._messages.parts)
            due = self._next()
            if due is None or self._text.step(due, self._messages.parts) != step:
                return
            if self._text.ended is None:
                await self._messages.foresee(due, self._text.text)
            await self._send(step, due)
        except SLACK_OR_REDIS_TROUBLE as error:
            await self._judge(step, due, error)
            return
        self._backoff.reset()
        await self._messages.save(self._text.text)

    async def _turn(self, step: Step) -> bool:
        """Wait for the right to send; False if there is none, or if a live frame's reply ended meanwhile."""
        team, pacing = self._thread.team, self._pacing
        if step in ("edit", "append", "stop"):
            while wait := await self._budget(step):
                if await self._wait(min(wait, ASKING_SECONDS)):
                    return False
            return True
        # What is whole needs no edit any more, so it may be posted by a reply that may not be edited live.
        while step == "post" and self._is_open_ended() and not await pacing.admit(team, self._name):
            if await self._wait(ASKING_SECONDS):
                return False
        while self._messages.unsure and await pacing.is_paused(team, "conversations.replies"):
            if await self._wait(ASKING_SECONDS / 2):
                return False
        while True:
            if self._place is None:
                self._place = time.monotonic() + await pacing.post(team, self._thread.channel)
            if await self._wait(self._place - time.monotonic()):
                return False
            if not await pacing.is_paused(team, "chat.postMessage"):
                break
            self._place = None
        if step == "open" and not await pacing.open_stream(team, self._name):
            self._text.native = False
            return False
        return True

    def _is_open_ended(self) -> bool:
        due = self._next()
        return self._text.ended is None and due is not None and due.is_last

    async def _budget(self, step: Step) -> float:
        if step == "stop":
            return await self._pacing.stop_stream(self._thread.team, self._name)
        since = min(time.monotonic() - self._last_frame, 3600.0)
        if step == "append":
            return await self._pacing.append(self._thread.team, self._name, since)
        return await self._pacing.edit(self._thread.team, self._name, since, final=self._text.ended is not None)

    async def _send(self, step: Step, due: Due) -> None:
        messages, team = self._messages, self._thread.team
        self._last_frame = time.monotonic()
        since, self._unshown_since = self._unshown_since, None
        if step in ("post", "open"):
            if due.number == 0:
                await self._may_begin()
            self._place = None
            if step == "post":
                await messages.post(self._text.payload(due))
            else:
                await messages.open(due)
            if due.number == 0:
                await self._look_away()
            return
        part = messages.parts[due.number]
        try:
            match step:
                case "edit":
                    await messages.edit(part, self._text.payload(due))
                case "append":
                    await messages.append(part, due)
                case "stop":
                    if due.is_last and not self._text.goes_on_behind(due.number):
                        self._text.native = False
                    await messages.stop(part, due, self._text.payload(due))
        finally:
            if step == "edit":
                await self._pacing.edited(team, self._name)
            elif step == "append":
                await self._pacing.appended(team, self._name)
        if since and self._text.ended is None:
            self._on_edit(time.monotonic() - since)

    async def _share(self, text: str) -> bool:
        """Share it as a file; False if Slack takes none, then it goes into messages."""

        async def keep(file: str) -> None:
            self._may_send()
            self._file = file
            await replies.save_file(self._redis, self._thread, self._message.ts, file)

        where = (self._slack, self._thread.channel, self._thread.ts, text)
        while True:
            try:
                self._may_send()
                await upload_markdown(*where, filename=FILE_NAME, title=FILE_NAME, known=self._file, keep=keep)
                return True
            except NoUpload as refusal:
                log.warning("no file thread=%s error=%s", self._thread, refusal)
                return False
            except SLACK_OR_REDIS_TROUBLE as error:
                log.warning("file not shared thread=%s error=%s", self._thread, describe(error))
                if verdict(error) not in ("limited", "transient"):
                    return False
                await self._wait(max(retry_after(error) if verdict(error) == "limited" else 0.0, self._backoff.wait))

    async def _judge(self, step: Step, due: Due | None, error: Exception) -> None:
        """Do what the refusal asks for; return if the call may be tried again."""
        messages, name = self._messages, describe(error)
        log.warning(
            "slack refused method=%s thread=%s error=%s final=%s",
            *(messages.method, self._thread, name, self._text.ended is not None),
        )
        match verdict(error):
            case "limited":
                messages.was_refused()
                await self._wait(await self._pacing.limited(self._thread.team, messages.method, error))
            case "deleted":
                raise Deleted(str(self._thread))
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
            case "permanent" if name not in FOR_GOOD and self._backoff.may_be_refused():
                messages.was_refused()
                await self._back_off()
            case "payload" | "permanent" if step == "edit" and name not in FOR_GOOD:
                self._go_on_in_a_new_message(due)
            case "payload" | "permanent":
                raise Undeliverable(name)
            case "transient":
                await self._back_off()

    async def _leave_streams(self, due: Due | None, error: Exception) -> None:
        """From here on this reply is edited. A stream of which we do not know how far it is cannot go on."""
        name, parts = error_name(error), self._messages.parts
        self._text.native = False
        await self._streams.refused(error)
        if name == STOPPED_BY_USER:
            self._on_stop()
        if name is not None:
            self._messages.was_refused()
        if due is None or due.number >= len(parts):
            return
        if name in (NOT_STREAMING, STOPPED_BY_USER):
            parts[due.number].stream = parts[due.number].sent = None
        else:
            await self._abandon(parts[due.number])

    async def _abandon(self, part: Part) -> None:
        """Stop a stream that cannot go on. If that fails, the edit after it says so."""
        team = self._thread.team
        while wait := await self._pacing.stop_stream(team, self._name):
            await asyncio.sleep(min(wait, ASKING_SECONDS))
        match error := await self._messages.abandon(part):
            case None:
                pass
            case _ if verdict(error) == "limited":
                await self._wait(await self._pacing.limited(team, "chat.stopStream", error))
            case _:
                await self._back_off()

    def _give_up_the_edit(self) -> bool:
        """Whether there is a message to give up; what it should have become goes into a new one."""
        due = self._next()
        if due is None or due.number >= len(self._messages.parts):
            return False
        log.error("edit given up thread=%s ts=%s", self._thread, self._messages.parts[due.number].ts)
        self._messages.leave_from(due.number)
        self._text.stand_in(due.number)
        self._backoff.reset()
        return True

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
        else:
            self._text.is_held = self._messages.has_left
            self._messages.leave_from(due.number)
            self._backoff.reset()

    async def _back_off(self) -> None:
        await self._wait(self._backoff.wait)
        self._backoff.grow()

    async def _wait(self, seconds: float) -> bool:
        """Sleep; a live frame's sleep ends with the reply, which is True then."""
        if self._text.ended is not None:
            await asyncio.sleep(max(0.0, seconds))
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._ending.wait()
        return self._ending.is_set()

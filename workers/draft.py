"""A reply as people see it: one Slack message (or several) that is edited in place while Claude writes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.incoming import Message
from bot.slack import CALL_ERRORS, STATUS, error_name, retry_after, verdict
from bot.store import replies
from workers.harmless import harmless
from workers.markdown import fallback, frame
from workers.pacing import Pacing
from workers.split import split

log = logging.getLogger("parley.draft")

# Slack takes 12,000 characters of markdown in a message (docs.slack.dev/reference/block-kit/blocks/markdown-block);
# what makes a text harmless adds some.
PART_LENGTH = 10_000
# `text` alone may have 4,000 bytes on an update (docs.slack.dev/reference/methods/chat.update).
PLAIN_LENGTH = 1_200
EVENT_TYPE = "parley_reply"
FINAL_SECONDS = 120.0
# How long to wait at most before asking the budget again: others may have ended meanwhile.
ASKING_SECONDS = 2.0
STATUS_SECONDS = 90.0
BACKOFF_SECONDS = (0.5, 8.0)


Payload = dict[str, Any]


class Undeliverable(Exception):
    """Slack will not take this reply, now or later: the channel is archived, we were removed, the token is revoked."""


class Deleted(Exception):
    """Somebody deleted the reply while it was being written."""


@dataclass
class _Part:
    """One Slack message of the reply. `sent` is what stands in it, None if a process that died wrote it.

    `of` is how many there are, as a complete one says it; None while it grows.
    """

    ts: str
    sent: str | None = None
    of: int | None = None


class Draft:
    """The reader of Claude calls `write` and never waits; `run` edits on its own clock, as the budget allows.

    `may_send` raises LeaseLost when this process may no longer write (invariant 5); `may_begin` is asked before the
    reply becomes visible.
    """

    def __init__(
        self,
        slack: AsyncWebClient,
        redis: "Redis",
        pacing: Pacing,
        message: Message,
        reply: replies.Reply,
        *,
        resumed: bool,
        may_send: Callable[[], None],
        may_begin: Callable[[], Awaitable[None]],
    ) -> None:
        self._slack, self._redis, self._pacing = slack, redis, pacing
        self._message, self._thread = message, message.thread
        self._name = f"{self._thread.channel}:{message.ts}"
        self._parts = [_Part(ts) for ts in reply.parts]
        self._shown = reply.shown
        self._may_send, self._may_begin = may_send, may_begin
        self._unsure = resumed
        self._plain = False
        self._text, self._end = "", "complete"
        self._changed, self._ending, self._stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._posting = asyncio.Lock()
        self._last_edit = float("-inf")
        self._place: float | None = None
        self._method = ""
        self._backoff = BACKOFF_SECONDS[0]

    def write(self, text: str) -> None:
        """Show `text`, all of the answer so far, at the next chance."""
        self._text = text
        self._changed.set()

    async def run(self) -> None:
        """Show what is written until `finish` is called. Raises Deleted, Undeliverable, LeaseLost."""
        try:
            while not self._ending.is_set():
                await self._changed.wait()
                self._changed.clear()
                while not self._ending.is_set() and self._next(final=False):
                    await self._step(final=False)
        finally:
            self._stopped.set()

    async def finish(self, text: str, *, failed: bool = False) -> None:
        """Show the complete text and return when Slack has it. `failed` says that it is not the answer but why not.

        Raises Deleted, Undeliverable, LeaseLost, and TimeoutError after two minutes of passing failures.
        """
        self._ending.set()
        self._changed.set()
        await self._stopped.wait()
        self._text, self._end = text, "failed" if failed else "complete"
        async with asyncio.timeout(FINAL_SECONDS):
            while self._next(final=True):
                await self._step(final=True)
            while len(self._parts) > len(self._rendered(final=True)):
                await self._delete(self._parts.pop())
        await self._pacing.close(self._thread.team, self._name)

    async def keep_status(self) -> None:
        """Keep up the status that the listener set until there is text; Slack clears it after two minutes.

        https://docs.slack.dev/reference/methods/assistant.threads.setStatus
        """
        wait = 0.0 if self._unsure else STATUS_SECONDS
        while not await self._ends_within(wait) and not self._parts:
            wait = STATUS_SECONDS
            async with self._posting:
                await self._set_status()

    async def _set_status(self) -> None:
        try:
            self._may_send()
            await self._slack.assistant_threads_setStatus(
                channel_id=self._thread.channel, thread_ts=self._thread.ts, status=STATUS
            )
        except CALL_ERRORS as error:
            log.debug("no status thread=%s error=%s", self._thread, error_name(error))

    def _rendered(self, *, final: bool) -> list[str]:
        """The text so far as the contents of its Slack messages; only the last one is still open-ended."""
        parts = split(self._text, PLAIN_LENGTH if self._plain else PART_LENGTH)
        if parts and not final:
            parts[-1] = frame(parts[-1])
        return [harmless(part, frozenset({self._message.user})) for part in parts]

    def _next(self, *, final: bool) -> tuple[int, str, int] | None:
        """The first part of the newest text that Slack does not have: its number, its content, and how many there are.

        After a retry the old text stays until the new one has passed it or is complete (invariant 8).
        """
        parts = self._rendered(final=final)
        if not final and (sum(map(len, parts)) <= self._shown or not "".join(parts).strip()):
            return None
        for number, content in enumerate(parts):
            if not self._has(number, content, len(parts), final):
                return number, content, len(parts)
        return None

    def _grew_past(self, number: int) -> bool:
        """Whether the text goes on behind that part, which is final then."""
        if len(self._text) <= (PLAIN_LENGTH if self._plain else PART_LENGTH):
            return False
        return number < len(self._rendered(final=False)) - 1

    def _has(self, number: int, content: str, parts: int, final: bool) -> bool:
        if number >= len(self._parts):
            return False
        part = self._parts[number]
        return part.sent == content and (part.of == parts or not final)

    async def _step(self, *, final: bool) -> None:
        """Wait for our turn and send one part, or nothing if it is refused or a live frame is not needed any more."""
        try:
            if not await self._turn(final):
                return
            # The text has grown while we waited: what goes out is always the newest.
            if (due := self._next(final=final)) is None:
                return
            number, content, parts = due
            if number < len(self._parts):
                await self._edit(self._parts[number], content, self._payload(number, parts, content, final))
            else:
                await self._post(number, content, self._payload(number, parts, content, final))
        except CALL_ERRORS as error:
            await self._judge(error, final)
            return
        self._backoff = BACKOFF_SECONDS[0]
        self._shown = max(self._shown, sum(len(part.sent or "") for part in self._parts))
        try:
            await replies.save_shown(
                self._redis, self._thread, self._message.ts, tuple(part.ts for part in self._parts), self._shown
            )
        except RedisError as error:
            log.warning("progress not saved thread=%s error=%s", self._thread, type(error).__name__)

    async def _turn(self, final: bool) -> bool:
        """Wait for the right to send; False if a live frame's reply ended meanwhile."""
        team = self._thread.team
        due = self._next(final=final)
        if due is None:
            return False
        if due[0] < len(self._parts):
            since = time.monotonic() - self._last_edit
            while wait := await self._pacing.edit(team, self._name, min(since, 3600.0), final=final):
                if await self._wait(min(wait, ASKING_SECONDS), final):
                    return False
                since = time.monotonic() - self._last_edit
            return True
        # What is whole needs no edit any more, so it may be posted by a reply that may not be edited live.
        while not final and not self._grew_past(due[0]) and not await self._pacing.admit(team, self._name):
            if await self._wait(ASKING_SECONDS, final):
                return False
        while True:
            if self._place is None:
                self._place = time.monotonic() + await self._pacing.post(team, self._thread.channel)
            if await self._wait(self._place - time.monotonic(), final):
                return False
            if not await self._pacing.is_paused(team, "chat.postMessage"):
                return True
            self._place = None

    async def _post(self, number: int, content: str, payload: Payload) -> None:
        if number == 0:
            await self._may_begin()
        if self._unsure:
            await self._adopt_posted()
            self._unsure = False
            if number < len(self._parts):
                return
        self._may_send()
        self._method, self._place, self._unsure = "chat.postMessage", None, True
        # A status that arrives after the post would stay: Slack clears it when a message comes.
        async with self._posting:
            posted = await self._slack.chat_postMessage(
                channel=self._thread.channel,
                thread_ts=self._thread.ts,
                unfurl_links=False,
                unfurl_media=False,
                **payload,
            )
        self._unsure = False
        self._parts.append(_Part(str(posted["ts"]), content, _complete_of(payload)))
        self._last_edit = time.monotonic()

    async def _edit(self, part: _Part, content: str, payload: Payload) -> None:
        self._may_send()
        self._method, self._last_edit = "chat.update", time.monotonic()
        try:
            await self._slack.chat_update(channel=self._thread.channel, ts=part.ts, **payload)
            part.sent, part.of = content, _complete_of(payload)
        finally:
            await self._pacing.edited(self._thread.team, self._name)

    async def _delete(self, part: _Part) -> None:
        """A retry came out shorter: its last message is not needed any more."""
        self._may_send()
        try:
            await self._slack.chat_delete(channel=self._thread.channel, ts=part.ts)
        except CALL_ERRORS as error:
            log.warning("leftover stays thread=%s ts=%s error=%s", self._thread, part.ts, error_name(error))

    async def _adopt_posted(self) -> None:
        """Find messages of this reply of whose posting nobody heard: the post's answer or its poster was lost."""
        self._method = "conversations.replies"
        found = await self._slack.conversations_replies(
            channel=self._thread.channel,
            ts=self._thread.ts,
            oldest=self._message.ts,
            include_all_metadata=True,
            limit=200,
        )
        known = {part.ts for part in self._parts}
        ours = {
            payload.get("part"): str(message["ts"])
            for message in found.get("messages") or []
            if (metadata := message.get("metadata") or {}).get("event_type") == EVENT_TYPE
            and (payload := metadata.get("event_payload") or {}).get("message_ts") == self._message.ts
            and message["ts"] not in known
        }
        while (ts := ours.get(len(self._parts) + 1)) is not None:
            self._parts.append(_Part(ts))

    def _payload(self, number: int, parts: int, content: str, final: bool) -> Payload:
        """Blocks carry the text, `text` is what a notification shows; Slack's own markup stays off.

        The metadata tells programs which message this answers, and when it is complete (or has failed): all of `parts`
        are then.
        """
        event_payload = {
            "message_ts": self._message.ts,
            "part": number + 1,
            "parts": parts,
            "state": self._end if final or number < parts - 1 else "streaming",
        }
        return {
            "text": fallback(content, 3_900) if self._plain else fallback(content),
            "blocks": [] if self._plain else [{"type": "markdown", "text": content}],
            "parse": "none",
            "metadata": {"event_type": EVENT_TYPE, "event_payload": event_payload},
        }

    async def _judge(self, error: Exception, final: bool) -> None:
        """Do what the refusal asks for; return if the call may be tried again."""
        name, team = error_name(error) or type(error).__name__, self._thread.team
        log.warning("slack refused method=%s thread=%s error=%s final=%s", self._method, self._thread, name, final)
        match verdict(error):
            case "limited":
                await self._pacing.pause(team, self._method, retry_after(error))
                self._unsure = False if self._method == "chat.postMessage" else self._unsure
            case "deleted":
                raise Deleted(str(self._thread))
            case "frozen":
                self._go_on_in_a_new_message(final)
            case "payload" if not self._plain:
                self._plain, self._unsure = True, False
            case "payload" | "permanent":
                if self._method == "conversations.replies":
                    self._unsure = False
                    return
                raise Undeliverable(name)
            case "transient":
                await self._wait(self._backoff, final)
                self._backoff = min(self._backoff * 2, BACKOFF_SECONDS[1])

    def _go_on_in_a_new_message(self, final: bool) -> None:
        """The one that is due cannot be edited any more. If only its count of parts is old, it stays as it is."""
        if (due := self._next(final=final)) is None or due[0] >= len(self._parts):
            return
        number, content, parts = due
        if self._parts[number].sent == content and self._parts[number].of:
            self._parts[number].of = parts
        else:
            del self._parts[number:]

    async def _wait(self, seconds: float, final: bool) -> bool:
        """Sleep; a live frame's sleep ends with the reply, which is True then."""
        if final:
            await asyncio.sleep(max(0.0, seconds))
            return False
        return await self._ends_within(seconds)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._ending.wait()
        except TimeoutError:
            return False
        return True


def _complete_of(payload: Payload) -> int | None:
    said = payload["metadata"]["event_payload"]
    return said["parts"] if said["state"] != "streaming" else None

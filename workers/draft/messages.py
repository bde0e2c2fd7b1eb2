"""The Slack messages of one reply, and the calls that change them."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe, error_name
from bot.store.threads import replies
from bot.store.threads.replies import Progress
from bot.talk.payload import ours
from workers.draft.part import EVENT_TYPE, Due, Part, Payload
from workers.draft.slack_stream import NOT_STREAMING, SlackStream, SlackStreams
from workers.draft.turn import Turn

log = logging.getLogger("parley.messages")

POSTS = ("chat.postMessage", "chat.startStream")
# How long after we gave up waiting for Slack it may still make the edit or the post, and how often we look for that.
LATE_SECONDS = 6.0
LOOKING_SECONDS = 2.0

Returned = TypeVar("Returned")


class Messages:
    """`parts` are those that are there, `shown` is how many characters of the answer people have seen in them.

    `method` is the one that was called last. `unsure` says that a message may have been posted of which nobody heard.
    """

    def __init__(self, slack: AsyncWebClient, redis: Redis, turn: Turn, streams: SlackStreams) -> None:
        self._slack, self._redis, self._turn, self.streams = slack, redis, turn, streams
        self._message, self._thread = turn.message, turn.message.thread
        reply = turn.reply
        self.parts = [Part(ts) for ts in reply.parts]
        self.shown = reply.shown
        self.unsure = turn.is_resumed
        self.method = ""
        # A status that arrives after the post would stay: Slack clears it when a message comes.
        self.posting = asyncio.Lock()
        self._late_until = 0.0
        self._has_streamed = reply.streamed
        self._left: set[str] = set()

    async def post(self, content: Payload) -> None:
        """Post the next message, unless it turns out to be there."""
        if await self._is_there():
            return
        self._turn.may_send()
        self.method, self.unsure = "chat.postMessage", True
        posted = await self._new(
            self._slack.chat_postMessage(
                channel=self._thread.channel,
                thread_ts=self._thread.ts,
                unfurl_links=False,
                unfurl_media=False,
                **content,
            )
        )
        self.unsure = False
        self.parts.append(Part(str(posted["ts"]), content))

    async def edit(self, part: Part, content: Payload) -> None:
        self._turn.may_send()
        self.method = "chat.update"
        try:
            await self._slack.chat_update(channel=self._thread.channel, ts=part.ts, **content)
        except TimeoutError:
            part.unanswered.append((content, time.monotonic()))
            raise
        part.sent = content

    async def outlast_late_edits(self) -> bool:
        """Wait until no edit that Slack did not answer can be made any more; whether one may have undone another."""
        late = [(part, at) for part in self.parts for content, at in part.unanswered if content != part.sent]
        if not late:
            return False
        await asyncio.sleep(max(at for _, at in late) + LATE_SECONDS - time.monotonic())
        for part, _ in late:
            part.sent, part.unanswered = None, []
        return True

    async def open(self, due: Due) -> None:
        """Post the next message as a native stream, unless it turns out to be there."""
        if await self._is_there():
            return
        self._turn.may_send()
        if not self._has_streamed:
            await replies.save_streamed(self._redis, self._thread, self._message.ts)
            self._has_streamed = True
        self._turn.may_send()
        self.method, self.unsure = "chat.startStream", True
        ts = await self._new(self.streams.start(due.content))
        self.unsure = False
        self.parts.append(Part(ts, stream=SlackStream(due.content, due.length)))

    async def append(self, part: Part, due: Due) -> None:
        """What people see of the stream now is how the content begins."""
        assert part.stream is not None
        self._turn.may_send()
        self.method = "chat.appendStream"
        await self.streams.append(part.ts, due.content[len(part.stream.sent) :])
        part.stream.sent, part.stream.length = due.content, due.length

    async def stop(self, part: Part, due: Due, content: Payload) -> None:
        """End the stream with the content in it; if it has begun otherwise, the message needs an edit after that."""
        assert part.stream is not None
        self._turn.may_send()
        self.method = "chat.stopStream"
        sent = part.stream.sent
        goes_on = due.content.startswith(sent)
        if goes_on:
            await self.streams.stop(part.ts, due.content[len(sent) :], content)
            part.sent = content
        else:
            await self.streams.stop(part.ts, "", None)
            part.sent = None
        part.stream = None

    async def abandon(self, part: Part) -> Exception | None:
        """Stop the stream as it is; from now on the message is edited. The error, or None if Slack had ended it."""
        self._turn.may_send()
        part.stream = part.sent = None
        try:
            await self.streams.stop(part.ts, "", None)
        except SLACK_OR_REDIS_TROUBLE as error:
            log.info("stream not stopped thread=%s ts=%s error=%s", self._thread, part.ts, describe(error))
            return None if error_name(error) == NOT_STREAMING else error
        return None

    def was_refused(self) -> None:
        """Slack refused the call that was made last: a post is not there then."""
        if self.method in POSTS:
            self.unsure = False

    @property
    def has_left(self) -> bool:
        """Whether a message stays as it is, with a new one in its place."""
        return bool(self._left)

    def leave_from(self, number: int) -> None:
        """Leave these messages as they are: what should be in them goes into new ones."""
        self._left.update(part.ts for part in self.parts[number:])
        del self.parts[number:]

    async def delete_from(self, number: int) -> None:
        """Delete the messages from this number on: a retry came out shorter."""
        while len(self.parts) > number:
            part = self.parts.pop()
            if part.stream is not None:
                await self.abandon(part)
            self._turn.may_send()
            try:
                await self._slack.chat_delete(channel=self._thread.channel, ts=part.ts)
            except SLACK_OR_REDIS_TROUBLE as error:
                log.warning("leftover stays thread=%s ts=%s error=%s", self._thread, part.ts, describe(error))

    async def save(self, text: str) -> None:
        """Store how much of the text people see, for a worker that may have to continue the reply."""
        self.shown = max(self.shown, sum(part.shown for part in self.parts))
        await self._save(self.shown, text)

    async def foresee(self, due: Due, text: str) -> None:
        """Store how much people will see after the next call: if we are killed meanwhile, it is no more than that."""
        others = sum(part.shown for number, part in enumerate(self.parts) if number != due.number)
        await self._save(max(self.shown, others + len(due.content)), text)

    async def _save(self, shown: int, text: str) -> None:
        parts = tuple(part.ts for part in self.parts)
        try:
            await replies.save_progress(self._redis, self._thread, self._message.ts, Progress(parts, shown, text))
        except RedisError as error:
            log.warning("progress not saved thread=%s error=%s", self._thread, type(error).__name__)

    async def _new(self, call: Awaitable[Returned]) -> Returned:
        """Post a new message, and note until when it may still appear if Slack does not answer in time."""
        try:
            async with self.posting:
                return await call
        except TimeoutError:
            self._late_until = time.monotonic() + LATE_SECONDS
            raise

    async def _is_there(self) -> bool:
        """Whether the next message was posted although we do not know of it: Slack's answer was lost, or a worker died.

        A post that Slack did not answer in time may still appear, and is waited for.
        """
        if not self.unsure:
            return False
        number = len(self.parts)
        async with self.posting:
            await self._look()
            while len(self.parts) == number:
                left = self._late_until - time.monotonic()
                if left <= 0:
                    break
                await asyncio.sleep(min(left, LOOKING_SECONDS))
                await self._look()
        self.unsure = False
        return len(self.parts) > number

    async def _look(self) -> None:
        self.method = "conversations.replies"
        history = await self._slack.conversations_replies(
            channel=self._thread.channel,
            ts=self._thread.ts,
            oldest=self._message.ts,
            include_all_metadata=True,
            limit=200,
        )
        known = {self._thread.ts, *self._left, *(part.ts for part in self.parts)}
        there: dict[int, str] = {}
        for message in history.get("messages") or []:
            if message["ts"] in known or message.get("user") != self._turn.bot_user:
                continue
            about = ours(message, self._turn.bot_user, EVENT_TYPE) or {}
            if about.get("message_ts") == self._message.ts:
                there[int(about.get("part") or 0)] = str(message["ts"])
            elif self._has_streamed and not message.get("metadata") and message.get("streaming_state"):
                # A stream gets its metadata when it is stopped.
                there.setdefault(len(self.parts) + 1, str(message["ts"]))
        while len(self.parts) + 1 in there:
            self.parts.append(Part(there[len(self.parts) + 1]))

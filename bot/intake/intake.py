"""Taking a message in: it is kept if it is for us, and whoever wrote it sees that it was heard."""

import logging
import textwrap

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.intake.admission import Admission, Reason, Way
from bot.intake.queue_position import WaitingThreads
from bot.intake.read_message import Heard
from bot.slack import native_stop, status
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.store import keys
from bot.store.rules import limits
from bot.store.rules.limits import TooMany
from bot.store.threads import asides
from bot.store.threads.inbox import Inbox
from bot.talk.markup import spoken
from bot.talk.message import Message
from bot.views.refusals import slow_down

log = logging.getLogger("parley.listeners")

TITLE_LENGTH = 60


class Intake:
    """The way of a message into the mailbox of its thread, in the order of the methods below.

    What is decided and kept happens before the methods return, for Slack gets its acknowledgement afterwards
    (invariant 1). What people are shown happens in the background, for Slack must not wait for it.
    """

    def __init__(self, inbox: Inbox, redis: Redis, web: AsyncWebClient, admission: Admission) -> None:
        self._inbox, self._redis, self._web, self._admission = inbox, redis, web, admission
        self._waiting = WaitingThreads(inbox, redis, web)

    async def take(self, heard: Heard) -> str | None:
        """Keep a message that is for us, or tell its author that it is one too many, or why it cannot be taken now.

        Returns why the message is not for us, None if it is. Raises redis.RedisError.
        """
        reason = await self._not_for_us(heard) or await self._refusal(heard)
        if reason:
            if reason is Reason.UNKNOWN:
                await self._say_unsure(heard.message)
            return reason
        too_many = await limits.take(self._redis, heard.message)
        if too_many:
            self._slow_down(heard.message, too_many)
            return None
        await self.keep(heard.message)
        return None

    async def _not_for_us(self, heard: Heard) -> str | None:
        """Why a message that is not addressed to us does not concern us. Raises redis.RedisError."""
        if heard.is_addressed:
            return None
        thread, ts = heard.message.thread, heard.message.ts
        takes_part = await self._inbox.takes_part(thread, ts)
        if heard.aside:
            if takes_part:
                await asides.note(self._redis, thread, "others", ts)
            return "addressed to somebody else"
        return None if takes_part else "a thread that we have no part in"

    async def _refusal(self, heard: Heard) -> str | None:
        """Why the author gets no answer, though the message is for us. Raises redis.RedisError."""
        thread, ts = heard.message.thread, heard.message.ts
        way = Way.MENTION if heard.is_addressed else Way.FOLLOW_UP
        reason = await self._admission.refusal(heard.asker, way, heard.where)
        if reason is Reason.NO_FOLLOW_UPS:
            await asides.note(self._redis, thread, "nobody", ts)
        if reason is None and way is Way.FOLLOW_UP and await asides.is_one(self._redis, thread, ts):
            return "people speak to each other"
        return reason

    async def keep(self, message: Message) -> None:
        """Put a message that may be answered into its mailbox. Raises redis.RedisError."""
        if message.mentioned and message.ts != message.thread.ts:
            await asides.note(self._redis, message.thread, "us", message.ts)
        kept = await self._inbox.put(message)
        word = "kept" if kept else "seen"
        log.info("%s event_id=%s thread=%s ts=%s", word, message.event_id, message.thread, message.ts)
        if kept:
            background.run(self._show(message))

    async def _say_unsure(self, message: Message) -> None:
        """Tell the author once: Slack delivers a mention twice. Raises redis.RedisError."""
        thread = message.thread
        key = keys.unsure(thread.team, thread.channel, message.ts)
        if await self._redis.set(key, 1, nx=True, ex=keys.unsure.seconds):
            background.run(self._tell(message, Reason.UNKNOWN.sentence))

    def _slow_down(self, message: Message, too_many: TooMany) -> None:
        thread = message.thread
        log.info("over a limit thread=%s ts=%s user=%s scope=%s", thread, message.ts, message.user, too_many.scope)
        if too_many.tell:
            background.run(self._tell(message, slow_down(too_many)))

    async def _tell(self, message: Message, text: str) -> None:
        """Tell the author where the message stands. https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        thread = message.thread
        thread_ts = None if message.ts == thread.ts else thread.ts
        try:
            await self._web.chat_postEphemeral(
                channel=thread.channel, user=message.user, text=text, thread_ts=thread_ts
            )
        except SLACK_OR_REDIS_TROUBLE as error:
            log.debug("not told thread=%s error=%s", thread, describe(error))

    async def _show(self, message: Message) -> None:
        """Show that the message was heard: eyes if it waits for another of its thread, else a status."""
        thread = message.thread
        try:
            if await self._inbox.is_behind(message):
                await status.look(self._web, self._redis, thread, message.ts)
                return
        except RedisError as error:
            log.debug("not known whether it waits thread=%s error=%s", thread, describe(error))
        self._waiting.add(thread, message.ts)
        await status.show(self._web, self._redis, thread, message.ts)
        await native_stop.begin(self._web, self._redis, thread)
        if message.direct and message.ts == thread.ts:
            await self._title(message)

    async def _title(self, message: Message) -> None:
        """Name the thread by its first words. https://docs.slack.dev/reference/methods/assistant.threads.setTitle"""
        words = " ".join(spoken(message.text, "", {}).split())
        title = textwrap.shorten(words, TITLE_LENGTH, placeholder="…") or words[:TITLE_LENGTH]
        if not title:
            return
        thread = message.thread
        try:
            await self._web.assistant_threads_setTitle(channel_id=thread.channel, thread_ts=thread.ts, title=title)
        except SLACK_OR_REDIS_TROUBLE as error:
            log.debug("no title thread=%s error=%s", thread, describe(error))

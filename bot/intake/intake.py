"""Taking a message in: it is kept, and whoever wrote it sees that it was heard."""

import logging
import textwrap

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.intake.queue_position import Line
from bot.slack import native_stop, status
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.store.rules import limits
from bot.store.rules.limits import TooMany
from bot.store.threads import asides
from bot.store.threads.inbox import Inbox
from bot.talk.markup import spoken
from bot.talk.message import Message
from bot.views.refusals import slow_down

log = logging.getLogger("parley.listeners")

TITLE_LENGTH = 60


class Reception:
    def __init__(self, inbox: Inbox, redis: Redis, web: AsyncWebClient) -> None:
        self._inbox, self._redis, self._web = inbox, redis, web
        self._line = Line(inbox, redis, web)

    async def take(self, message: Message) -> bool:
        """Put it into the mailbox; False if it was there before, or is one too many. Raises redis.RedisError."""
        if too_many := await limits.take(self._redis, message):
            self._refuse(message, too_many)
            return False
        return await self.keep(message)

    async def keep(self, message: Message) -> bool:
        """The same for a message that is within the limits."""
        if message.mentioned and message.ts != message.thread.ts:
            await asides.note(self._redis, message.thread, "us", message.ts)
        kept = await self._inbox.put(message)
        word = "kept" if kept else "seen"
        log.info("%s event_id=%s thread=%s ts=%s", word, message.event_id, message.thread, message.ts)
        if kept:
            # People see it at once, and Slack does not wait for it.
            background.run(self._show(message))
        return kept

    def _refuse(self, message: Message, too_many: TooMany) -> None:
        thread = message.thread
        log.info("over a limit thread=%s ts=%s user=%s scope=%s", thread, message.ts, message.user, too_many.scope)
        if too_many.tell:
            background.run(self._tell(message, slow_down(too_many)))

    async def _tell(self, message: Message, text: str) -> None:
        """Where the message stands. https://docs.slack.dev/reference/methods/chat.postEphemeral"""
        thread = message.thread
        above = None if message.ts == thread.ts else thread.ts
        try:
            await self._web.chat_postEphemeral(channel=thread.channel, user=message.user, text=text, thread_ts=above)
        except SLACK_OR_REDIS_TROUBLE as error:
            log.debug("not told thread=%s error=%s", thread, describe(error))

    async def _show(self, message: Message) -> None:
        thread = message.thread
        try:
            if await self._inbox.is_behind(message):
                await status.look(self._web, self._redis, thread, message.ts)
                return
        except RedisError as error:
            log.debug("not known whether it waits thread=%s error=%s", thread, type(error).__name__)
        self._line.join(thread, message.ts)
        await status.show(self._web, self._redis, thread, message.ts)
        await native_stop.begin(self._web, self._redis, thread)
        if message.direct and message.ts == thread.ts:
            await self._title(message)

    async def _title(self, message: Message) -> None:
        """Call it by its first words. https://docs.slack.dev/reference/methods/assistant.threads.setTitle"""
        words = " ".join(spoken(message.text, "", {}).split())
        title = textwrap.shorten(words, TITLE_LENGTH, placeholder="…") or words[:TITLE_LENGTH]
        if not title:
            return
        thread = message.thread
        try:
            await self._web.assistant_threads_setTitle(channel_id=thread.channel, thread_ts=thread.ts, title=title)
        except SLACK_OR_REDIS_TROUBLE as error:
            log.debug("no title thread=%s error=%s", thread, describe(error))

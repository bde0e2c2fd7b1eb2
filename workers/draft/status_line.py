"""What a thread shows of a reply that has no text yet: Slack's status line, and eyes on the question."""

import asyncio
from contextlib import suppress

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import status
from workers.draft.clock import Clock
from workers.draft.messages import Messages
from workers.draft.turn import Turn

STATUS_SECONDS = 90.0
STATUS_SPACING_SECONDS = 3.0


class StatusLine:
    def __init__(self, slack: AsyncWebClient, redis: Redis, turn: Turn, messages: Messages, clock: Clock) -> None:
        self._slack, self._redis, self._turn, self._messages, self._clock = slack, redis, turn, messages, clock
        self._thread = turn.message.thread
        # A question that is answered anew has no message of its own.
        self._question_ts = turn.message.again or turn.message.ts
        self._words = status.THINKING
        self._changed = asyncio.Event()

    def say(self, words: str) -> None:
        """Show the words for as long as the reply has no text; "" for what stands there at first."""
        self._words = words or status.THINKING
        self._changed.set()

    async def keep(self) -> None:
        """Keep up the status that the listener set until there is text; Slack clears it after two minutes.

        A question that waited behind another has eyes instead, until its own status shows.
        https://docs.slack.dev/reference/methods/assistant.threads.setStatus
        """
        has_eyes = await status.is_looking(self._redis, self._thread, self._question_ts)
        wait = 0.0 if self._turn.is_resumed or has_eyes else STATUS_SECONDS
        while not self._clock.ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            self._changed.clear()
            wait = STATUS_SECONDS
            async with self._messages.posting:
                if self._messages.parts or self._clock.ending.is_set():
                    return
                self._turn.may_send()
                shows = await status.show(self._slack, self._redis, self._thread, self._question_ts, self._words)
            if shows:
                await self.look_away()
            await self._clock.wait(STATUS_SPACING_SECONDS)

    async def look_away(self) -> None:
        """Take the eyes off the question."""
        await status.look_away(self._slack, self._redis, self._thread, self._question_ts)

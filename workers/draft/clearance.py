"""The right to make the next call of a draft: waited for at the pace that Slack's rate limits allow."""

import asyncio
import time

from bot.talk.message import Message
from workers.draft.clock import Clock
from workers.draft.composition import Composition, Step
from workers.draft.messages import Messages
from workers.draft.pacing import Pacing

# How long to wait at most before asking the pacing again: others may have ended meanwhile.
ASKING_SECONDS = 2.0
LONGEST_SINCE_SECONDS = 3600.0


class Clearance:
    def __init__(self, pacing: Pacing, message: Message, text: Composition, messages: Messages, clock: Clock) -> None:
        self._pacing, self._text, self._messages, self._clock = pacing, text, messages, clock
        self._team, self._channel = message.thread.team, message.thread.channel
        self._draft = f"{self._channel}:{message.ts}"
        self._last_call = float("-inf")
        # When the next message of this reply may be posted, once that time is reserved.
        self._post_at: float | None = None

    async def wait_for(self, step: Step) -> bool:
        """Wait until the step may be taken; False if it may not, or if a growing reply ended meanwhile."""
        if step not in ("post", "open"):
            return await self._wait_for_change(step)
        if step == "post" and not await self._wait_to_be_live():
            return False
        if not await self._wait_for_post():
            return False
        if step == "open" and not await self._pacing.open_stream(self._team, self._draft):
            self._text.native = False
            return False
        return True

    def begin(self, step: Step) -> None:
        """The call is made now."""
        self._last_call = time.monotonic()
        if step in ("post", "open"):
            self._post_at = None

    async def end(self, step: Step) -> None:
        """The call is over, whatever became of it."""
        if step == "edit":
            await self._pacing.edited(self._team, self._draft)
        elif step == "append":
            await self._pacing.appended(self._team, self._draft)

    async def wait_to_stop_a_stream(self) -> None:
        while wait := await self._pacing.stop_stream(self._team, self._draft):
            await asyncio.sleep(min(wait, ASKING_SECONDS))

    async def wait_after_refusal(self, method: str, error: Exception) -> None:
        """Slack has limited the method: wait as long as has to be waited before the next call is asked for."""
        await self._clock.wait(await self._pacing.limited(self._team, method, error))

    async def close(self) -> None:
        await self._pacing.close(self._team, self._draft)

    async def _wait_for_change(self, step: Step) -> bool:
        while wait := await self._wait_for_frame(step):
            if await self._clock.wait(min(wait, ASKING_SECONDS)):
                return False
        return True

    async def _wait_to_be_live(self) -> bool:
        """Wait until the reply may be edited live. What is whole needs no edit any more and may be posted at once."""
        while await self._is_open_ended() and not await self._pacing.admit(self._team, self._draft):
            if await self._clock.wait(ASKING_SECONDS):
                return False
        return True

    async def _wait_for_post(self) -> bool:
        while self._messages.unsure and await self._pacing.is_paused(self._team, "conversations.replies"):
            if await self._clock.wait(ASKING_SECONDS / 2):
                return False
        while True:
            if self._post_at is None:
                self._post_at = time.monotonic() + await self._pacing.post(self._team, self._channel)
            if await self._clock.wait(self._post_at - time.monotonic()):
                return False
            if not await self._pacing.is_paused(self._team, "chat.postMessage"):
                return True
            self._post_at = None

    async def _is_open_ended(self) -> bool:
        await self._text.lay_out(self._messages.parts)
        due = self._text.next(self._messages.parts, self._messages.shown)
        return self._text.ended is None and due is not None and due.is_last

    async def _wait_for_frame(self, step: Step) -> float:
        """0 if the change may be sent now, else how long to wait at most."""
        if step == "stop":
            return await self._pacing.stop_stream(self._team, self._draft)
        since = min(time.monotonic() - self._last_call, LONGEST_SINCE_SECONDS)
        if step == "append":
            return await self._pacing.append(self._team, self._draft, since)
        return await self._pacing.edit(self._team, self._draft, since, final=self._text.ended is not None)

"""The waits of a draft: those of a growing reply end when Claude has ended, those of its last words do not."""

import asyncio
from contextlib import suppress

from workers.draft.backoff import BACKOFF_SECONDS, Backoff


class Clock:
    """`ending` is set when the reply is to be ended, `is_final` when its last words are being sent."""

    def __init__(self, backoff_seconds: tuple[float, float] = BACKOFF_SECONDS) -> None:
        self.ending = asyncio.Event()
        self.is_final = False
        self.backoff = Backoff(backoff_seconds)

    async def wait(self, seconds: float) -> bool:
        """Sleep; True if the reply is to be ended and what was waited for is not needed any more."""
        if self.is_final:
            await asyncio.sleep(max(0.0, seconds))
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self.ending.wait()
        return self.ending.is_set()

    async def back_off(self) -> None:
        await self.wait(self.backoff.wait)
        self.backoff.grow()

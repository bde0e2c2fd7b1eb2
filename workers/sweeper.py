"""Wakes the threads that a dead process left behind."""

import asyncio
import logging

from bot.store.inbox import Inbox

log = logging.getLogger("parley.sweeper")

EVERY_SECONDS = 1.0


async def sweep(inbox: Inbox) -> None:
    """Look every second, for ever."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            if woken := await inbox.sweep():
                log.info("woken threads=%d", woken)
        except Exception:
            # Whatever is wrong with one team or thread, the others are still to be looked after.
            log.warning("no sweep", exc_info=True)

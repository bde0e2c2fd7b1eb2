"""Wakes the threads that a dead process left behind."""

import asyncio
import logging

from redis.exceptions import RedisError

from bot.store.inbox import Inbox

log = logging.getLogger("parley.sweeper")

EVERY_SECONDS = 2.0


async def sweep(inbox: Inbox) -> None:
    """Look every two seconds, for ever."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            if woken := await inbox.sweep():
                log.info("woken threads=%d", woken)
        except RedisError as error:
            log.warning("no sweep error=%s", type(error).__name__)

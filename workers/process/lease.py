"""Renews the lease of a thread while its reply is written."""

import asyncio
import logging
import time

from redis.exceptions import RedisError

from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.inbox import Inbox

log = logging.getLogger("parley.lease")


class Lease:
    """`since` is the monotonic time just before the claim, so the lease lasts at least until `since + seconds`.

    `call_seconds` is the longest that a call to Slack can take.
    """

    def __init__(self, inbox: Inbox, claim: Claim, since: float, seconds: float, call_seconds: float) -> None:
        self._inbox, self._claim = inbox, claim
        self._seconds, self._call_seconds = seconds, call_seconds
        self._until = since + seconds

    async def keep(self) -> None:
        """Renew until cancelled. If Redis cannot be reached, try again until the lease is over. Raises LeaseLost."""
        while True:
            await asyncio.sleep(self._seconds / 4)
            since = time.monotonic()
            try:
                await self._inbox.renew(self._claim)
                self._until = since + self._seconds
            except RedisError as error:
                log.warning("lease not renewed thread=%s error=%s", self._claim.thread, type(error).__name__)
                if time.monotonic() > self._until:
                    raise LeaseLost(str(self._claim.thread)) from error

    def check(self) -> None:
        """Raise LeaseLost unless the lease outlasts a call to Slack that begins now (invariant 5)."""
        if time.monotonic() + self._call_seconds > self._until:
            raise LeaseLost(str(self._claim.thread))

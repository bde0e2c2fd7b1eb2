"""Renews the lease of a thread while its reply is written."""

import asyncio
import logging

from redis.exceptions import RedisError

from bot.loop_watch import boot_time
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.inbox import Inbox

log = logging.getLogger("parley.lease")


class Lease:
    """`since` is the `boot_time` just before the claim, so the lease lasts at least until `since + seconds`.

    `call_seconds` is the longest that a call to Slack can take.
    """

    def __init__(self, inbox: Inbox, claim: Claim, since: float, seconds: float, call_seconds: float) -> None:
        self._inbox, self._claim = inbox, claim
        self._seconds, self._call_seconds = seconds, call_seconds
        self._until = since + seconds

    async def keep(self) -> None:
        """Renew until cancelled. If Redis cannot be reached, try again until the lease is over. Raises LeaseLost.

        A process that stood still until then (stopped, suspended, or its event loop held up) does not ask for the lease
        again: somebody else may have the thread, or it is woken at the next sweep.
        """
        while True:
            await asyncio.sleep(self._seconds / 4)
            since = boot_time()
            if since > self._until:
                log.warning("lease over before it could be renewed thread=%s", self._claim.thread)
                raise LeaseLost(str(self._claim.thread))
            try:
                await self._inbox.renew(self._claim)
                self._until = since + self._seconds
            except RedisError as error:
                log.warning("lease not renewed thread=%s error=%s", self._claim.thread, type(error).__name__)
                if boot_time() > self._until:
                    raise LeaseLost(str(self._claim.thread)) from error

    def check(self) -> None:
        """Raise LeaseLost unless the lease outlasts a call to Slack that begins now (invariant 5)."""
        if boot_time() + self._call_seconds > self._until:
            raise LeaseLost(str(self._claim.thread))

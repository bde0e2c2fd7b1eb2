"""Questions for which no worker has a free slot yet: their threads show how far in the queue they are."""

import asyncio
import logging
import time
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.slack import status
from bot.slack.errors import describe
from bot.store.threads.inbox import Inbox
from bot.talk.message import Thread

log = logging.getLogger("parley.waiting")

EVERY_SECONDS = 2.0
# Slack clears a status after two minutes.
AGAIN_SECONDS = 90.0
# Slack takes about one status a second in a channel, and a few hundred a minute in all.
MOST_TOLD = 20
POSITION = "is busy: you are number {position} in line…"


@dataclass
class _Waiting:
    """`ts` is the question's; `position` is what people were told `at` that time, 0 for nothing yet."""

    ts: str
    position: int = 0
    at: float = 0.0


class WaitingThreads:
    """The threads that came in through this process and wait. They are forgotten with the process, and may be."""

    def __init__(self, inbox: Inbox, redis: Redis, web: AsyncWebClient, every: float = EVERY_SECONDS) -> None:
        self._inbox, self._redis, self._web, self._every = inbox, redis, web, every
        self._threads: dict[Thread, _Waiting] = {}
        self._watches = False

    def add(self, thread: Thread, ts: str) -> None:
        self._threads.setdefault(thread, _Waiting(ts))
        if not self._watches:
            self._watches = True
            background.run(self._watch())

    async def _watch(self) -> None:
        """Tell the positions every few seconds until nobody waits."""
        try:
            while self._threads:
                await asyncio.sleep(self._every)
                try:
                    positions = await self._inbox.positions(list(self._threads))
                except RedisError as error:
                    log.debug("no places error=%s", describe(error))
                    continue
                await self._tell(positions)
        finally:
            self._watches = False

    async def _tell(self, positions: dict[Thread, int]) -> None:
        told = 0
        for thread, waiting in list(self._threads.items()):
            position = positions.get(thread)
            if position is None:
                del self._threads[thread]
                if waiting.position:
                    await status.show(self._web, self._redis, thread, waiting.ts)
                continue
            is_old = time.monotonic() - waiting.at > AGAIN_SECONDS
            if told < MOST_TOLD and (position != waiting.position or is_old):
                told += 1
                waiting.position = position
                waiting.at = time.monotonic()
                await status.show(self._web, self._redis, thread, waiting.ts, POSITION.format(position=position))

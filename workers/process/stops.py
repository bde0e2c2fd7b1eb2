"""Learns at once when somebody asks to stop an answer that this process is writing."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.store import keys
from bot.store.threads import stops
from bot.talk.message import Thread

log = logging.getLogger("parley.stops")

# A connection that is silent for so long gets a ping, and has as long to answer it.
QUIET_SECONDS = 10.0
RECONNECT_SECONDS = 0.5


class Stop:
    """Whether, and by whom, one answer was asked to stop."""

    def __init__(self) -> None:
        self.by: str | None = None
        self._event = asyncio.Event()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self) -> str:
        """Wait until somebody asks for it. Returns who, "" for somebody unknown."""
        await self._event.wait()
        return self.by or ""

    def set(self, by: str) -> None:
        self.by = by
        self._event.set()


class Stops:
    """One connection listens for all answers of the process. What it misses while broken is read afterwards."""

    def __init__(self, redis: Redis, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._redis, self._quiet_seconds = redis, quiet_seconds
        self._watched: dict[str, list[Stop]] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Stops"]:
        listener = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            listener.cancel()
            await asyncio.wait([listener])

    @asynccontextmanager
    async def watch(self, thread: Thread, ts: str) -> AsyncIterator[Stop]:
        """A Stop, which is set already if somebody asked before. Entering raises redis.RedisError."""
        key, stop = keys.stop(thread, ts), Stop()
        self._watched.setdefault(key, []).append(stop)
        try:
            by = await stops.asked(self._redis, thread, ts)
            if by is not None:
                stop.set(by)
            yield stop
        finally:
            self._watched[key].remove(stop)
            if not self._watched[key]:
                del self._watched[key]

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(keys.STOPS)
                    await self._hear(pubsub)
            except (RedisError, OSError) as error:
                log.warning("deaf to stops error=%s", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self, pubsub: PubSub) -> None:
        pinged = False
        while True:
            message = await pubsub.get_message(timeout=self._quiet_seconds)
            if message is None:
                if pinged:
                    raise RedisTimeoutError("silent")
                await pubsub.ping()
            elif message["type"] == "subscribe":
                # This also arrives after redis-py reconnected by itself.
                await self._look(list(self._watched))
            elif message["data"] in self._watched:
                await self._look([message["data"]])
            pinged = message is None

    async def _look(self, watched: list[str]) -> None:
        if not watched:
            return
        for key, by in zip(watched, await self._redis.mget(watched), strict=True):
            if by is None:
                continue
            for stop in self._watched.get(key, ()):
                stop.set(str(by))

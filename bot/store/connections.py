"""The Redis clients. RQ changes the time-outs of the pool it gets, so nobody shares its client."""

import asyncio
from collections.abc import Iterable
from typing import Any

from redis import Redis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.connection import AbstractConnection
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from bot.store import sentinel

CONNECTIONS = 64


class _Cancellable(AbstractConnection):
    """Sends without `asyncio.wait_for`: before Python 3.12 that can lose a cancellation that comes just as it ends."""

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        seconds, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(seconds):
                await super().send_packed_command(command, check_health)
        except TimeoutError:
            raise RedisTimeoutError("Timeout writing to socket") from None
        finally:
            self.socket_timeout = seconds


def client(url: str, **options: Any) -> Redis:
    """What the address says goes before the options of redis-py."""
    if sentinel.is_sentinel(url):
        return Redis.from_pool(sentinel.pool(url, **options))
    return Redis.from_url(url, **options)


def producer(url: str) -> Redis:
    """For enqueueing. It gives up within Slack's three seconds if Redis is down or silent."""
    return client(
        url,
        socket_connect_timeout=0.5,
        socket_timeout=0.8,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.05), 2),
    )


def dispatcher(url: str) -> Redis:
    """For an RQ worker, which waits for minutes in one command."""
    return client(url)


def shared(url: str) -> AsyncRedis:
    """For everything on an event loop; it returns `str`. A caller waits for a free connection instead of failing."""
    make_pool = sentinel.async_pool if sentinel.is_sentinel(url) else BlockingConnectionPool.from_url
    pool = make_pool(
        url, max_connections=CONNECTIONS, timeout=10, socket_connect_timeout=2, socket_timeout=5, decode_responses=True
    )
    pool.connection_class = type("Connection", (_Cancellable, pool.connection_class), {})
    return AsyncRedis.from_pool(pool)


def queue(name: str, client: Redis) -> Queue:
    return Queue(name, connection=client, serializer=JSONSerializer)

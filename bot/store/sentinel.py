"""A Redis that Sentinels look after: they say which of its servers is the primary at the moment.

The address is `redis+sentinel://[user:password@]host:port,host:port/name[/db][?options]`; with `rediss+sentinel://`
both Sentinels and servers are reached by TLS. User and password are those of Redis. `sentinel_username` and
`sentinel_password` among the options are those of the Sentinels; the other options are redis-py's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

SCHEMES = ("redis+sentinel://", "rediss+sentinel://")
PORT = 26379
# A Sentinel that does not answer at once is passed over for the next.
SECONDS = 0.5


@dataclass(frozen=True)
class SentinelAddress:
    sentinels: tuple[tuple[str, int], ...]
    service: str
    for_redis: Mapping[str, Any]
    for_sentinels: Mapping[str, Any]


def is_sentinel(url: str) -> bool:
    return url.startswith(SCHEMES)


def read(url: str) -> SentinelAddress:
    """What an address says that the settings took for one."""
    # `urlsplit` knows one host only.
    scheme, _, rest = url.partition("+sentinel://")
    place, _, query = rest.partition("?")
    hosts_and_login, _, path = place.partition("/")
    login, at, hosts = hosts_and_login.rpartition("@")
    service, _, database = path.partition("/")
    options = parse_url(f"{scheme}://{login}{at}redis/{database}?{query}")
    del options["host"]
    options.pop("connection_class", None)
    for_sentinels: dict[str, Any] = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}
    for name in ("username", "password"):
        if f"sentinel_{name}" in options:
            for_sentinels[name] = options.pop(f"sentinel_{name}")
    if scheme == "rediss":
        options["ssl"] = True
        for_sentinels |= {name: value for name, value in options.items() if name.startswith("ssl")}
    sentinels = tuple(_host_and_port(host) for host in hosts.split(","))
    return SentinelAddress(sentinels, unquote(service), options, for_sentinels)


def _host_and_port(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or PORT


class _Pool(SentinelConnectionPool):
    """Closes the connections to the Sentinels with those to Redis."""

    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                sentinel.close()


class _AsyncPool(AsyncSentinelConnectionPool, BlockingConnectionPool):
    """Callers wait for a free connection. Closes the connections to the Sentinels with those to Redis."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def pool(url: str, **options: Any) -> SentinelConnectionPool:
    """For `Redis.from_pool`. The address wins over the options."""
    address = read(url)
    manager = Sentinel(address.sentinels, sentinel_kwargs={**address.for_sentinels, "retry": Retry(NoBackoff(), 0)})
    return _Pool(address.service, manager, **{**options, **address.for_redis})  # type: ignore[no-untyped-call]


def async_pool(url: str, **options: Any) -> BlockingConnectionPool:
    """The same for the asynchronous client."""
    address = read(url)
    manager = AsyncSentinel(
        address.sentinels, sentinel_kwargs={**address.for_sentinels, "retry": AsyncRetry(NoBackoff(), 0)}
    )
    return _AsyncPool(address.service, manager, **{**options, **address.for_redis})  # type: ignore[no-untyped-call]

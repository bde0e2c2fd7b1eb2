"""A real Redis for every test process, empty for every test, and how long properties are tried."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot import embedded
from bot.store import connections
from tests.desk import Desk, at_desk

settings.register_profile(
    "default", max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this process's own Redis."""
    with embedded.running(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def redis_url(redis_server: str) -> str:
    with Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
async def redis(redis_url: str) -> "AsyncIterator[AsyncRedis]":
    client = connections.shared(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def desk(redis: "AsyncRedis") -> AsyncIterator[Desk]:
    async with at_desk(redis) as desk:
        yield desk

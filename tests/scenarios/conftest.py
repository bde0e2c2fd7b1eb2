"""One Parley for each transport, which all scenarios share: each asks in a thread of its own and disturbs nobody.

A module that wants settings of its own, or to be undisturbed, overrides `parley` with one that it gets from `running`
or `on_shared_redis`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from redis import Redis

from bot.ops import own_redis
from tests.kit.parley import Parley, Transport

METRICS_TOKEN = "a-token-of-the-test"


@pytest_asyncio.fixture(scope="package", loop_scope="package", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    """On a Redis of its own: it runs while modules with another Parley empty theirs."""
    async with running(tmp_path_factory, request.param, METRICS_TOKEN=METRICS_TOKEN) as parley:
        yield parley


@asynccontextmanager
async def running(
    tmp_path_factory: pytest.TempPathFactory, transport: Transport, **settings: str
) -> AsyncIterator[Parley]:
    """On a Redis of its own, with a worker and a Claude that answers quickly."""
    with own_redis.running(tmp_path_factory.mktemp("redis")) as redis_url:
        async with Parley(
            redis_url, tmp_path_factory.mktemp(transport), transport=transport, settings=settings
        ) as parley:
            parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
            yield parley


@asynccontextmanager
async def on_shared_redis(
    redis_url: str, folder: Path, transport: Transport, *, workers: int = 0, **settings: str
) -> AsyncIterator[Parley]:
    """On the test process's own Redis, emptied before and after. Without workers, what is asked waits."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
        async with Parley(redis_url, folder, transport=transport, workers=workers, settings=settings) as parley:
            yield parley
        redis.flushall()


@pytest.fixture(autouse=True)
def all_is_well(parley: Parley) -> None:
    parley.sandbox.faults.clear()
    parley.sandbox.claude.scripts.clear()

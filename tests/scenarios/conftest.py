"""One Parley for each transport: a scenario takes a channel message of its own and disturbs nobody.

A module that wants settings of its own, or to be undisturbed, overrides `parley` with one that it gets from `running`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

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
    with own_redis.running(tmp_path_factory.mktemp("redis")) as redis_url:
        async with Parley(
            redis_url, tmp_path_factory.mktemp(transport), transport=transport, settings=settings
        ) as parley:
            parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
            yield parley


@pytest.fixture(autouse=True)
def all_is_well(parley: Parley) -> None:
    parley.sandbox.faults.clear()
    parley.sandbox.claude.scripts.clear()

"""One Parley for each transport: a scenario takes a channel message of its own and disturbs nobody."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot import embedded
from tests.parley import Parley, Transport


@pytest_asyncio.fixture(scope="package", loop_scope="package", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    """On a Redis of its own: it runs while modules with another Parley empty theirs."""
    transport: Transport = request.param
    folder = tmp_path_factory.mktemp(transport)
    with embedded.running(tmp_path_factory.mktemp("redis")) as redis_url:
        async with Parley(redis_url, folder, transport=transport) as parley:
            parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
            yield parley


@pytest.fixture(autouse=True)
def all_is_well(parley: Parley) -> None:
    parley.sandbox.faults.clear()
    parley.sandbox.claude.scripts.clear()

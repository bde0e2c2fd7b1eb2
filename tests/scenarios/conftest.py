"""One Parley for each module and transport: a scenario takes a channel message of its own and disturbs nobody.

A module's SETTINGS are its Parley's.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.parley import Parley, Transport


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(
    request: pytest.FixtureRequest, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parley]:
    transport: Transport = request.param
    folder = tmp_path_factory.mktemp(transport)
    settings = getattr(request.module, "SETTINGS", {})
    async with Parley(redis_server, folder, transport=transport, settings=settings) as parley:
        parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
        yield parley


@pytest.fixture(autouse=True)
def all_is_well(parley: Parley) -> None:
    parley.sandbox.faults.clear()

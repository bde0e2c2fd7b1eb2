"""Whoever removes the app has everything erased, and may come back."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.store import keys
from tests.kit.parley import Parley
from tests.scenarios.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def parley(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with running(tmp_path_factory, request.param) as parley:
        yield parley


# What a worker counts of calls that were under way.
BUDGET = {"calls", "edits", "drafts", "posts", "pause", "slower", "next-post"}


async def left(parley: Parley) -> list[str]:
    team = parley.sandbox.team
    found = [key async for key in parley.redis.scan_iter(f"{team}:*", count=1000)]
    return [key for key in found if key.split(":")[1] not in BUDGET]


async def test_a_removed_app_keeps_nothing_even_if_it_was_answering_and_can_be_installed_again(parley: Parley) -> None:
    parley.sandbox.claude.script("for ever", Answer("on and on " * 2000, deltas_per_second=50.0), times=1)
    done = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", done)
    running = await parley.slack.say("ada", "random", "@parley for ever")
    await parley.slack.until(lambda: parley.replies("random", running))
    await parley.slack.uninstall()
    await parley.logged("uninstalled team=")
    await parley.logged("token revoked team=")
    await parley.sandbox.journal.until(lambda e: e.kind == "claude.closed", within=15)

    async def is_clean() -> bool:
        return not await left(parley)

    await parley.eventually(is_clean, within=10)
    assert not await parley.redis.sismember(keys.TEAMS, parley.sandbox.team)
    await parley.slack.install()
    again = await parley.slack.say("ada", "general", "@parley and again")
    assert await parley.answers("general", again)
    assert "Traceback" not in parley.log


@pytest.mark.parametrize("event", ["app_uninstalled", "tokens_revoked"])
async def test_either_event_alone_erases_everything(parley: Parley, event: str) -> None:
    """They come in any order, and a token can be revoked without the other."""
    ts = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    await parley.slack.deliver({"type": event, "tokens": {"oauth": [], "bot": [parley.sandbox.bot_user]}})

    async def is_clean() -> bool:
        return not await left(parley)

    await parley.eventually(is_clean, within=10)


async def test_a_persons_token_that_is_revoked_costs_nothing(parley: Parley) -> None:
    ts = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", ts)
    await parley.remembered("general", ts, turns=2)
    event_id = await parley.slack.deliver({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}})
    await parley.sandbox.journal.until(lambda e: e.kind == "slack.ack" and e.data.get("event_id") == event_id)
    assert len(await parley.history("general", ts)) == 2

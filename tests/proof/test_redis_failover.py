"""The primary dies, and Sentinels make its replica the primary."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.sandbox.claude.answers import Answer
from bot.views import footer
from tests.kit.parley import Parley
from tests.kit.redis_servers import Watched, eventually, watched

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]
WAITING = {"REDIS_WAIT_REPLICAS": "1"}


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path / "redis") as group:
        yield group


async def until(condition: Callable[[], bool]) -> None:
    """Ask the servers again and again."""
    await asyncio.to_thread(eventually, condition, 60)


def acknowledged(parley: Parley) -> set[str]:
    return {str(entry.data.get("ts")) for entry in parley.sandbox.journal.entries("slack.ack")}


async def test_every_question_is_answered_once_though_the_primary_dies_while_they_come_in(
    group: Watched, tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    async with Parley(group.url, tmp_path / "log", settings=WAITING) as parley:
        parley.sandbox.claude.script(None, Answer("Here."))
        questions = []
        for number in range(30):
            if number == 15:
                await asyncio.to_thread(group.primary.kill)
            questions.append(await parley.slack.say("ada", "general", f"@parley {number}"))
            await asyncio.sleep(0.05)
        await until(group.has_failed_over)
        sure = [ts for ts in questions if ts in acknowledged(parley)]
        assert len(sure) >= 10
        for ts in sure:
            assert await parley.answers("general", ts, within=60) == ["Here."]
        group.primary.start()
        await until(group.is_whole_again)
        # Slack delivers again what was not acknowledged: at once, a minute and five minutes later.
        for seconds in (3, 61, 301):
            parley.sandbox.clock.advance(seconds)
            await asyncio.sleep(1)
        for ts in questions:
            assert await parley.answers("general", ts, within=60) == ["Here."]
            assert len(parley.answer("general", ts, ts)) == 1
        assert "Traceback" not in parley.log


async def test_what_is_asked_after_a_failover_is_answered_and_stopped(group: Watched, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    async with Parley(group.url, tmp_path / "log", settings={"DRAIN_SECONDS": "1"}) as parley:
        parley.sandbox.claude.script(None, Answer("Word after word, without an end. " * 400, deltas_per_second=20))
        before = await parley.slack.say("ada", "general", "@parley go on")
        await parley.slack.until(lambda: parley.replies("general", before))
        await asyncio.to_thread(group.primary.kill)
        await until(group.has_failed_over)
        after = await parley.slack.say("ada", "general", "@parley and again")
        [growing] = await parley.slack.until(lambda: parley.replies("general", after), within=60)
        await parley.slack.click("ada", footer.STOP, channel="general", ts=growing.ts)
        await parley.answers("general", after, within=15)
        assert "Traceback" not in parley.log


async def test_a_question_that_no_replica_has_is_not_acknowledged_for_a_failover_loses_it(
    group: Watched, tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    async with Parley(group.url, tmp_path / "log", settings=WAITING, workers=0) as parley:
        group.cut()
        ts = await parley.slack.say("ada", "general", "@parley hello")
        await parley.logged(f"not acknowledged .*ts={ts}")
        await asyncio.to_thread(group.primary.kill)
        assert ts not in acknowledged(parley)
        await until(group.has_failed_over)
        assert not await parley.redis.keys(f"*:{ts}:box"), "the new primary never had it"


async def test_without_waiting_a_failover_can_lose_an_acknowledged_question(group: Watched, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    async with Parley(group.url, tmp_path / "log", workers=0) as parley:
        group.cut()
        ts = await parley.slack.say("ada", "general", "@parley hello")
        await parley.logged(f"kept .*{ts}")
        await asyncio.to_thread(group.primary.kill)
        await until(group.has_failed_over)
        assert ts in acknowledged(parley)
        assert not await parley.redis.keys(f"*:{ts}:box")

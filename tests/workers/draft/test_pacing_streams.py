"""Native streams have budgets of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.slack.rate_limits import RateLimits
from tests.kit.pacing import TEAM, edit, on_redis, pass_by
from workers.draft.pacing import APPENDS_PER_MINUTE, STREAM_MS, STREAMS_PER_MINUTE, Pacing


@pytest.fixture
def pacing(redis: Redis) -> Pacing:
    return Pacing(redis, 10)


async def append(pacing: Pacing, draft: str, since_last: float = 3600.0) -> float:
    """Ask for an append; if it is allowed, Slack answers at once."""
    if not (wait := await pacing.append(TEAM, draft, since_last)):
        await pacing.appended(TEAM, draft)
    return wait


async def opened(pacing: Pacing, many: int) -> list[str]:
    """The drafts, of so many, that may start a stream."""
    return [name for name in (f"s{n}" for n in range(many)) if await pacing.open_stream(TEAM, name)]


async def test_20_streams_are_started_a_minute_and_all_can_be_stopped_at_once(redis: Redis, pacing: Pacing) -> None:
    names = await opened(pacing, 30)
    assert len(names) == STREAMS_PER_MINUTE
    assert [await pacing.stop_stream(TEAM, name) for name in names] == [0.0] * len(names)
    assert await opened(pacing, 1) == []
    assert 60 < await pacing.stop_stream(TEAM, "another") <= 61
    await pass_by(redis, 61.1)
    assert len(await opened(pacing, 30)) == STREAMS_PER_MINUTE


@on_redis
@given(acts=st.lists(st.tuples(st.sampled_from(["open", "open", "stop", "pass"]), st.integers(0, 29)), max_size=60))
async def test_an_open_stream_can_be_stopped_at_any_time(redis: Redis, acts: list[tuple[str, int]]) -> None:
    """Invariant 7: whoever is allowed to start is allowed to stop, in whatever order others do."""
    await redis.flushall()
    pacing = Pacing(redis, 10)
    running: set[str] = set()
    for act, number in acts:
        match act:
            case "open" if f"s{number}" not in running and await pacing.open_stream(TEAM, f"s{number}"):
                running.add(f"s{number}")
            case "stop" if running:
                name = sorted(running)[number % len(running)]
                assert await pacing.stop_stream(TEAM, name) == 0
                running.remove(name)
            case "pass":
                await pass_by(redis, number)
                for name in running:
                    await append(pacing, name)
    assert [await pacing.stop_stream(TEAM, name) for name in sorted(running)] == [0.0] * len(running)


async def test_a_stream_that_is_closed_or_stopped_makes_room_for_another(redis: Redis, pacing: Pacing) -> None:
    names = await opened(pacing, STREAMS_PER_MINUTE)
    await pass_by(redis, 61.1)
    assert await opened(pacing, 30) == []
    await pacing.close(TEAM, names[0])
    assert await pacing.open_stream(TEAM, "next")
    assert not await pacing.open_stream(TEAM, "another")


async def test_a_start_counts_for_a_minute_whatever_becomes_of_the_stream(redis: Redis, pacing: Pacing) -> None:
    for name in await opened(pacing, STREAMS_PER_MINUTE):
        await pacing.close(TEAM, name)
    assert await opened(pacing, 1) == []
    await pass_by(redis, 61.1)
    assert await opened(pacing, 1) == ["s0"]


async def test_a_stream_that_nobody_stopped_is_over_after_five_minutes(redis: Redis, pacing: Pacing) -> None:
    await opened(pacing, STREAMS_PER_MINUTE)
    await pass_by(redis, STREAM_MS / 1000 - 1)
    assert await opened(pacing, 1) == []
    await pass_by(redis, 1.1)
    assert await opened(pacing, 1) == ["s0"]


async def test_a_stream_is_appended_to_once_a_second(pacing: Pacing) -> None:
    await opened(pacing, 1)
    assert await append(pacing, "s0") == 0
    assert await append(pacing, "s0", 0.2) == pytest.approx(0.8, abs=0.01)
    assert await append(pacing, "s0", 1.0) == 0


async def test_open_streams_share_the_appends_evenly(pacing: Pacing) -> None:
    for name in await opened(pacing, 10):
        assert await append(pacing, name) == 0
        assert await append(pacing, name, 0.0) == pytest.approx(60 * 10 / APPENDS_PER_MINUTE, abs=0.01)


@on_redis
@given(many=st.integers(1, 20), steps=st.lists(st.floats(0, 3), min_size=1, max_size=12))
async def test_no_minute_has_more_appends_than_slack_allows(redis: Redis, many: int, steps: list[float]) -> None:
    """Invariant 6."""
    await redis.flushall()
    pacing = Pacing(redis, 10)
    names = await opened(pacing, many)
    at, sent = 0.0, []
    for step in steps:
        for name in names:
            for _ in range(12):
                if await append(pacing, name):
                    break
                sent.append(at)
        await pass_by(redis, step)
        at += step
    assert max(sum(start <= at < start + 60 for at in sent) for start in sent) <= APPENDS_PER_MINUTE


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_a_refused_call_of_a_stream_pauses_that_method_alone(redis: Redis, pacing: Pacing, method: str) -> None:
    await opened(pacing, 1)
    await RateLimits(redis, TEAM).pause(method, 30)
    other = Pacing(redis, 10)
    assert await other.open_stream(TEAM, "s1") == (method != "chat.startStream")
    assert (29 < await append(other, "s0") <= 30) == (method == "chat.appendStream")
    assert (29 < await other.stop_stream(TEAM, "s0") <= 30) == (method == "chat.stopStream")
    assert await edit(other, "d", 3600.0, final=True) == 0
    await pass_by(redis, 30.1)
    assert await other.open_stream(TEAM, "s2")
    assert await append(other, "s2") == 0
    assert await other.stop_stream(TEAM, "s2") == 0


async def test_nothing_of_a_stream_stays_behind(redis: Redis, pacing: Pacing) -> None:
    await opened(pacing, 2)
    await append(pacing, "s0")
    await pacing.stop_stream(TEAM, "s0")
    found = [key async for key in redis.scan_iter()]
    assert all(key.startswith(f"{TEAM}:") for key in found)
    assert all([0 < await redis.pttl(key) <= STREAM_MS for key in found])

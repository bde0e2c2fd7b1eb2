"""The edit budget, on a real Redis whose past is moved so that minutes need not pass."""

import asyncio
import math
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.world.limits import Window
from bot.slack.errors import Paused
from bot.slack.rate_limits import RateLimits
from bot.store import connections, keys
from tests.kit.pacing import CHANNEL, TEAM, edit, now_ms, on_redis, pass_by, scores
from workers.draft.pacing import DRAFT_MS, MINUTE_MS, POST_SPACING_MS, POSTS_MS, POSTS_PER_MINUTE, UNDER_WAY_MS, Pacing

REFUSED = SlackApiError("too many", {"ok": False, "error": "ratelimited"})


@pytest.fixture
def pacing(redis: Redis) -> Pacing:
    return Pacing(redis, 10)


async def use_up(pacing: Pacing, draft: str = "d", most: int = 1000) -> int:
    """Edit until the budget says no; how often it went."""
    used = 0
    while used < most and not await edit(pacing, draft, 3600.0, final=False):
        used += 1
    return used


class Past:
    """The edits that were allowed, on a clock that jumps; times in ms."""

    def __init__(self, redis: Redis, pacing: Pacing) -> None:
        self._redis, self._pacing = redis, pacing
        self._skipped = 0
        self._last: dict[str, int] = {}
        self.edits: list[int] = []

    async def edit(self, draft: str, *, final: bool) -> float:
        now = await now_ms(self._redis) + self._skipped
        since = (now - self._last.get(draft, now - 3_600_000)) / 1000
        wait = await edit(self._pacing, draft, since, final=final)
        if not wait:
            newest = (await scores(self._redis, keys.calls(TEAM, "chat.update")))[-1]
            self._last[draft] = int(newest[1]) + self._skipped
            self.edits.append(self._last[draft])
        return wait

    async def skip(self, seconds: float) -> None:
        await pass_by(self._redis, seconds)
        self._skipped += math.ceil(seconds * 1000)

    def busiest_minute(self) -> int:
        return max((sum(at <= other < at + MINUTE_MS for other in self.edits) for at in self.edits), default=0)


drafts = st.sampled_from(["a", "b", "c", "d"])
steps = st.lists(
    st.tuples(st.sampled_from(["edit", "edit", "final", "close"]), drafts)
    | st.tuples(st.just("skip"), st.sampled_from([0.2, 1.0, 3.0, 14.0, 59.0, 60.0]))
    | st.tuples(st.just("wait"), drafts),
    min_size=5,
    max_size=60,
)


@on_redis
@given(steps=steps, limit=st.integers(2, 12))
async def test_no_minute_has_more_edits_than_the_limit(
    redis: Redis, steps: list[tuple[str, str | float]], limit: int
) -> None:
    """Invariant 6, in every window of a minute."""
    await redis.flushall()
    pacing = Pacing(redis, limit)
    past = Past(redis, pacing)
    for what, with_what in steps:
        match what, with_what:
            case "skip", float(seconds):
                await past.skip(seconds)
            case "close", str(draft):
                await pacing.close(TEAM, draft)
            case "wait", str(draft):
                await past.skip(await past.edit(draft, final=False))
            case _, str(draft):
                await past.edit(draft, final=what == "final")
        assert past.busiest_minute() <= limit


class Process:
    """Drafts that edit against a Slack whose minute is a tenth of a second, in real time."""

    def __init__(self, redis: Redis, slack: Window) -> None:
        self._pacing, self._slack = Pacing(redis, slack.limit, window=slack.seconds), slack
        self.refused = 0

    async def draft(self, name: str, edits: list[tuple[bool, float, float]]) -> None:
        """Each edit: whether it is final, how long it is on its way to Slack, and how long its answer."""
        last = -math.inf
        for final, there, back in edits:
            if not final and not await self._pacing.admit(TEAM, name):
                continue
            while wait := await self._pacing.edit(TEAM, name, min(3600.0, time.monotonic() - last), final=final):
                await asyncio.sleep(min(wait, 0.01))
            last = time.monotonic()
            await asyncio.sleep(there)
            now = time.monotonic()
            self.refused += self._slack.wait(now) > 0
            self._slack.calls.append(now)
            await asyncio.sleep(back)
            await self._pacing.edited(TEAM, name)
            if final:
                await self._pacing.close(TEAM, name)


ways = st.sampled_from([0.0, 0.0, 0.005, 0.02, 0.05])
edits = st.lists(st.tuples(st.booleans(), ways, ways), min_size=1, max_size=8)


@settings(on_redis, max_examples=15)
@given(drafts=st.lists(edits, min_size=2, max_size=6), limit=st.integers(2, 8))
async def test_slack_refuses_nobody_of_two_processes_however_slow_the_way(
    redis_url: str, redis: Redis, drafts: list[list[tuple[bool, float, float]]], limit: int
) -> None:
    """Invariant 6, judged as the sandbox's Slack does: by when calls arrive."""
    await redis.flushall()
    slack = Window(limit, seconds=0.1)
    other = connections.shared(redis_url)
    processes = [Process(redis, slack), Process(other, slack)]
    await asyncio.gather(*(processes[n % 2].draft(f"d{n}", edits) for n, edits in enumerate(drafts)))
    await other.aclose()
    assert [process.refused for process in processes] == [0, 0]


@on_redis
@given(limit=st.integers(2, 60), names=st.sets(st.sampled_from("abcdefghijklmnop"), min_size=1))
async def test_every_live_reply_can_end_at_once_however_many_edits_there_were(
    redis: Redis, limit: int, names: set[str]
) -> None:
    """Invariant 7: an edit is kept back for each."""
    await redis.flushall()
    pacing = Pacing(redis, limit)
    live = [name for name in sorted(names) if await pacing.admit(TEAM, name)]
    for _ in range(limit):
        for name in live:
            await pacing.edit(TEAM, name, 3600.0, final=False)
    assert [await pacing.edit(TEAM, name, 0.0, final=True) for name in live] == [0.0] * len(live)


async def test_many_processes_together_stay_within_the_limit(redis: Redis, pacing: Pacing) -> None:
    waits = await asyncio.gather(*(pacing.edit(TEAM, f"d{n}", 3600.0, final=True) for n in range(40)))
    assert waits.count(0.0) == 10


async def test_who_waits_as_told_may_edit_then(redis: Redis, pacing: Pacing) -> None:
    while not (wait := await edit(pacing, "d", 3600.0, final=True)):
        pass
    assert 59 < wait <= 60.1
    await pass_by(redis, wait - 1.0)
    assert 0 < await pacing.edit(TEAM, "d", 3600.0, final=True) <= 1.1
    await pass_by(redis, 1.1)
    assert await pacing.edit(TEAM, "d", 3600.0, final=True) == 0


async def test_an_edit_counts_until_a_minute_after_slack_answered(redis: Redis) -> None:
    pacing = Pacing(redis, 2)
    assert await pacing.edit(TEAM, "slow", 3600.0, final=True) == 0
    assert await edit(pacing, "quick", 3600.0, final=True) == 0
    await pass_by(redis, 5.0)
    await pacing.edited(TEAM, "slow")
    await pass_by(redis, 55.1)
    assert await edit(pacing, "quick", 3600.0, final=True) == 0
    assert 4 < await pacing.edit(TEAM, "quick", 3600.0, final=True) < 5


async def test_an_edit_that_was_under_way_when_its_process_died_counts_when_another_goes_on(redis: Redis) -> None:
    pacing = Pacing(redis, 2)
    assert await pacing.edit(TEAM, "d", 3600.0, final=True) == 0
    await pass_by(redis, 1.0)
    assert await edit(pacing, "d", 3600.0, final=True) == 0
    assert await pacing.edit(TEAM, "d", 3600.0, final=True) > 59
    await pass_by(redis, 60.1)
    assert await edit(pacing, "d", 3600.0, final=True) == 0
    assert 0 < await pacing.edit(TEAM, "d", 3600.0, final=True) < UNDER_WAY_MS / 1000


async def test_a_reply_alone_uses_all_but_the_edit_kept_back_evenly(pacing: Pacing) -> None:
    assert await pacing.edit(TEAM, "d", 3600.0, final=False) == 0
    assert await pacing.edit(TEAM, "d", 1.0, final=False) == pytest.approx(60 / 9 - 1, abs=0.01)


async def test_live_replies_share_the_budget_evenly(pacing: Pacing) -> None:
    for name in "ab":
        assert await pacing.edit(TEAM, name, 3600.0, final=False) == 0
    assert await pacing.edit(TEAM, "a", 0.0, final=False) == pytest.approx(60 * 2 / 8, abs=0.01)


async def test_replies_beyond_what_makes_sense_stay_on_their_status(redis: Redis) -> None:
    pacing = Pacing(redis)
    admitted = [await pacing.admit(TEAM, f"d{n}") for n in range(20)]
    assert admitted == [True] * 12 + [False] * 8
    assert await pacing.admit(TEAM, "d0")
    await pacing.close(TEAM, "d0")
    assert await pacing.admit(TEAM, "d19")
    assert not await pacing.admit(TEAM, "d18")


async def test_even_the_smallest_budget_admits_one(redis: Redis) -> None:
    pacing = Pacing(redis, 2)
    assert [await pacing.admit(TEAM, "a"), await pacing.admit(TEAM, "b")] == [True, False]


async def test_a_reply_that_died_frees_its_share_after_30_seconds(redis: Redis, pacing: Pacing) -> None:
    assert [await pacing.admit(TEAM, name) for name in "abc"] == [True, True, False]
    await pass_by(redis, DRAFT_MS / 1000 - 2)
    assert not await pacing.admit(TEAM, "c")
    await pass_by(redis, 2.1)
    assert await pacing.admit(TEAM, "c")


async def test_a_reply_that_is_edited_for_minutes_stays_open(redis: Redis, pacing: Pacing) -> None:
    assert [await pacing.admit(TEAM, name) for name in "abc"] == [True, True, False]
    for _ in range(8):
        await pass_by(redis, 10.0)
        await pacing.edit(TEAM, "a", 10.0, final=False)
        await pacing.edit(TEAM, "b", 10.0, final=False)
        assert await redis.zcard(keys.drafts(TEAM)) == 2
    assert 0 < await redis.pttl(keys.drafts(TEAM)) <= MINUTE_MS


async def test_a_refusal_pauses_a_method_for_the_team_and_for_no_other(redis: Redis) -> None:
    """Invariant 6: in every process, until Retry-After has passed."""
    await RateLimits(redis, TEAM).pause("chat.update", 30)
    other = Pacing(redis, 10)
    assert 29 < await other.edit(TEAM, "d", 3600.0, final=True) <= 30
    assert await other.edit("T2", "d", 3600.0, final=True) == 0
    assert await other.post(TEAM, CHANNEL) == 0
    await pass_by(redis, 30)
    assert await other.edit(TEAM, "d", 3600.0, final=True) == 0


async def test_after_a_refusal_edits_go_slower_for_two_minutes(redis: Redis, pacing: Pacing) -> None:
    assert await use_up(pacing) == 9
    await pass_by(redis, 61)
    assert await pacing.limited(TEAM, "chat.update", REFUSED) == 0
    assert await use_up(pacing) == 6
    await pass_by(redis, 121)
    assert await use_up(pacing) == 9


@pytest.mark.parametrize(
    ("method", "seconds"), [("conversations.replies", 7.0), ("chat.update", 7.0), ("chat.startStream", 0.0)]
)
async def test_a_call_that_was_not_made_is_waited_for_and_slows_nothing(
    redis: Redis, pacing: Pacing, method: str, seconds: float
) -> None:
    """A stream that may not begin becomes a post, which need not wait."""
    assert await pacing.limited(TEAM, method, Paused(method, 7.0)) == seconds
    assert not await redis.exists(keys.slower(TEAM, method), keys.pause(TEAM, method))


async def test_a_refusal_that_redis_does_not_take_is_waited_for_here(tmp_path: Path) -> None:
    nowhere = connections.shared(f"unix://{tmp_path}/none.sock")
    assert await Pacing(nowhere, 10).limited(TEAM, "chat.update", REFUSED) == 1.0


async def test_messages_of_a_channel_are_a_second_apart(redis: Redis, pacing: Pacing) -> None:
    waits = sorted(await asyncio.gather(*(pacing.post(TEAM, CHANNEL) for _ in range(4))))
    assert waits == [pytest.approx(n, abs=0.2) for n in range(4)]
    assert await pacing.post(TEAM, "C2") == 0
    assert await pacing.post("T2", CHANNEL) == 0
    await pass_by(redis, 4.5)
    assert await pacing.post(TEAM, CHANNEL) == 0


async def test_all_channels_together_have_a_cap(redis: Redis, pacing: Pacing) -> None:
    waits = [await pacing.post(TEAM, f"C{n}") for n in range(POSTS_PER_MINUTE)]
    assert set(waits) == {0.0}
    minute = POSTS_MS / 1000
    assert minute - 10 < await pacing.post(TEAM, "Cnext") <= minute
    assert await pacing.post("T2", CHANNEL) == 0
    await pass_by(redis, minute)
    assert await pacing.post(TEAM, "Clater") == 0


async def test_posts_reserved_in_one_channel_count_for_the_others_when_they_come(redis: Redis, pacing: Pacing) -> None:
    spacing = POST_SPACING_MS / 1000
    waits = [await pacing.post(TEAM, CHANNEL) for _ in range(POSTS_PER_MINUTE)]
    assert waits[-1] == pytest.approx(spacing * (POSTS_PER_MINUTE - 1), abs=5)
    assert await pacing.post(TEAM, "C2") == pytest.approx(POSTS_MS / 1000, abs=5)


async def test_a_refused_post_waits_in_every_channel(redis: Redis, pacing: Pacing) -> None:
    await RateLimits(redis, TEAM).pause("chat.postMessage", 20)
    waits = [await pacing.post(TEAM, channel) for channel in ("C1", "C1", "C2")]
    assert waits == [pytest.approx(20, abs=0.2), pytest.approx(21, abs=0.2), pytest.approx(20, abs=0.2)]
    assert await pacing.edit(TEAM, "d", 3600.0, final=True) == 0


async def test_nothing_of_the_budget_stays_behind(redis: Redis, pacing: Pacing) -> None:
    await pacing.admit(TEAM, "d")
    await edit(pacing, "d", 3600.0, final=True)
    await pacing.edit(TEAM, "under way", 3600.0, final=True)
    await pacing.post(TEAM, CHANNEL)
    await pacing.limited(TEAM, "chat.update", REFUSED)
    await pacing.close(TEAM, "d")
    found = [key async for key in redis.scan_iter()]
    assert all(key.startswith(f"{TEAM}:") for key in found)
    assert all([0 < await redis.pttl(key) <= 120_000 for key in found])

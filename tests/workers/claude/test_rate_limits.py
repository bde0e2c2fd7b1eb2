"""Who would be refused waits before asking: against the sandbox's rate limits, on a real Redis whose past is moved."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.sandbox.claude import models as played
from bot.sandbox.claude.errors import ApiError
from bot.sandbox.claude.limits import Limits, Rates
from bot.sandbox.clock import Clock
from bot.store import connections, keys
from workers.claude.rate_limits import HEARD_MS, ClaudeRateLimits, RateLimit, limits

FAMILY = "sonnet"
MODEL = played.find("claude-sonnet-5-5")


@pytest.fixture
def rate_limits(redis: Redis) -> ClaudeRateLimits:
    return ClaudeRateLimits(redis)


async def pass_by(redis: Redis, seconds: float) -> None:
    """Let time pass for what is known of the limits: all of it lies further back."""
    ms = math.ceil(seconds * 1000)
    for key in [key async for key in redis.scan_iter("claude:*")]:
        if await redis.type(key) == "hash":
            for field, value in (await redis.hgetall(key)).items():
                if str(field).endswith((":at", ":full")):
                    await redis.hset(key, str(field), str(int(float(value)) - ms))
        elif key.endswith(":heard"):
            scores = cast("list[tuple[str, float]]", await redis.zrange(key, 0, -1, withscores=True))
            await redis.zadd(key, {member: score - ms for member, score in scores})
        left = await redis.pttl(key)
        await (redis.pexpire(key, left - ms) if left > ms else redis.delete(key))


def told(**kinds: tuple[int, int]) -> dict[str, str]:
    """Headers with limit and remaining of each kind."""
    found: dict[str, str] = {}
    for kind, (limit, remaining) in kinds.items():
        name = f"anthropic-ratelimit-{kind.replace('_', '-')}"
        found |= {f"{name}-limit": str(limit), f"{name}-remaining": str(remaining)}
    return found


def resets(kind: str, seconds: float) -> dict[str, str]:
    """Headers that say when a kind of limit is full again."""
    now = datetime.now(UTC).replace(microsecond=0)
    name = f"anthropic-ratelimit-{kind}-reset"
    return {"date": format_datetime(now, usegmt=True), name: (now + timedelta(seconds=seconds)).isoformat()}


async def know(rate_limits: ClaudeRateLimits, **kinds: tuple[int, int]) -> None:
    await rate_limits.saw(FAMILY, "earlier:0", told(**kinds))


# One kind of limit


async def test_while_nothing_is_known_there_is_room(rate_limits: ClaudeRateLimits) -> None:
    for number in range(100):
        assert await rate_limits.take(FAMILY, f"{number}:1000000") == 0


async def test_a_call_waits_until_its_tokens_are_there_again(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, input_tokens=(60_000, 5_500))
    assert await rate_limits.take(FAMILY, "small:5000") == 0
    wait = await rate_limits.take(FAMILY, "larger:10500")
    assert 8 < wait <= 10, "1,000 tokens a second, and 10,000 are missing"
    await pass_by(redis, wait)
    assert await rate_limits.take(FAMILY, "larger:10500") == 0


async def test_so_it_does_for_requests(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(6, 1))
    assert await rate_limits.take(FAMILY, "one:0") == 0
    assert 8 < await rate_limits.take(FAMILY, "two:0") <= 10
    assert 18 < await rate_limits.take(FAMILY, "three:0") <= 20
    await pass_by(redis, 10)
    assert await rate_limits.take(FAMILY, "two:0") == 0
    assert await rate_limits.take(FAMILY, "three:0") > 0


async def test_and_until_output_may_be_written_at_all(rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, output_tokens=(6, 0))
    assert 8 < await rate_limits.take(FAMILY, "one:0") <= 10
    await know(rate_limits, output_tokens=(6, 1))
    assert await rate_limits.take(FAMILY, "one:0") == 0


async def test_tokens_together_count_where_nothing_finer_is_told(rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, tokens=(60_000, 100))
    assert await rate_limits.take(FAMILY, "one:10100") > 9
    await rate_limits.saw(FAMILY, "one:10100", {})
    await know(rate_limits, input_tokens=(60_000, 60_000), output_tokens=(60_000, 60_000), tokens=(60_000, 100))
    assert await rate_limits.take(FAMILY, "one:10100") == 0


async def test_more_than_a_minute_allows_waits_for_a_full_bucket_and_no_longer(rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, input_tokens=(60_000, 30_100))
    assert 28 < await rate_limits.take(FAMILY, "huge:900000") < 30


async def test_at_its_reset_a_limit_is_full_again(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await rate_limits.saw(FAMILY, "earlier:0", told(requests=(60, 0)) | resets("requests", 4))
    for number in range(60):
        assert await rate_limits.take(FAMILY, f"{number}:0") <= 5
    assert await rate_limits.take(FAMILY, "60:0") > 50
    await pass_by(redis, 5)
    assert await rate_limits.take(FAMILY, "59:0") == 0
    assert await rate_limits.take(FAMILY, "60:0") > 0


async def test_a_reset_holds_only_until_claude_tells_anew(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await rate_limits.saw(FAMILY, "earlier:0", told(requests=(6, 0)) | resets("requests", 0))
    await pass_by(redis, 5)
    assert await rate_limits.take(FAMILY, "one:0") == 0
    await know(rate_limits, requests=(6, 0))
    assert await rate_limits.take(FAMILY, "two:0") > 10


async def test_a_bucket_that_nobody_uses_holds_no_more_than_a_minutes_worth(
    redis: Redis, rate_limits: ClaudeRateLimits
) -> None:
    await know(rate_limits, requests=(6, 3))
    await pass_by(redis, 3600)
    assert [await rate_limits.take(FAMILY, f"{number}:0") > 0 for number in range(7)] == [False] * 6 + [True]


async def test_families_do_not_share_their_limits(rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(60, 0))
    assert await rate_limits.take(FAMILY, "one:0") > 0
    assert await rate_limits.take("haiku", "one:0") == 0


# Several calls


async def test_calls_of_which_claude_has_told_nothing_yet_count(rate_limits: ClaudeRateLimits, redis: Redis) -> None:
    other_process = ClaudeRateLimits(redis)
    await know(rate_limits, input_tokens=(60_000, 10_100))
    assert await rate_limits.take(FAMILY, "first:10000") == 0
    assert await other_process.take(FAMILY, "second:10000") > 9
    await rate_limits.saw(FAMILY, "first:10000", told(input_tokens=(60_000, 58_100)))
    assert await other_process.take(FAMILY, "second:10000") == 0


async def test_who_came_first_goes_first_however_large(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, input_tokens=(60_000, 100))
    large = await rate_limits.take(FAMILY, "large:30000")
    small = await rate_limits.take(FAMILY, "small:20000")
    assert small > large > 0
    # There is room for the large one now, and for both only 20 seconds later.
    await pass_by(redis, large)
    assert await rate_limits.take(FAMILY, "small:20000") > 0
    assert await rate_limits.take(FAMILY, "large:30000") == 0


async def test_a_dead_process_takes_nothing_for_long(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(6, 1))
    assert await rate_limits.take(FAMILY, "killed:0") == 0
    await pass_by(redis, 10)
    await know(rate_limits, requests=(6, 1))
    assert await rate_limits.take(FAMILY, "alive:0") > 0
    await pass_by(redis, HEARD_MS / 1000 - 10)
    await know(rate_limits, requests=(6, 1))
    assert await rate_limits.take(FAMILY, "alive:0") == 0
    assert await redis.zcard(keys.rates_heard(FAMILY)) == 1


# The whole way


async def test_a_room_is_given_back_unless_claude_told_of_it(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    async with rate_limits.allowance(FAMILY, 1_000) as allowance:
        assert await redis.zcard(keys.rates_taken(FAMILY)) == 1
        await allowance.saw(told(requests=(50, 49)))
        assert await redis.zcard(keys.rates_taken(FAMILY)) == 0
    with pytest.raises(ConnectionError):
        async with rate_limits.allowance(FAMILY, 1_000):
            raise ConnectionError
    assert await redis.zcard(keys.rates_taken(FAMILY)) == 0
    assert await redis.zcard(keys.rates_heard(FAMILY)) == 0


async def test_a_wait_is_told_and_ends_early_when_there_is_room(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(1, 0))
    waited: list[float] = []
    heard = asyncio.Event()

    def waiting(seconds: float) -> None:
        waited.append(seconds)
        heard.set()

    async def call() -> None:
        async with rate_limits.allowance(FAMILY, 0, waiting):
            pass

    task = asyncio.create_task(call())
    await asyncio.wait_for(heard.wait(), 1)
    await know(rate_limits, requests=(1, 1))
    await asyncio.wait_for(task, 5)
    assert 55 < waited[0] <= 60


async def test_a_wait_that_is_stopped_takes_nothing(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(1, 0))
    heard = asyncio.Event()

    async def call() -> None:
        async with rate_limits.allowance(FAMILY, 0, lambda seconds: heard.set()):
            raise AssertionError

    task = asyncio.create_task(call())
    await asyncio.wait_for(heard.wait(), 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await redis.zcard(keys.rates_taken(FAMILY)) == 0


async def test_a_pause_is_everybodys_and_never_shortened(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    async with rate_limits.allowance(FAMILY, 0) as allowance:
        await allowance.pause(30)
        await allowance.pause(1)
    assert 28 < await ClaudeRateLimits(redis).take(FAMILY, "one:0") <= 30
    assert await rate_limits.take("opus", "one:0") == 0
    await pass_by(redis, 30)
    assert await rate_limits.take(FAMILY, "one:0") == 0


async def test_without_redis_there_is_room() -> None:
    redis = connections.shared("redis://127.0.0.1:1/0")
    async with ClaudeRateLimits(redis).allowance(FAMILY, 1_000) as allowance:
        await allowance.saw(told(requests=(1, 0)))
        await allowance.pause(30)
    await redis.aclose()


async def test_what_is_kept_goes_away(redis: Redis, rate_limits: ClaudeRateLimits) -> None:
    await know(rate_limits, requests=(1, 0))
    await rate_limits.take(FAMILY, "one:0")
    await rate_limits.pause(FAMILY, 1)
    found = [key async for key in redis.scan_iter()]
    assert len(found) == 4
    for key in found:
        assert await redis.pttl(key) > 0


calls = st.lists(
    st.tuples(st.integers(0, 60_000), st.integers(0, 3_000), st.integers(0, 5), st.sampled_from([0.0, 0.0, 0.3, 5.0])),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=max(25, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(calls=[(0, 0, 0, 0.0), (22, 0, 0, 0.0), (40_826, 0, 0, 0.0)], requests=5, input_tokens=20_000)
@example(calls=[(22, 0, 1, 0.0), (19_979, 0, 0, 0.0)], requests=5, input_tokens=20_000)
@example(calls=[(20_600, 0, 0, 0.0), (0, 0, 0, 0.0)], requests=5, input_tokens=20_000)
@given(calls=calls, requests=st.integers(5, 60), input_tokens=st.integers(20_000, 200_000))
async def test_claude_refuses_nobody_who_had_room(
    redis: Redis, calls: list[tuple[int, int, int, float]], requests: int, input_tokens: int
) -> None:
    """Several are under way at a time: `late` calls later Claude tells of one."""
    await redis.flushall()
    clock = Clock()
    claude = Limits(clock, Rates(requests, input_tokens, output_tokens=100_000))
    processes = [ClaudeRateLimits(redis), ClaudeRateLimits(redis)]
    await processes[0].saw(FAMILY, "earlier:0", claude.headers(MODEL))
    under_way: list[tuple[int, str, int]] = []

    async def passes(seconds: float) -> None:
        clock.advance(seconds)
        await pass_by(redis, seconds)

    async def answered(before: int) -> None:
        for due, call, output in [each for each in under_way if each[0] <= before]:
            under_way.remove((due, call, output))
            claude.spend(MODEL, output)
            await processes[due % 2].saw(FAMILY, call, claude.headers(MODEL))

    for number, (tokens, output, late, pause) in enumerate(calls):
        call = f"{number}:{tokens}"
        for _ in range(100):
            if not (wait := await processes[number % 2].take(FAMILY, call)):
                break
            await passes(wait)
        else:
            pytest.fail("it never had room")
        try:
            claude.take(MODEL, tokens)
        except ApiError as refused:
            pytest.fail(f"{refused} for {tokens}")
        under_way.append((number + late, call, output))
        await passes(pause)
        await answered(number)


# Headers


def test_headers_are_read_as_far_as_they_can_be() -> None:
    now = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    headers = {
        "Anthropic-Ratelimit-Requests-Limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-21T06:00:02Z",
        "anthropic-ratelimit-input-tokens-limit": "30000",
        "anthropic-ratelimit-input-tokens-remaining": "12000",
        "anthropic-ratelimit-input-tokens-reset": "soon",
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-remaining": "8000",
        "anthropic-ratelimit-tokens-limit": "many",
        "anthropic-ratelimit-tokens-remaining": "1",
    }
    assert limits(headers, now) == [
        RateLimit("requests", 50, 49, 3.0),
        RateLimit("input-tokens", 30_000, 11_500, None),
        RateLimit("output-tokens", 8_000, 7_500, None),
    ]
    assert limits({}, now) == []


def test_a_reset_is_counted_from_the_servers_own_time() -> None:
    headers = told(requests=(50, 49)) | {
        "date": "Sat, 21 Nov 2026 06:00:00 GMT",
        "anthropic-ratelimit-requests-reset": "2026-11-21T06:00:10Z",
    }
    [found] = limits(headers, datetime(2031, 1, 1, tzinfo=UTC))
    assert found.full_in == 11


def test_a_date_beyond_all_calendars_is_none() -> None:
    headers = {f"anthropic-ratelimit-requests-{name}": "5" for name in ("limit", "remaining")}
    assert limits({**headers, "date": "Fri, 31 Dec 9999 23:59:59 -2359"}, datetime.now(UTC))


values = st.one_of(
    st.text(), st.integers().map(str), st.datetimes().map(str), st.sampled_from(["", "1e3", "-5", "9" * 5000])
)


@given(
    st.dictionaries(
        st.sampled_from([*told(requests=(1, 1), input_tokens=(1, 1), output_tokens=(1, 1), tokens=(1, 1))])
        | st.sampled_from(["anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset", "date"]),
        values,
    )
)
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    for found in limits(headers, datetime.now(UTC)):
        assert found.remaining >= 0
        assert found.full_in is None or found.full_in >= 1

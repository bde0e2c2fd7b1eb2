"""When nobody asks a model that is down, on a real Redis whose past is moved so that minutes need not pass."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.store import connections, keys, load
from workers.claude.breaker import SPREAD, Breaker, BreakerPass

MODEL = "claude-sonnet-5-5"
RUN, WINDOW, FIRST, LONGEST, TRYING = 5, 60.0, 5.0, 60.0, 30.0


@pytest.fixture
def breaker(redis: Redis) -> Breaker:
    return Breaker(redis)


@pytest.fixture
def other_process(redis: Redis) -> Breaker:
    return Breaker(redis)


async def pass_by(redis: Redis, seconds: float) -> None:
    """Let time pass for what the breakers know: all of it lies further back."""
    ms = int(seconds * 1000)
    for key in [key async for key in redis.scan_iter("claude:*")]:
        if await redis.type(key) == "list":
            moments = await redis.lrange(key, 0, -1)
            for at, moment in enumerate(moments):
                await redis.lset(key, at, str(int(float(moment)) - ms))
        else:
            for field in ("open_until", "trying_until", "closed"):
                if known := await redis.hget(key, field):
                    await redis.hset(key, field, str(int(float(known)) - ms))
        left = await redis.pttl(key)
        await (redis.pexpire(key, left - ms) if left > ms else redis.delete(key))


async def entered(breaker: Breaker, model: str = MODEL) -> BreakerPass:
    call = await breaker.enter(model)
    assert isinstance(call, BreakerPass), f"kept out for {call} s"
    return call


async def fail(breaker: Breaker, times: int = RUN, model: str = MODEL) -> None:
    for _ in range(times):
        await breaker.failed(await entered(breaker, model))


async def kept_out(breaker: Breaker) -> float:
    wait = await breaker.enter(MODEL)
    assert isinstance(wait, float)
    assert wait > 0
    return wait


async def is_open(redis: Redis) -> bool:
    return (await load.breakers(redis, [MODEL]))[MODEL]


async def opened(redis: Redis) -> float:
    """For how long it is open from now on, in seconds."""
    assert await is_open(redis)
    seconds, microseconds = await redis.time()
    return float(await redis.hget(keys.breaker(MODEL), "open_until") or 0) / 1000 - seconds - microseconds / 1_000_000


async def test_a_run_of_outages_opens_it_for_every_process(
    redis: Redis, breaker: Breaker, other_process: Breaker
) -> None:
    await fail(breaker, RUN - 2)
    await fail(other_process, 2)
    assert FIRST - 1 < await opened(redis) <= FIRST
    for process in (breaker, other_process):
        assert FIRST - 1 < await kept_out(process) <= FIRST * (1 + SPREAD)


async def test_a_shorter_run_does_not(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker, RUN - 1)
    assert not await is_open(redis)
    assert await redis.llen(keys.outages(MODEL)) == RUN - 1


async def test_a_success_ends_the_run(breaker: Breaker) -> None:
    await fail(breaker, RUN - 1)
    await breaker.succeeded(await entered(breaker))
    await fail(breaker, RUN - 1)
    await entered(breaker)


async def test_the_success_of_a_call_from_before_the_run_does_not(redis: Redis, breaker: Breaker) -> None:
    before = await entered(breaker)
    await pass_by(redis, 0.01)
    before = BreakerPass(before.model, before.entered - 10)
    await fail(breaker, RUN - 1)
    await breaker.succeeded(before)
    await fail(breaker, 1)
    await kept_out(breaker)


async def test_outages_far_apart_are_no_run(redis: Redis, breaker: Breaker) -> None:
    for _ in range(3 * RUN):
        await fail(breaker, 1)
        await pass_by(redis, WINDOW / (RUN - 1) + 0.1)
    await entered(breaker)


async def test_a_run_as_long_as_the_window_opens_it(redis: Redis, breaker: Breaker) -> None:
    for _ in range(RUN - 1):
        await fail(breaker, 1)
        await pass_by(redis, WINDOW / (RUN - 1) - 0.5)
    await fail(breaker, 1)
    await kept_out(breaker)


async def test_each_model_has_its_own(breaker: Breaker) -> None:
    await fail(breaker)
    await entered(breaker, "claude-haiku-5-5")


async def test_then_one_call_at_a_time_tries(redis: Redis, breaker: Breaker, other_process: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    found = await asyncio.gather(*(process.enter(MODEL) for process in (breaker, other_process) * 20))
    passes = [call for call in found if isinstance(call, BreakerPass)]
    assert len(passes) == 1
    assert passes[0].token
    assert all(wait <= 1 + SPREAD for wait in found if isinstance(wait, float))
    assert await is_open(redis)


async def test_when_its_answer_begins_everybody_may_ask(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    await breaker.began(await entered(breaker))
    assert not await is_open(redis)
    assert not (await entered(breaker)).token


async def test_when_it_fails_the_next_while_is_twice_as_long(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    for expected in (10, 20, 40, 60, 60):
        await pass_by(redis, LONGEST)
        await breaker.failed(await entered(breaker))
        assert expected - 1 < await opened(redis) <= expected


async def test_the_next_tries_as_soon_as_that_while_is_over(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    await breaker.failed(await entered(breaker))
    await pass_by(redis, 2 * FIRST)
    assert (await entered(breaker)).token


async def test_once_closed_it_takes_a_whole_run_again(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    await breaker.began(await entered(breaker))
    await pass_by(redis, 1)
    await fail(breaker, RUN - 1)
    await entered(breaker)


async def test_one_that_soon_opens_again_goes_on_where_it_was(redis: Redis, breaker: Breaker) -> None:
    for seconds in (5, 10):
        await fail(breaker)
        assert seconds - 1 < await opened(redis) <= seconds
        await pass_by(redis, LONGEST)
        await breaker.succeeded(await entered(breaker))
        await pass_by(redis, 1)
    await pass_by(redis, 120)
    await fail(breaker)
    assert await opened(redis) <= FIRST


async def test_one_that_tries_and_dies_gives_its_place_up_after_a_while(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    dead = await entered(breaker)
    await pass_by(redis, TRYING - 1)
    await kept_out(breaker)
    await pass_by(redis, 1)
    alive = await entered(breaker)
    await breaker.failed(dead)
    assert await kept_out(breaker) <= 1 + SPREAD
    await breaker.began(alive)
    assert not await is_open(redis)


async def test_one_that_tries_and_says_nothing_of_the_model_lets_the_next_try(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    await breaker.left(await entered(breaker))
    assert (await entered(breaker)).token


async def test_calls_that_were_under_way_when_it_opened_do_not_keep_it_open(redis: Redis, breaker: Breaker) -> None:
    calls = [await entered(breaker) for _ in range(20)]
    for call in calls:
        await breaker.failed(call)
    assert await opened(redis) <= FIRST
    await pass_by(redis, FIRST)
    await breaker.began(await entered(breaker))
    for call in calls:
        await breaker.failed(BreakerPass(call.model, call.entered - int(FIRST * 1000)))
    await entered(breaker)


async def test_success_of_a_call_that_was_under_way_does_not_close_it(breaker: Breaker) -> None:
    call = await entered(breaker)
    await fail(breaker)
    await breaker.began(call)
    await breaker.succeeded(call)
    await kept_out(breaker)


async def test_without_redis_all_calls_pass() -> None:
    redis = connections.shared("redis://127.0.0.1:1/0")
    breaker = Breaker(redis)
    for _ in range(RUN + 1):
        call = await entered(breaker)
        await breaker.failed(call)
    await breaker.succeeded(call)
    await breaker.left(call)
    await redis.aclose()


async def test_what_is_kept_goes_away(redis: Redis, breaker: Breaker) -> None:
    await fail(breaker)
    await pass_by(redis, FIRST)
    await entered(breaker)
    for key in (keys.breaker(MODEL), keys.outages(MODEL)):
        assert await redis.pttl(key) != -1
    await pass_by(redis, 3600)
    assert [key async for key in redis.scan_iter()] == []


steps = st.lists(
    st.one_of(
        st.sampled_from(["enter", "enter", "enter", "succeed", "fail", "fail", "fail", "leave", "die"]),
        st.sampled_from([0.5, 4.0, 11.0, 31.0, 61.0]),
    ),
    max_size=60,
)


@settings(
    max_examples=max(25, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
async def test_an_open_breaker_is_tried_by_one_at_a_time_and_never_stays_open(
    redis: Redis, steps: list[str | float]
) -> None:
    await redis.flushall()
    processes = [Breaker(redis), Breaker(redis)]
    under_way: list[BreakerPass] = []
    tries: dict[str, float] = {}
    now = 0.0
    for at, step in enumerate(steps):
        breaker = processes[at % 2]
        if isinstance(step, float):
            await pass_by(redis, step)
            under_way = [replace(call, entered=call.entered - int(step * 1000)) for call in under_way]
            now += step
        elif step == "enter":
            was_open = await is_open(redis)
            if isinstance(call := await breaker.enter(MODEL), BreakerPass):
                assert bool(call.token) == was_open
                if was_open:
                    assert not [since for since in tries.values() if now - since < TRYING - 0.5]
                    tries[call.token] = now
                under_way.append(call)
        elif under_way:
            call = under_way.pop(0)
            if step != "die":
                tries.pop(call.token, None)
                await {"succeed": breaker.succeeded, "fail": breaker.failed, "leave": breaker.left}[step](call)
    await pass_by(redis, LONGEST + TRYING)
    await processes[0].began(await entered(processes[0]))
    assert not (await entered(processes[1])).token

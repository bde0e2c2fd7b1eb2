"""At most so many calls at once, in order, whoever dies: several processes on one real Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis

from bot.store import connections, keys, load
from workers.claude.concurrency import Concurrency

# A permit whose process stands still for so long is lost, as it should be: longer than a busy machine makes us wait.
LEASE_SECONDS = 3.0


@pytest.fixture
async def other_redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connections.shared(redis_url)
    yield client
    await client.aclose()


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.005)


async def taken(redis: Redis) -> tuple[int, int]:
    """How many calls are under way, as metrics tell it, and how many wait."""
    return (await load.read(redis, "T1")).claude_calls, await redis.zcard(keys.CALLS_WAITING)


async def test_never_more_at_once_than_there_are_permits(redis: Redis, other_redis: Redis) -> None:
    processes = [Concurrency(redis, 5), Concurrency(other_redis, 5)]
    now, seen = 0, []

    async def call(concurrency: Concurrency) -> None:
        nonlocal now
        async with concurrency.permit():
            now += 1
            seen.append(now)
            await asyncio.sleep(0.02)
            now -= 1

    await asyncio.gather(*(call(processes[number % 2]) for number in range(40)))
    assert len(seen) == 40
    assert max(seen) == 5
    assert await taken(redis) == (0, 0)


async def test_first_come_first_served_over_all_processes(redis: Redis, other_redis: Redis) -> None:
    processes = [Concurrency(redis, 2), Concurrency(other_redis, 2)]
    tokens = [f"call-{number}" for number in range(8)]
    numbers = [await processes[at % 2].ask(token) for at, token in enumerate(tokens)]
    assert numbers == [0, 0, 1, 2, 3, 4, 5, 6]
    served = tokens[:2]
    waiting = tokens[2:]
    while waiting:
        await processes[0].leave(served[-1])
        asked = [(await processes[1].ask(token), token) for token in reversed(waiting)]
        assert [token for number, token in asked if number == 0] == waiting[:1]
        served.append(waiting.pop(0))
    assert served == tokens


async def test_a_place_given_back_goes_to_the_next(redis: Redis) -> None:
    concurrency = Concurrency(redis, 1)
    waited: list[float] = []
    order: list[str] = []

    async def second() -> None:
        async with concurrency.permit(waited.append):
            order.append("second")

    async with concurrency.permit():
        task = asyncio.create_task(second())
        await until(lambda: redis.zcard(keys.CALLS_WAITING))
        order.append("first")
    await asyncio.wait_for(task, 10)
    assert order == ["first", "second"]
    assert waited
    assert waited == sorted(waited)


async def test_a_process_killed_in_a_call_keeps_nobody_out(redis: Redis) -> None:
    concurrency = Concurrency(redis, 2, lease=LEASE_SECONDS)
    async with concurrency.permit():
        assert await concurrency.ask("killed") == 0
        async with asyncio.timeout(20), concurrency.permit():
            assert await taken(redis) == (2, 0)


async def test_a_process_killed_while_it_waits_keeps_nobody_out(redis: Redis) -> None:
    concurrency = Concurrency(redis, 1, patience=0.15)
    assert await concurrency.ask("one that calls") == 0
    assert await concurrency.ask("killed") == 1

    async def is_next() -> bool:
        return await concurrency.ask("one that waits") == 1

    assert not await is_next()
    await until(is_next)
    assert await redis.zcard(keys.CALLS_HEARD) == 1


async def test_a_long_call_keeps_its_permit(redis: Redis) -> None:
    concurrency = Concurrency(redis, 1, lease=LEASE_SECONDS)
    async with concurrency.permit():
        [token] = map(str, await redis.zrange(keys.CALLS, 0, -1))
        first = float(await redis.zscore(keys.CALLS, token) or 0)

        async def renewed_twice() -> bool:
            return float(await redis.zscore(keys.CALLS, token) or 0) > first + LEASE_SECONDS * 600

        await until(renewed_twice)
        assert await concurrency.ask("another") == 1
    assert await redis.zcard(keys.CALLS) == 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("has_permit", [True, False])
async def test_a_call_that_is_stopped_gives_up_its_permit_or_its_turn(redis: Redis, has_permit: bool) -> None:
    concurrency = Concurrency(redis, 1)
    if not has_permit:
        assert await concurrency.ask("another") == 0

    async def call() -> None:
        async with concurrency.permit():
            await asyncio.sleep(3600)

    task = asyncio.create_task(call())
    key = keys.CALLS if has_permit else keys.CALLS_WAITING
    await until(lambda: redis.zcard(key))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await taken(redis) == (0 if has_permit else 1, 0)
    assert await redis.zcard(keys.CALLS_HEARD) == 0


async def test_an_error_in_the_call_gives_the_place_back(redis: Redis) -> None:
    concurrency = Concurrency(redis, 1)
    with pytest.raises(ValueError, match="broken"):
        async with concurrency.permit():
            raise ValueError("broken")
    assert await taken(redis) == (0, 0)


async def test_any_number_asks_nobody() -> None:
    redis = connections.shared("redis://127.0.0.1:1/0")
    async with Concurrency(redis, 0).permit():
        pass
    await redis.aclose()


async def test_without_redis_every_call_has_a_permit() -> None:
    redis = connections.shared("redis://127.0.0.1:1/0")
    concurrency = Concurrency(redis, 1)
    async with concurrency.permit(), concurrency.permit():
        pass
    await redis.aclose()


async def test_what_is_kept_goes_away(redis: Redis) -> None:
    concurrency = Concurrency(redis, 1)
    await concurrency.ask("one")
    await concurrency.ask("two")
    for key in (keys.CALLS, keys.CALLS_WAITING, keys.CALLS_HEARD):
        assert 0 < await redis.pttl(key) <= 30_000

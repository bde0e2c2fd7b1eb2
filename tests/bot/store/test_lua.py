"""Scripts that Redis runs, by its own clock."""

import time

import pytest
from redis.asyncio import Redis

from bot.store.lua import NOW_MS, NOW_SECONDS, Script


async def test_a_script_gets_its_keys_and_arguments(redis: Redis) -> None:
    script = Script("redis.call('SET', KEYS[2], ARGV[1]) return KEYS[1]", keys=2)
    assert await script.run(redis, ["a", "b"], 5) == "a"
    assert await redis.get("b") == "5"


async def test_a_pipeline_takes_a_script_too(redis: Redis) -> None:
    async with redis.pipeline() as pipe:
        Script("return ARGV[1]", keys=0).send(pipe, [], "now")
        assert await pipe.execute() == ["now"]


async def test_a_wrong_number_of_keys_is_noticed_before_redis_is_asked(redis: Redis) -> None:
    with pytest.raises(ValueError, match="2 keys and not 1"):
        await Script("return 1", keys=2).run(redis, ["a"])
    assert await Script("return #KEYS", keys=None).run(redis, ["a", "b", "c"]) == 3


async def test_scripts_know_the_time(redis: Redis) -> None:
    in_ms = await Script(f"{NOW_MS} return string.format('%.0f', now)", keys=0).run(redis, [])
    in_seconds = await Script(f"{NOW_SECONDS} return string.format('%.6f', now)", keys=0).run(redis, [])
    assert abs(int(in_ms) / 1000 - time.time()) < 60
    assert 0 <= float(in_seconds) - int(in_ms) / 1000 < 60

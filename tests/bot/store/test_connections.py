"""The Redis client of an event loop."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.ops import redis_check
from bot.store import connections
from tests.kit.redis_servers import WAYS, reached
from tests.kit.sockets import close
from tests.kit.tls import needs_openssl


async def test_a_cancelled_task_ends_whatever_its_command_is_about(redis: Redis) -> None:
    await redis.set("a", 1)

    async def work() -> None:
        await redis.get("a")
        await redis.get("a")
        await asyncio.Event().wait()

    for steps in range(200):
        task = asyncio.create_task(work())
        for _ in range(steps % 25):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=1)
        assert done, f"the cancellation after {steps % 25} steps was lost"


async def test_a_redis_that_says_nothing_is_an_error_in_time() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = connections.shared(f"redis://127.0.0.1:{port}")
        async with asyncio.timeout(60):
            with pytest.raises(RedisError):
                await client.get("a")
        await client.aclose()
        await close(writers)


@needs_openssl
@pytest.mark.parametrize("way", WAYS)
async def test_all_clients_reach_a_redis_by_its_address(way: str, tmp_path: Path) -> None:
    with reached(way, tmp_path) as url:
        shared, producer, dispatcher = connections.shared(url), connections.producer(url), connections.dispatcher(url)
        producer.rpush("line", "a")
        assert dispatcher.blmove("line", "other", 1) == b"a"
        assert await shared.lrange("other", 0, -1) == ["a"]
        assert not [finding for finding in redis_check.findings(url, is_own=False) if finding.level == "FAIL"]
        producer.close()
        dispatcher.close()
        await shared.aclose()

"""Sentinels say which server is the primary, before and after one dies."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from bot.ops import redis_check
from bot.store import connections, sentinel
from tests.kit.redis_servers import CERTIFICATE, free_port, server, tls_lines, watched
from tests.kit.tls import needs_openssl


def test_an_address_names_sentinels_service_and_what_is_for_whom() -> None:
    address = sentinel.read(
        "redis+sentinel://who:p%2Fss@one,two:26380,[::1]:5/parley/3?sentinel_username=watch&sentinel_password=w&protocol=2"
    )
    assert address.sentinels == (("one", 26379), ("two", 26380), ("::1", 5))
    assert address.service == "parley"
    assert address.for_redis == {"username": "who", "password": "p/ss", "db": 3, "protocol": 2}
    assert address.for_sentinels["username"] == "watch"
    assert address.for_sentinels["password"] == "w"


def test_with_tls_the_sentinels_have_the_same_authority() -> None:
    address = sentinel.read("rediss+sentinel://one/parley?ssl_ca_certs=/etc/ca.pem")
    assert address.for_redis == {"ssl": True, "ssl_ca_certs": "/etc/ca.pem"}
    assert {**address.for_sentinels, **address.for_redis} == address.for_sentinels


@pytest.mark.parametrize("url", ["redis://one,two/parley", "unix:///redis+sentinel://", "rediss://one"])
def test_other_addresses_are_none_of_sentinels(url: str) -> None:
    assert not sentinel.is_sentinel(url)


async def test_all_clients_go_on_with_the_replica_when_the_primary_dies(tmp_path: Path) -> None:
    with watched(tmp_path) as group:
        shared, producer = connections.shared(group.url), connections.producer(group.url)
        dispatcher = connections.dispatcher(group.url)
        assert [f.level for f in redis_check.findings(group.url, is_own=False, replicas=1) if f.what != "Redis"] == [
            "ok",
            "ok",
        ]
        await shared.set("kept", "yes")
        assert producer.wait(1, 5000) == 1
        async with shared.pubsub() as pubsub:
            await pubsub.subscribe("news")
            pop = asyncio.create_task(_persistent(lambda: asyncio.to_thread(dispatcher.blmove, "from", "to", 60)))
            heard = asyncio.create_task(_persistent(lambda: pubsub.get_message(True, timeout=5)))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(group.primary.kill)
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(group.has_failed_over):
                    await asyncio.sleep(0.05)
                assert await shared.get("kept") == "yes"
                producer.rpush("from", "a job")
                assert await pop == b"a job"
                while not heard.done():
                    await shared.publish("news", "hello")
                    await asyncio.sleep(0.1)
            assert heard.result()["data"] == "hello"
        producer.close()
        dispatcher.close()
        await shared.aclose()


@needs_openssl
async def test_sentinels_and_servers_are_reached_by_tls_each_with_a_password_of_its_own(tmp_path: Path) -> None:
    port, sentinel_port = free_port(), free_port()
    options = " ".join(f"--{line}" for line in tls_lines(tmp_path, port)).split()
    lines = [
        *tls_lines(tmp_path, sentinel_port),
        "requirepass watch",
        f"sentinel monitor parley 127.0.0.1 {port} 1",
        "sentinel auth-pass parley word",
    ]
    tls: Any = {"ssl": True, "ssl_ca_certs": str(tmp_path / CERTIFICATE)}
    with (
        server(tmp_path / "primary", *options, "--requirepass", "word", port=port, password="word", **tls),
        server(tmp_path / "sentinel", *lines, sentinel=True, port=sentinel_port, password="watch", **tls),
    ):
        url = f"rediss+sentinel://:word@127.0.0.1:{sentinel_port}/parley/1"
        url += f"?sentinel_password=watch&ssl_ca_certs={tmp_path / CERTIFICATE}"
        shared, producer = connections.shared(url), connections.producer(url)
        producer.set("by", "tls")
        assert await shared.get("by") == "tls"
        producer.close()
        await shared.aclose()


async def _persistent(call: Callable[[], Awaitable[Any]]) -> Any:
    """What the call returns in the end, as a worker goes on after an outage."""
    while True:
        with suppress(RedisError):
            answer = await call()
            if answer:
                return answer
        await asyncio.sleep(0.1)

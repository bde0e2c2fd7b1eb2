"""Who may read /metrics; tests/scenarios/test_health.py has the rest."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from redis.asyncio import Redis

from bot.ops.health import Health
from bot.settings import Settings
from bot.store import connections
from bot.store.threads.inbox import Inbox

SOCKET = "xapp-1"


@pytest.mark.parametrize(
    ("app_token", "metrics_token", "given", "status"),
    [
        (SOCKET, None, None, 200),
        (SOCKET, "secret", None, 401),
        (SOCKET, "secret", "secret", 200),
        (None, None, None, 404),
        (None, None, "secret", 404),
        (None, "secret", "secret", 200),
        (None, "secret", "other", 401),
    ],
)
async def test_metrics_are_there_without_a_token_in_socket_mode_only(
    redis: Redis, redis_url: str, app_token: str | None, metrics_token: str | None, given: str | None, status: int
) -> None:
    async with _served(redis, redis_url, app_token, metrics_token) as port, ClientSession() as session:
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        async with session.get(f"http://127.0.0.1:{port}/metrics", headers=headers) as answer:
            assert answer.status == status
            if status == 200:
                assert answer.headers["Content-Type"].startswith("text/plain; version=")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_without_a_token_other_machines_get_no_metrics_but_know_that_we_are_alive(
    redis: Redis, redis_url: str, path: str
) -> None:
    here = _other_address()
    if here is None:
        pytest.skip("this machine has no address but loopback")
    async with _served(redis, redis_url, SOCKET, None) as port, ClientSession() as session:
        async with session.get(f"http://{here}:{port}{path}") as answer:
            assert answer.status == (403 if path == "/metrics" else 200)
            assert "parley_" not in await answer.text()
        async with session.get(f"http://localhost:{port}{path}") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    "header",
    [
        {"Host": "parley.example"},
        {"Host": "127.0.0.1.parley.example"},
        {"Host": "10.0.0.7"},
        {"Host": "[::1"},
        {"X-Forwarded-For": "198.51.100.7"},
        {"Forwarded": "for=198.51.100.7"},
        {"X-Real-IP": "198.51.100.7"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_what_a_proxy_or_a_web_page_asks_for_gets_no_metrics_without_a_token(
    redis: Redis, redis_url: str, header: dict[str, str]
) -> None:
    async with _served(redis, redis_url, SOCKET, None) as port, ClientSession() as session:
        answer = await session.get(f"http://127.0.0.1:{port}/metrics", headers=header)
        assert answer.status == 403
        assert "METRICS_TOKEN" in await answer.text()
    async with _served(redis, redis_url, SOCKET, "secret") as port, ClientSession() as session:
        headers = {**header, "Authorization": "Bearer secret"}
        answer = await session.get(f"http://127.0.0.1:{port}/metrics", headers=headers)
        assert answer.status == 200


@asynccontextmanager
async def _served(redis: Redis, redis_url: str, app_token: str | None, metrics_token: str | None) -> AsyncIterator[int]:
    """The port on which, at every address of this machine, it is served."""
    producer = connections.producer(redis_url)
    settings = Settings(slack_app_token=app_token, metrics_token=metrics_token)
    server = web.Application()
    Health(redis, Inbox(redis, connections.queue("parley", producer), 8.0), settings, "T1", []).add_routes(server)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
        producer.close()


def _other_address() -> str | None:
    """An address of this machine that is not loopback. Nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith(("127.", "0.")) else address

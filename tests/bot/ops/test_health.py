"""Who may read /metrics; tests/scenarios/test_health.py has the rest."""

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
    producer = connections.producer(redis_url)
    settings = Settings(slack_app_token=app_token, metrics_token=metrics_token)
    server = web.Application()
    Health(redis, Inbox(redis, connections.queue("parley", producer), 8.0), settings, "T1", []).add_routes(server)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        async with ClientSession() as session, session.get(f"{_address(runner)}/metrics", headers=headers) as answer:
            assert answer.status == status
            if status == 200:
                assert answer.headers["Content-Type"].startswith("text/plain; version=")
    finally:
        await runner.cleanup()
        producer.close()


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"

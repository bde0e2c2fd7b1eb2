"""A real Redis for every test process, empty for every test, and how long properties are tried."""

import gc
import os
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from rq import Queue
from slack_sdk.web.async_client import AsyncWebClient

from bot.ops import own_redis
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.store import connections
from bot.store.threads.inbox import Inbox
from tests.kit.drafts import Desk, at_desk

settings.register_profile(
    "default", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Half of the time of the imports goes to a garbage collector that looks at a million objects which all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests this machine cannot run, and why."""
    skipped = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    )
    if skipped:
        terminalreporter.write_line(
            "skipped: " + "; ".join(f"{number} ({why})" for why, number in skipped.most_common())
        )


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this process's own Redis."""
    with own_redis.running(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def redis_url(redis_server: str) -> str:
    with Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    client = connections.shared(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def desk(redis: AsyncRedis) -> AsyncIterator[Desk]:
    async with at_desk(redis) as desk:
        yield desk


@pytest.fixture
def producer(redis_url: str) -> Iterator[Redis]:
    client = connections.producer(redis_url)
    yield client
    client.close()


@pytest.fixture
def queue(producer: Redis) -> Queue:
    return connections.queue("test", producer)


@pytest.fixture
def inbox(redis: AsyncRedis, queue: Queue) -> Inbox:
    return Inbox(redis, queue, 60.0)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Slack, without a Claude."""
    async with Sandbox(with_claude=False) as sandbox:
        yield sandbox


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        yield web

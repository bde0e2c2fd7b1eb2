"""The sandbox's Claude, our client for it, and calls through that client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from redis.asyncio import Redis

from bot.models import Usage
from bot.sandbox import Claude as Sandbox
from bot.sandbox import Clock, Faults, Journal
from bot.settings import Settings
from bot.store.threads.history import Entry
from bot.store.threads.prompt_record import Instructions
from workers.claude.client import CallObserver, ClaudeAnswer, ClaudeCall, ClaudeClient, NoAnswer
from workers.claude.failures import Patience
from workers.prompt.prompt import RequestSetup, build

ROUTE = "/v1/messages"
MODEL = "claude-sonnet-5-5"
OTHER = "claude-opus-5-5"
# For tests that must not wait for a clock.
QUICK = Patience(attempts=3, backoff_seconds=0.01, backoff_cap_seconds=0.05)
REQUEST = build(RequestSetup(MODEL, 1000), Instructions("", "Be brief."), [Entry("user", "Hi", "1.1", "U1", "Ada")])


def ignore(text: str) -> None: ...


class Watching(CallObserver):
    """Gives what it sees of a call to these functions."""

    def __init__(
        self,
        text: Callable[[str], object] = ignore,
        wait: Callable[[str], object] = ignore,
        thought: Callable[[str], object] = ignore,
    ) -> None:
        self._text, self._wait, self._thought = text, wait, thought

    def on_text(self, text: str) -> None:
        self._text(text)

    def on_wait(self, sentence: str) -> None:
        self._wait(sentence)

    def on_thought(self, thought: str) -> None:
        self._thought(thought)


class RecordingMeter:
    """A meter that records what it is told.

    `begun` has what was billed so far at the beginning of each message of Claude's, `usage` what the calls billed.
    """

    def __init__(self) -> None:
        self.begun: list[tuple[Usage, ...]] = []
        self.usage: list[Usage] = []

    async def began(self, usage: Sequence[Usage]) -> None:
        self.begun.append(tuple(usage))

    def add(self, usage: Sequence[Usage]) -> None:
        self.usage += usage


@asynccontextmanager
async def serving(speed: float = 200) -> AsyncIterator[Sandbox]:
    """A Claude whose clock goes so many times faster than ours."""
    clock = Clock(speed=speed)
    sandbox = Sandbox(clock, Journal(clock), Faults(seed=1))
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@asynccontextmanager
async def listening(handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An HTTP server in Claude's place, for what the sandbox's Claude never does; its address."""
    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def settings(sandbox: Sandbox, **more: str) -> Settings:
    environ = {
        "ANTHROPIC_API_KEY": sandbox.api_key,
        "ANTHROPIC_BASE_URL": sandbox.url,
        **more,
    }
    return Settings.load(environ=environ, dotenv=None)


@asynccontextmanager
async def connected(
    sandbox: Sandbox, redis: Redis | None = None, /, *, patience: Patience = QUICK, **more: str
) -> AsyncIterator[ClaudeClient]:
    """Our client for the sandbox's Claude; `more` are settings by their names."""
    claude = ClaudeClient(settings(sandbox, **more), redis, patience)
    try:
        yield claude
    finally:
        await claude.close()


async def ask(claude: ClaudeClient, **request: Any) -> tuple[ClaudeAnswer, list[str]]:
    """The answer, and each text that was shown on the way."""
    shown: list[str] = []
    return await claude.call({**REQUEST, **request}, observer=Watching(shown.append)).answer(), shown


async def fail(claude: ClaudeClient, **request: Any) -> NoAnswer:
    """The failure of a call that must fail."""
    with pytest.raises(NoAnswer) as raised:
        await ask(claude, **request)
    return raised.value


async def begin(claude: ClaudeClient, **request: Any) -> tuple[ClaudeCall, asyncio.Task[ClaudeAnswer]]:
    """A call whose first text has arrived."""
    begun = asyncio.Event()
    call = claude.call({**REQUEST, **request}, observer=Watching(lambda text: begun.set()))
    task = asyncio.create_task(call.answer())
    async with asyncio.timeout(10):
        await begun.wait()
    return call, task


def bodies(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The requests that arrived, in order."""
    return [entry.data["body"] for entry in sandbox.journal.entries("claude.request")]

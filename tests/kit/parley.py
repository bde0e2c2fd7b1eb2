"""Parley as it runs: the two Procfile lines as processes, in a sandbox, on a real Redis."""

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from rq.worker_registration import REDIS_WORKER_KEYS

from bot.ops.demo import has_ended
from bot.sandbox import Sandbox
from bot.sandbox.slack.world.records import Message
from bot.store import connections
from bot.store.threads import history
from bot.store.threads.history import Entry
from bot.talk.message import Thread
from tests.kit import published
from tests.kit.procfile import Process, Program, commands
from workers.draft.part import EVENT_TYPE

Transport = Literal["socket", "http"]
START_SECONDS = 90.0
"""Long, because Python imports a lot at the start, and the machine may have much else to do."""

_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = itertools.count(12_000 + 1_000 * (_PROCESS % 20) + os.getpid() % 900)


class Parley:
    """`async with Parley(redis_url, folder) as parley:` starts a bot and, unless told otherwise, one worker.

    It goes on when they listen. `folder` gets a log for each process.
    """

    def __init__(
        self,
        redis_url: str,
        folder: Path,
        *,
        transport: Transport = "socket",
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.sandbox = Sandbox(transport=transport)
        self.slack = self.sandbox.slack
        self.processes: dict[str, Process] = {}
        self._redis_url, self._folder, self._transport = redis_url, folder, transport
        self._workers, self._settings = workers, settings or {}
        self.redis = connections.shared(redis_url)
        self._port = free_port()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Parley":
        await self._stack.__aenter__()
        self._stack.push_async_callback(self.redis.aclose)
        await self._stack.enter_async_context(self.sandbox)
        self._stack.push_async_callback(self._stop_all)
        self.environ = {
            **os.environ,
            **self.sandbox.environ(),
            "REDIS_URL": self._redis_url,
            "PORT": str(self._port),
            "HOST": "127.0.0.1",
            "LOG_LEVEL": "INFO",
            **self._settings,
        }
        if self._transport == "http":
            self.sandbox.events_url = f"http://127.0.0.1:{self._port}/slack/events"
        starts = [self.start_web(), *(self.start_worker(f"worker{n}") for n in range(1, self._workers + 1))]
        await asyncio.gather(*starts)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, then hold what was sent to Slack in all this time against what Slack publishes."""
        await self._stack.aclose()
        sent = self.sandbox.journal.entries("slack.request")
        published.keep(sent)
        faults = published.faults(sent)
        assert error is not None or not faults, "\n".join(faults)

    @property
    def url(self) -> str:
        """Where the bot itself listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """What all processes logged so far."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def billed(self, ts: str) -> dict[str, int]:
        """What the calls for a question billed by their lines in the log, as bot.store.counts.cells names it."""
        lines = [json.loads(line) for line in re.findall(r'^\{.*"claude call".*\}$', self.log, re.MULTILINE)]
        named = {
            "input": "input_tokens",
            "output": "output_tokens",
            "write_5m": "cache_write_5m_tokens",
            "write_1h": "cache_write_1h_tokens",
            "read": "cache_read_tokens",
            "cost": "cost_usd_micro",
        }
        return {name: sum(line[field] for line in lines if line["ts"] == ts) for name, field in named.items()}

    async def start_web(self) -> None:
        await self._start("web", "web")
        async with asyncio.timeout(START_SECONDS):
            if self._transport == "socket":
                await self.slack.until(lambda: len(self.slack.sockets), within=START_SECONDS)
            while not await asyncio.to_thread(_listens, self._port):
                await asyncio.sleep(0.02)

    async def start_worker(self, name: str = "worker1") -> None:
        before = await self._registered()
        await self._start(name, "worker")
        async with asyncio.timeout(START_SECONDS):
            while not await self._any_waits_for_jobs((await self._registered()) - before):
                await asyncio.sleep(0.02)

    async def busy_worker(self) -> str:
        """The name of the worker process that answers the one question under way."""
        [job] = [key async for key in self.redis.scan_iter("rq:job:*")]
        worker = str(await self.redis.hget(str(job), "worker_name"))
        pid = int(await self.redis.hget(f"rq:worker:{worker}", "pid") or 0)
        return next(name for name, process in self.processes.items() if process.pid == pid)

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int | None:
        """Send the signal and wait for the end; its exit status."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return await process.wait()

    async def answers(
        self, channel: str, *questions: str, thread_ts: str | None = None, within: float = 30.0
    ) -> list[str]:
        """Wait for the complete answers to questions of one thread, named by their ts; in the order of the thread.

        The thread is that of the first question unless `thread_ts` names it.
        """
        root = thread_ts or questions[0]

        def are_complete() -> bool:
            return all(has_ended(self.answer(channel, ts, root)) for ts in questions)

        await self.slack.until(are_complete, within=within)
        return [text(message) for message in self.replies(channel, root) if payload(message)["message_ts"] in questions]

    async def command(self, user: str, text: str, channel: str = "general") -> Message:
        """Type `/parley` and the text, and wait for the one message that only this person sees."""
        notices = self.slack.workspace.ephemerals
        before = len(notices)
        await self.slack.command(user, channel, "/parley", text)
        await self.slack.until(lambda: len(notices) > before, within=10)
        [(who, message)] = notices[before:]
        assert who == self.sandbox.users[user]
        return message

    async def steer(self, text: str) -> None:
        """Type `/parley` and the text as an admin, again and again until it is done.

        Where the machine is busy, two seconds may be too short for a command, and then people are asked to repeat it.
        """
        async with asyncio.timeout(30):
            while not (await self.command("ada", text)).text.startswith("Done"):
                await asyncio.sleep(0.1)

    def answer(self, channel: str, ts: str, thread_ts: str) -> list[Message]:
        """The messages of the reply to the one message `ts`."""
        return [message for message in self.replies(channel, thread_ts) if payload(message)["message_ts"] == ts]

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """Our messages in a thread."""
        return [message for message in self.slack.thread(channel, thread_ts) if payload(message)]

    async def logged(self, pattern: str, within: float = 10.0) -> None:
        """Wait for a line of the log."""
        await self.eventually(lambda: asyncio.sleep(0, re.search(pattern, self.log)), within)

    async def remembered(self, channel: str, ts: str, turns: int, within: float = 10.0) -> None:
        """Wait until the history of the thread has so many turns."""

        async def is_remembered() -> bool:
            return len(await self.history(channel, ts)) == turns

        await self.eventually(is_remembered, within)

    async def at_rest(self, within: float = 60.0) -> None:
        """Wait until no question of an earlier test is being answered, which would be counted only now."""

        async def rests() -> bool:
            waiting = [key async for key in self.redis.scan_iter("rq:queue:*")]
            running = [key async for key in self.redis.scan_iter("*:lease")]
            return not waiting and not running

        await self.eventually(rests, within)

    async def history(self, channel: str, ts: str) -> list[Entry]:
        channel = self.sandbox.channels.get(channel, channel)
        return await history.load(self.redis, Thread(self.sandbox.team, channel, ts))

    async def eventually(self, condition: Callable[[], Awaitable[object]], within: float) -> None:
        """Check again and again, for what no event tells."""
        until = time.monotonic() + within
        while not await condition():
            assert time.monotonic() < until, f"not within {within} s; the log says:\n{self.log}"
            await asyncio.sleep(0.05)

    async def _start(self, name: str, kind: str) -> None:
        log = self._folder / f"{name}.log"
        self.processes[name] = await asyncio.to_thread(Program, commands()[kind], self.environ, log)

    async def _any_waits_for_jobs(self, workers: set[str | bytes]) -> bool:
        states = [await self.redis.hget(str(worker), "state") for worker in workers]
        return "idle" in states

    async def _registered(self) -> set[str | bytes]:
        return set(await self.redis.smembers(REDIS_WORKER_KEYS))

    async def _stop_all(self) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(process.wait() for process in self.processes.values()))


def payload(message: Message) -> dict[str, Any]:
    """What our metadata says: message_ts, part and state of a reply; empty for all other messages."""
    metadata = message.metadata or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return {}
    return metadata.get("event_payload") or {}


def text(message: Message) -> str:
    """What people read in it, without what stands below."""
    markdown = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return "\n\n".join(markdown) or message.text


def free_port() -> int:
    """Below those that systems give to outgoing connections, in a range of this test process's own.

    Another suite on this machine begins elsewhere in it.
    """
    while True:
        port = next(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

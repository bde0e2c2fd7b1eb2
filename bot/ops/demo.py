"""`parley demo`: the whole of Parley on this machine, with a sandbox for Slack and, without a key, for Claude."""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from rq.worker_registration import REDIS_WORKER_KEYS

from bot.ops import own_redis
from bot.ops.supervisor import Supervisor
from bot.ops.up import start_parley
from bot.sandbox import Sandbox
from bot.sandbox.journal import Entry
from bot.sandbox.slack.world.records import Message
from bot.settings import Settings

QUESTION = "What makes a commit message good?"
FOLLOW_UP = "And what would you leave out of it?"
PERSON, CHANNEL = "ada", "general"
READY_SECONDS = 30.0
ANSWER_SECONDS = 60.0
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


class DemoFailed(Exception):
    """No complete answer arrived; the message says why."""


@dataclass(frozen=True)
class Exchange:
    """One question and its answer; times in ms since the event was delivered.

    `first_delta_ms` is None with a real Claude, whose stream the sandbox does not see.
    """

    question: str
    answer: str
    edits: int
    acked_ms: float | None
    first_delta_ms: float | None
    first_visible_ms: float | None
    complete_ms: float | None


class Demo:
    """A sandbox with a bot and a worker in it: `async with Demo(settings) as demo: await demo.ask(...)`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._real_claude = bool(settings.anthropic_api_key or settings.anthropic_auth_token)
        self._stack = AsyncExitStack()
        self.sandbox = Sandbox(transport="socket", with_claude=not self._real_claude)

    async def __aenter__(self) -> "Demo":
        """Raises DemoFailed and SettingError."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-")))
            redis_url = stack.enter_context(own_redis.running(folder / "redis"))
            await stack.enter_async_context(self.sandbox)
            supervisor = await stack.enter_async_context(Supervisor())
            self._log = folder / "parley.log"
            start_parley(supervisor, self._environ(redis_url), self._settings, self._log)
            await self._until_ready(redis_url)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *details: object) -> None:
        await self._stack.aclose()

    async def ask(self, question: str, thread_ts: str | None = None, *, show: bool = False) -> tuple[str, Exchange]:
        """Ask as a person would, and wait for the complete answer. Raises DemoFailed if there is none in 60 s."""
        slack = self.sandbox.slack
        screen = _Screen() if show else None
        text = question if thread_ts else f"@parley {question}"
        ts = await slack.say(PERSON, CHANNEL, text, thread_ts=thread_ts)

        def answered() -> list[Message]:
            parts = self._answer(thread_ts or ts, ts)
            if screen and parts:
                screen.draw("\n\n".join(_text(part) for part in parts))
            return parts if has_ended(parts) else []

        try:
            parts = await slack.until(answered, within=ANSWER_SECONDS)
        except TimeoutError:
            raise DemoFailed(f"No complete answer within {ANSWER_SECONDS:.0f} s. {self._last_words()}") from None
        if _payload(parts[-1])["state"] == "failed":
            raise DemoFailed(_text(parts[-1]))
        return ts, self._exchange(question, ts, parts)

    def _environ(self, redis_url: str) -> dict[str, str]:
        environ = {**os.environ, **self.sandbox.environ(), "REDIS_URL": redis_url, "PORT": "", "QUEUE": "parley"}
        if not self._real_claude:
            environ = {name: value for name, value in environ.items() if name not in PROXIES}
        return environ

    async def _until_ready(self, redis_url: str) -> None:
        """Until the bot holds a connection and the worker waits for jobs."""
        slack = self.sandbox.slack
        try:
            await slack.until(lambda: len(slack.sockets), within=READY_SECONDS)
            await asyncio.to_thread(_wait_for_worker, redis_url)
        except TimeoutError:
            raise DemoFailed(f"The bot or the worker did not start. {self._last_words()}") from None

    def _answer(self, thread_ts: str, ts: str) -> list[Message]:
        """The parts of the reply to the question `ts`."""
        messages = self.sandbox.slack.thread(CHANNEL, thread_ts)
        return [message for message in messages if _payload(message).get("message_ts") == ts]

    def _exchange(self, question: str, ts: str, parts: list[Message]) -> Exchange:
        entries = self.sandbox.journal.entries()
        delivered = next(entry for entry in entries if entry.kind == "slack.delivery" and entry.data.get("ts") == ts)
        later = [entry for entry in entries if entry.monotonic >= delivered.monotonic]
        requests = [entry for entry in later if entry.kind == "slack.request"]
        written = [request for request in requests if request.name in ("chat.postMessage", "chat.update")]
        acked = next((entry for entry in later if entry.kind == "slack.ack" and entry.data.get("ts") == ts), None)
        first_delta = next((entry for entry in later if entry.kind == "claude.delta"), None)

        def ms(entry: Entry | None) -> float | None:
            return round((entry.monotonic - delivered.monotonic) * 1000, 1) if entry else None

        return Exchange(
            question=question,
            answer="\n\n".join(_text(part) for part in parts),
            edits=sum(part.edits for part in parts),
            acked_ms=ms(acked),
            first_delta_ms=ms(first_delta),
            first_visible_ms=ms(written[0]),
            complete_ms=ms(written[-1]),
        )

    def _last_words(self) -> str:
        """The newest trouble in the log, for whoever looks for the reason."""
        lines = self._log.read_text(errors="replace").splitlines()
        troubles = [line for line in lines if " ERROR " in line or " WARNING " in line or line.startswith("parley:")]
        return f"The log says: {troubles[-1]}" if troubles else "The log says nothing of it."


def has_ended(parts: list[Message]) -> bool:
    """Whether the reply is complete: its last part then says how many parts there are.

    A part that could not be edited any more stays, and another message has the same number; so numbers are counted.
    """
    if not parts:
        return False
    numbers = {_payload(part).get("part") for part in parts}
    return _payload(parts[-1]).get("parts") == len(numbers)


class _Screen:
    """Shows a text that grows: redrawn in place on a terminal, else a line for each edit."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()
        self._shown = ""
        self._frames = self._lines = 0

    def draw(self, text: str) -> None:
        if text == self._shown:
            return
        self._shown = text
        self._frames += 1
        seconds = asyncio.get_running_loop().time() - self._began
        title = "posted" if self._frames == 1 else f"edit {self._frames - 1}"
        if not sys.stdout.isatty():
            print(f"  {seconds:5.2f} s  {title:8}  {len(text):5} characters", flush=True)
            return
        width, height = os.get_terminal_size()
        lines = _wrapped(text, width - 4)[-(height - 4) :]
        if self._lines:
            print(f"\x1b[{self._lines}F\x1b[J", end="")
        print(f"  \x1b[2m{seconds:5.2f} s  {title}\x1b[0m")
        print("\n".join(f"  │ {line}" for line in lines), flush=True)
        self._lines = len(lines) + 1


def _wrapped(text: str, width: int) -> list[str]:
    """The lines of the text, cut at `width`; an empty one stays."""
    lines = []
    for line in text.split("\n"):
        starts = range(0, max(1, len(line)), width)
        lines += [line[start : start + width] for start in starts]
    return lines


async def demo(settings: Settings, question: str | None, *, once: bool, as_json: bool) -> int:
    """Play a question (and, unless `once`, a follow-up), then stay until Ctrl-C. Raises DemoFailed and SettingError."""
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    async with Demo(settings) as running:
        if once:
            _, exchange = await _play(running, question or QUESTION, None, quiet=as_json)
            if as_json:
                print(json.dumps(asdict(exchange), ensure_ascii=False))
            return 0
        thread, _ = await _play(running, question or QUESTION, None)
        await _play(running, FOLLOW_UP, thread)
        print(f"\nThe sandbox is at {running.sandbox.page_url} - write there to @parley. Ctrl-C ends it.", flush=True)
        await asyncio.Event().wait()
    return 0


async def _play(running: Demo, question: str, thread_ts: str | None, *, quiet: bool = False) -> tuple[str, Exchange]:
    if not quiet:
        where = f"#{CHANNEL}, in the thread" if thread_ts else f"#{CHANNEL}"
        print(f"\n{PERSON} in {where}: {question}", flush=True)
    ts, exchange = await running.ask(question, thread_ts, show=not quiet)
    if not quiet:
        if not sys.stdout.isatty():
            print("\n" + "\n".join(f"  | {line}" for line in exchange.answer.split("\n")))
        times = (exchange.acked_ms, exchange.first_visible_ms, exchange.complete_ms)
        acked, visible, complete = (time or 0 for time in times)
        began = f"acknowledged after {acked:.0f} ms, first words after {visible:.0f} ms"
        ended = f"complete after {complete / 1000:.1f} s with {exchange.edits} edits"
        print(f"\n  {began}, {ended}", flush=True)
    return ts, exchange


def _wait_for_worker(redis_url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with Redis.from_url(redis_url) as redis:
        while not redis.scard(REDIS_WORKER_KEYS):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.05)


def _payload(message: Message) -> dict[str, Any]:
    return ((message.metadata or {}).get("event_payload")) or {}


def _text(message: Message) -> str:
    """The text that people read: that of its Markdown blocks, else the message's own."""
    blocks = [block.get("text", "") for block in message.blocks or [] if block.get("type") == "markdown"]
    return "\n\n".join(blocks) or message.text

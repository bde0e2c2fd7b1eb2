"""What the prompt cache saves in a long thread: what the sandbox's Claude says it read, and what that costs."""

import argparse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.models import Usage, cost
from bot.sandbox import Claude as Sandbox
from bot.sandbox import Clock, Faults, Journal
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.prompt import CHARS_PER_TOKEN
from bot.settings import Settings
from bot.store.threads.history import Entry
from bot.store.threads.prompt_record import Instructions
from tests.bench.report import Report, Target, Value
from workers.claude.client import ClaudeClient
from workers.prompt.prompt import FRAME, RequestSetup, build

SUMMARY = "what the prompt cache saves in a long thread"
MODEL = "claude-sonnet-5-5"
# Of the input tokens after the second turn, and of the input's cost without a cache.
NOT_READ, COST = 0.1, 0.2
ANSWER = "An answer says what it has to say in a few sentences, and gives an example where one helps. " * 12
QUESTION = "How does this go on, now that we know what the answer before this one said about it? " * 2


@dataclass(frozen=True)
class LongThread:
    """A thread of two people who ask `turns` questions, `pause` seconds apart.

    The system prompt has `system` tokens.
    """

    turns: int
    system: int
    pause: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=30, help="questions in the thread (30)")
    parser.add_argument("--system", type=int, default=4000, help="tokens of the system prompt (4000)")
    parser.add_argument("--pause", type=float, default=60, help="seconds between an answer and the next question (60)")


async def run(options: argparse.Namespace) -> Report:
    """The same requests twice, once without their breakpoints; each time from an empty cache."""
    thread = LongThread(options.turns, options.system, options.pause)
    cached = await usage_of_turns(thread, cached=True)
    plain = await usage_of_turns(thread, cached=False)
    rows: list[dict[str, Value]] = []
    for turn, (with_cache, without) in enumerate(zip(cached, plain, strict=True), start=1):
        rows.append(row(str(turn), [with_cache], [without]))
    rows.append(row("all", cached, plain))
    later = cached[2:]
    unread = 1 - sum(piece.read for piece in later) / sum(piece.prompt for piece in later) if later else None
    targets = [
        Target("share of input not read from the cache, after turn 2", unread, NOT_READ),
        Target("cost of the input, as a share of that without a cache", paid(cached) / paid(plain), COST),
    ]
    about = f"{thread.turns} turns of two people, {thread.pause:g} s apart; {thread.system} tokens of system prompt"
    return Report("cache", rows, targets, [f"{about}; {MODEL}."])


def row(turn: str, cached: list[Usage], plain: list[Usage]) -> dict[str, Value]:
    return {
        "turn": turn,
        "input tokens": sum(piece.prompt for piece in cached),
        "read": sum(piece.read for piece in cached),
        "written": sum(piece.write_5m + piece.write_1h for piece in cached),
        "neither": sum(piece.input for piece in cached),
        "µ$": paid(cached),
        "µ$ without cache": paid(plain),
    }


def paid(pieces: list[Usage]) -> int:
    """Micro-dollars for the input."""
    return sum(cost(Usage(p.model, p.input, 0, p.write_5m, p.write_1h, p.read)) or 0 for p in pieces)


async def usage_of_turns(thread: LongThread, *, cached: bool) -> list[Usage]:
    instructions = Instructions(FRAME, "x" * (thread.system * CHARS_PER_TOKEN - len(FRAME) - 2))
    usage: list[Usage] = []
    history: list[Entry] = []
    async with serving() as (sandbox, claude):
        for turn in range(1, thread.turns + 1):
            name, user = ("Ada", "U1") if turn % 2 else ("Ben", "U2")
            ts = f"{1_732_161_600 + turn * int(thread.pause)}.000001"
            question = Entry("user", f"{turn}. {QUESTION}", ts, user, name, place="#general")
            request = build(RequestSetup(MODEL, 1_000), instructions, [*history, question])
            call = claude.call(request if cached else without_breakpoints(request))
            answer = await call.answer()
            history += [question, Entry("assistant", answer.text, ts)]
            [piece] = call.usage
            usage.append(piece)
            sandbox.clock.advance(thread.pause)
    return usage


def without_breakpoints(request: Mapping[str, Any]) -> dict[str, Any]:
    system = [{"type": block["type"], "text": block["text"]} for block in request["system"]]
    return {name: value for name, value in {**request, "system": system}.items() if name != "cache_control"}


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Sandbox, ClaudeClient]]:
    clock = Clock()
    sandbox = Sandbox(clock, Journal(clock), Faults(), first_delta=0.0, deltas_per_second=100_000)
    sandbox.script(None, Script(ANSWER))
    await sandbox.start()
    environ = {"ANTHROPIC_API_KEY": sandbox.api_key, "ANTHROPIC_BASE_URL": sandbox.url}
    claude = ClaudeClient(Settings.load(environ, dotenv=None))
    try:
        yield sandbox, claude
    finally:
        await claude.close()
        await sandbox.stop()

"""Editing in place under Slack's limits: how fresh the text is that people see, for Parley and for the usual way.

Every reply is asked for at once and gets the same answer, 20 deltas a second. The sandbox's journal says when Claude
produced each word and when a message showed it.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from bot.ops import own_redis
from bot.ops.demo import has_ended
from bot.ops.supervisor import die_with_parent
from bot.sandbox import Sandbox
from bot.sandbox.claude.answers import Answer
from bot.sandbox.journal import Entry
from bot.sandbox.slack.world.records import Channel, Message, id_for
from tests.bench.answer import PacedAnswer, p95, visible
from tests.bench.report import Report, Target, Value
from tests.kit.parley import Parley, text

SUMMARY = "many replies at once that are edited in place"
CHANNELS = 30
DELTAS_A_SECOND = 20.0
WORKERS, SLOTS = 2, 50
EDITS_A_MINUTE = 50
# What a call to Slack takes; the sandbox plays it.
ROUND_TRIP = 0.15
COMPLETE_WITHIN = 2.0
FAIR = 1.3
# The usual way may take long to end: who is not complete by then counts with this delay.
PATIENCE = 120.0
WAYS = ("parley", "native", "usual")
WRITING = ("chat.postMessage", "chat.update", "chat.startStream", "chat.appendStream", "chat.stopStream")
QUESTION = re.compile(r"question (\d+)\b")
NOTES = (
    f"Ages and delays in seconds; ages are sampled every 20 ms from a reply's first delta until it is complete. A call "
    f"to Slack takes {ROUND_TRIP} s. What is not complete {PATIENCE:.0f} s after Claude ended counts with that delay.",
    f"best: 60·K / 2·L + {ROUND_TRIP} s, for K replies that are edited live and L = {EDITS_A_MINUTE} - K edits "
    "a minute left over: what a fair schedule can reach that keeps back an edit for each.",
    "native: Parley with STREAMING=native. Slack takes 20 starts a minute; replies beyond that are edited or posted. "
    "Appends count as edits.",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replies", type=_numbers, default=[1, 5, 20, 60], help="how many at once (1,5,20,60)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long Claude writes each (60)")
    parser.add_argument("--only", choices=WAYS, help="one of the three ways")


async def run(options: argparse.Namespace) -> Report:
    runs: list[_Run] = []
    for replies in options.replies:
        for way in [options.only] if options.only else WAYS:
            runs.append(await _play(way, replies, PacedAnswer(int(options.seconds * DELTAS_A_SECOND), DELTAS_A_SECOND)))
            if not options.json:
                print(f"{way}, {replies} at once: done", file=sys.stderr, flush=True)
    targets = [target for run in runs if run.way != "usual" for target in run.targets()]
    return Report("pacing", [run.row() for run in runs], targets, NOTES)


@dataclass(frozen=True)
class _Reply:
    """Seconds from Claude's first delta. `shown`: how many words were visible from when on."""

    last_delta: float
    shown: list[tuple[float, int]]
    edited_live: bool
    complete: float | None
    ages: list[float]


@dataclass(frozen=True)
class _Run:
    way: str
    replies: list[_Reply]
    refused: int
    edits: int
    posts: int

    @property
    def live(self) -> list[_Reply]:
        return [reply for reply in self.replies if reply.edited_live]

    @property
    def best(self) -> float | None:
        """The mean age that a fair schedule can reach for those that are edited live."""
        live = len(self.live)
        if self.way != "parley":
            return None
        return 60 * live / (2 * (EDITS_A_MINUTE - live)) + ROUND_TRIP if 0 < live < EDITS_A_MINUTE else None

    @property
    def mean_live(self) -> float | None:
        ages = [age for reply in self.live for age in reply.ages]
        return fmean(ages) if ages else None

    @property
    def late(self) -> float | None:
        """How long after the last delta 95 of 100 answers were complete."""
        return p95([PATIENCE if r.complete is None else r.complete - r.last_delta for r in self.replies])

    def row(self) -> dict[str, Value]:
        ages = [age for reply in self.replies for age in reply.ages]
        return {
            "way": self.way,
            "replies": len(self.replies),
            "refused": self.refused,
            "edits": self.edits,
            "posts": self.posts,
            "mean age": _rounded(fmean(ages)),
            "p95 age": _rounded(p95(ages)),
            "live": len(self.live),
            "mean age, live": _rounded(self.mean_live),
            "p95 age, live": _rounded(p95([age for reply in self.live for age in reply.ages])),
            "best": _rounded(self.best),
            "p95 complete after": _rounded(self.late),
            "incomplete": sum(reply.complete is None for reply in self.replies),
        }

    def targets(self) -> list[Target]:
        size = f"{'native, ' if self.way == 'native' else ''}{len(self.replies)} at once"
        targets = [
            Target(f"{size}: refused calls", self.refused, 0),
            Target(f"{size}: complete after, p95", _rounded(self.late), COMPLETE_WITHIN),
        ]
        # An answer may be shorter than the time from one edit to the next.
        if self.best is not None:
            name = f"{size}: mean age, live ({FAIR} x best)"
            targets.append(Target(name, _rounded(self.mean_live), round(FAIR * self.best, 3)))
        return targets


async def _play(way: str, replies: int, answer: PacedAnswer) -> _Run:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="parley-bench-")))
        if way != "usual":
            redis_url = stack.enter_context(own_redis.running(folder / "redis"))
            settings = {"SLOTS": str(SLOTS), "STREAMING": "native" if way == "native" else "edit"}
            parley = Parley(redis_url, folder, workers=WORKERS, settings=settings)
            sandbox = (await stack.enter_async_context(parley)).sandbox
        else:
            sandbox = await stack.enter_async_context(_usual_bot(folder))
        channels = [_add_channel(sandbox, f"bench-{number}") for number in range(CHANNELS)]
        sandbox.claude.script(None, Answer(answer.text, deltas_per_second=DELTAS_A_SECOND))
        for method in WRITING:
            sandbox.faults.add(method, "delay", seconds=ROUND_TRIP)
        questions = [
            (channels[n % CHANNELS], await sandbox.slack.say("ada", channels[n % CHANNELS], f"@parley question {n}"))
            for n in range(replies)
        ]

        def all_complete() -> bool:
            return all(_is_complete(way, _bots(sandbox, channel, ts), answer) for channel, ts in questions)

        with suppress(TimeoutError):
            await sandbox.slack.until(all_complete, within=answer.seconds + PATIENCE)
        return _measured(way, sandbox, questions, answer)


@asynccontextmanager
async def _usual_bot(folder: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        with (folder / "usual.log").open("wb") as log:
            bot = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.bench.usual",
                env={**os.environ, **sandbox.environ()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        try:
            await sandbox.slack.until(lambda: len(sandbox.slack.sockets), within=30)
            yield sandbox
        finally:
            bot.terminate()
            await bot.wait()


def _add_channel(sandbox: Sandbox, name: str) -> str:
    workspace = sandbox.slack.workspace
    members = [sandbox.users["ada"], sandbox.bot_user]
    channel = Channel(id_for("C", name), name, "channel", int(sandbox.clock.time()), members)
    workspace.channels[channel.id] = channel
    workspace.on_change("channel", channel)
    return channel.id


def _bots(sandbox: Sandbox, channel: str, thread_ts: str) -> list[Message]:
    return [message for message in sandbox.slack.thread(channel, thread_ts) if message.bot_id]


def _is_complete(way: str, messages: list[Message], answer: PacedAnswer) -> bool:
    """Whether the whole answer is there, and in Parley's case says so: an apology is no answer."""
    whole = bool(messages) and visible(text(messages[-1])) == answer.words
    return whole and (way == "usual" or has_ended(messages))


def _measured(way: str, sandbox: Sandbox, questions: list[tuple[str, str]], answer: PacedAnswer) -> _Run:
    now = time.monotonic()
    entries = sandbox.journal.entries()
    first, done = _claude_times(entries)
    thread_of = {m.ts: ts for channel, ts in questions for m in _bots(sandbox, channel, ts)}
    written: dict[str, list[tuple[float, str, int]]] = {ts: [] for _, ts in questions}
    streamed: dict[str, str] = {}
    for request, response in pairwise(entries):
        if request.kind == "slack.request" and request.name in WRITING:
            # Nothing can happen between the two: the sandbox handles these calls in one go.
            assert (response.kind, response.name) == ("slack.response", request.name)
            message_ts = str(request.data.get("ts"))
            ts = request.data.get("thread_ts") or thread_of.get(message_ts)
            if response.data["ok"] and ts in written:
                content = str(request.data.get("blocks") or request.data.get("markdown_text"))
                if request.name.endswith("Stream"):
                    # What a stream gets is added to what it has.
                    content = streamed[ts] = streamed.get(ts, "") + (request.data.get("markdown_text") or "")
                written[ts].append((response.monotonic, request.name, visible(content)))
    replies = []
    for number, (channel, ts) in enumerate(questions):
        began, calls = first[number], written[ts]
        whole = _is_complete(way, _bots(sandbox, channel, ts), answer)
        complete = calls[-1][0] - began if whole else None
        shown = [(at - began, words) for at, _, words in calls]
        live = any(name in ("chat.update", "chat.appendStream") and at < done[number] for at, name, _ in calls)
        ages = answer.ages(shown, now - began if complete is None else complete)
        replies.append(_Reply(done[number] - began, shown, live, complete, ages))
    responses = [entry for entry in entries if entry.kind == "slack.response"]
    went = Counter(entry.name for entry in responses if entry.data["ok"])
    refused = sum(entry.data["status"] == 429 for entry in responses)
    edits = went["chat.update"] + went["chat.appendStream"]
    return _Run(way, replies, refused, edits, went["chat.postMessage"] + went["chat.startStream"])


def _claude_times(entries: list[Entry]) -> tuple[dict[int, float], dict[int, float]]:
    """When the answers to the questions began and ended."""
    numbers: dict[str, int] = {}
    first: dict[int, float] = {}
    done: dict[int, float] = {}
    for entry in entries:
        if entry.kind == "claude.request":
            question = QUESTION.search(str(entry.data.get("body")))
            if question:
                numbers[entry.data["request_id"]] = int(question[1])
        elif entry.kind == "claude.delta":
            first[numbers[entry.data["request_id"]]] = entry.monotonic
        elif entry.kind == "claude.done":
            done[numbers[entry.data["request_id"]]] = entry.monotonic
    return first, done


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _numbers(value: str) -> list[int]:
    return [int(number) for number in value.split(",")]

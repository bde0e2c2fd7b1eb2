"""How long Slack waits for our acknowledgement under load, over HTTP, behind the server that runs in production."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from bot.ops import own_redis
from bot.sandbox.claude.answers import Answer
from bot.store import keys
from tests.bench.report import Report, Target, Value
from tests.kit.parley import Parley

SUMMARY = "acknowledging a hundred events a second"
P99_MS = 300.0
SLACK_MS = 3000.0
"""https://docs.slack.dev/apis/events-api/#responding"""
# A mention comes as two events.
TWINS = 2
PEOPLE = ("ada", "ben", "chidi")
ANSWER = Answer("A short answer, of a few words only.", deltas_per_second=20.0)
CHANNELS = ("general", "random", "engineering")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=100, help="events a second (100)")
    parser.add_argument("--seconds", type=int, default=30, help="how long, twice (30)")


async def run(options: argparse.Namespace) -> Report:
    """Once with no worker, and once with one that answers meanwhile."""
    rows = [await _measured(options, workers) for workers in (0, 1)]
    off, on = rows
    targets = [
        Target("acknowledged without workers, p99, ms", _number(off["p99 ms"]), P99_MS),
        Target("acknowledged without workers, the longest, ms", _number(off["longest ms"]), SLACK_MS),
        Target("acknowledged with workers, the longest, ms", _number(on["longest ms"]), SLACK_MS),
        Target("events not acknowledged at once", _number(off["missed"]) + _number(on["missed"]), 0),
        Target("messages lost", _number(off["lost"]) + _number(on["lost"]), 0),
    ]
    return Report("ack", rows, targets)


async def _measured(options: argparse.Namespace, workers: int) -> dict[str, Value]:
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, own_redis.running(Path(folder) / "redis") as url:
        settings = {"DRAIN_SECONDS": "0"}
        async with Parley(url, Path(folder), transport="http", workers=workers, settings=settings) as parley:
            # Claude is not on this machine in production.
            parley.sandbox.claude.script("question", ANSWER, times=1_000_000)
            questions = await _ask(parley, options.rate / TWINS, options.seconds)
            expected = TWINS * len(questions)
            journal = parley.sandbox.journal

            def is_over() -> bool:
                ends = [*journal.entries("slack.ack"), *journal.entries("slack.lost")]
                return len([end for end in ends if end.data["ts"] in questions]) >= expected

            async with asyncio.timeout(60):
                while not is_over():
                    await asyncio.sleep(0.2)
            times = _times(parley, set(questions))
            missed = [e for e in journal.entries("slack.unanswered") if e.data.get("ts") in questions]
            team = parley.sandbox.team
            seen = [keys.seen_message(team, channel, ts) for ts, channel in questions.items()]
            kept = [await parley.redis.exists(key) for key in seen]
            answered = {ts for channel in CHANNELS for ts in questions if parley.replies(channel, ts)}
    centiles = quantiles(times, n=100, method="inclusive")
    return {
        "workers": workers,
        "events": expected,
        "p50 ms": centiles[49],
        "p99 ms": centiles[98],
        "longest ms": max(times),
        "missed": len(missed),
        "lost": kept.count(0),
        "answered meanwhile": len(answered),
    }


async def _ask(parley: Parley, rate: float, seconds: int) -> dict[str, str]:
    """Mention us at that rate; the channel of each message by its ts."""
    questions: dict[str, str] = {}
    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        channel = CHANNELS[number % len(CHANNELS)]
        ts = await parley.slack.say(PEOPLE[number % 2], channel, f"@parley question {number}")
        questions[ts] = parley.sandbox.channels[channel]
    return questions


def _times(parley: Parley, questions: set[str]) -> Sequence[float]:
    """From each delivery to its acknowledgement, in ms."""
    journal = parley.sandbox.journal
    sent = {(e.data["event_id"], e.data["attempt"]): e.monotonic for e in journal.entries("slack.delivery")}
    acks = [e for e in journal.entries("slack.ack") if e.data.get("ts") in questions]
    return [1000 * (e.monotonic - sent[e.data["event_id"], e.data["attempt"]]) for e in acks]


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)

"""What somebody who means ill can cost others: by hostile texts, at the HTTP port, and beside others' answers."""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from bot.ops import own_redis
from bot.store import keys
from tests.bench.attack import KINDS, Attack, attack
from tests.bench.neighbours import neighbours
from tests.bench.report import Report, Target, Value
from tests.kit.hostile_shapes import SHAPES, Shape
from tests.kit.parley import Parley
from tests.workers.markdown.test_linear import MOST_TIMES, WORKS, Work
from workers.process.memory import keep_imports_out_of_collections

SUMMARY = "hostile texts and files, and strangers at the HTTP port"
P99_MS = 300.0
SHORT, LONG = 10_000, 100_000
# Below this a time is mostly noise, or that of a text too short to be split; its ratio means nothing.
FLOOR_MS = 10.0
# So many kinds of requests are named where they were answered alike.
FEW = 3
ORDINARY = Shape("Some **words** of an answer, with `code` and a [link](https://example.com).\n\n- one item\n\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=["texts", "port", "neighbours"], help="one part of it")
    parser.add_argument("--seconds", type=int, default=30, help="how long the port is attacked (30)")
    parser.add_argument("--rate", type=int, default=50, help="unsigned requests a second (50)")
    parser.add_argument("--connections", type=int, default=1_000, help="silent connections (1,000)")


async def run(options: argparse.Namespace) -> Report:
    """Each row has what is usual and what is hostile side by side, measured in this run."""
    rows: list[dict[str, Value]] = []
    targets: list[Target] = []
    if options.only in (None, "texts"):
        # As a worker does at its start.
        keep_imports_out_of_collections()
        for work in WORKS:
            row, growth = _text_row(work)
            rows.append(row)
            targets.append(Target(f"{_name(work)}: ten times the text takes, times as long", growth, MOST_TIMES))
    if options.only in (None, "port"):
        usual, attacked = await _port(options, None), await _port(options, _attack(options))
        rows += _port_rows(usual, attacked)
        targets += [
            Target("acknowledged under attack, p99, ms", attacked.p99, P99_MS),
            Target("signed events not acknowledged under attack", attacked.missed, 0),
            Target("messages lost under attack", attacked.lost, 0),
            Target("unsigned requests that were let in", attacked.let_in, 0),
        ]
    if options.only in (None, "neighbours"):
        more_rows, more_targets = await neighbours()
        rows += more_rows
        targets += more_targets
    return Report("hostile", rows, targets, _notes(options))


def _notes(options: argparse.Namespace) -> list[str]:
    kinds = ", ".join(KINDS)
    return [
        f"Texts: {len(SHAPES)} shapes of {LONG:,} characters, milliseconds of processor time, best of three.",
        f"Port: 20 signed events a second for {options.seconds} s; under attack {options.connections:,} silent "
        f"connections and {options.rate} unsigned requests a second, in turn: {kinds}.",
    ]


def _name(work: Work) -> str:
    return work.__name__.strip("_")


def _text_row(work: Work) -> tuple[dict[str, Value], float]:
    """The slowest shape, and the growth of the one that grows most."""
    slowest_ms, slowest, growth = 0.0, SHAPES[0], 0.0
    for shape in SHAPES:
        short, long = _ms(work, shape.text(SHORT)), _ms(work, shape.text(LONG))
        if long > slowest_ms:
            slowest_ms, slowest = long, shape
        growth = max(growth, long / max(short, FLOOR_MS))
    row: dict[str, Value] = {
        "what": f"{_name(work)}, ms",
        "usual": _ms(work, ORDINARY.text(LONG)),
        "hostile": slowest_ms,
        "of": repr(slowest.unit),
    }
    return row, growth


def _ms(work: Work, text: str) -> float:
    return min(_seconds(work, text) for _ in range(3)) * 1000


def _seconds(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start


@dataclass(frozen=True)
class PortTimes:
    """How signed events fared; `answers` counts what strangers were told, by kind and status."""

    p50: float
    p99: float
    longest: float
    missed: int
    lost: int
    answers: Mapping[str, int]

    @property
    def let_in(self) -> int:
        return sum(count for answer, count in self.answers.items() if answer.endswith(": 2xx"))


def _port_rows(usual: PortTimes, attacked: PortTimes) -> list[dict[str, Value]]:
    names = {"p50": "acknowledged, p50, ms", "p99": "acknowledged, p99, ms", "longest": "acknowledged, longest, ms"}
    rows: list[dict[str, Value]] = [
        {"what": what, "usual": getattr(usual, name), "hostile": getattr(attacked, name), "of": "signed events"}
        for name, what in names.items()
    ]
    kinds_by_status: dict[str, list[str]] = {}
    for answer in attacked.answers:
        kind, _, status = answer.rpartition(": ")
        kinds_by_status.setdefault(status, []).append(kind)
    for status, kinds in sorted(kinds_by_status.items()):
        count = sum(attacked.answers[f"{kind}: {status}"] for kind in kinds)
        which = f"{len(kinds)} kinds" if len(kinds) > FEW else ", ".join(sorted(kinds))
        rows.append({"what": f"strangers told {status}", "usual": 0, "hostile": count, "of": which})
    return rows


def _attack(options: argparse.Namespace) -> Attack:
    return Attack(connections=options.connections, rate=options.rate, seconds=options.seconds + 10)


async def _port(options: argparse.Namespace, hostile: Attack | None) -> PortTimes:
    """Signed events at an unhurried rate, while a process of its own attacks the same port."""
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, own_redis.running(Path(folder) / "redis") as url:
        async with Parley(url, Path(folder), transport="http", workers=0) as parley:
            spawn = multiprocessing.get_context("spawn")
            answers = spawn.Queue()
            attacker = spawn.Process(target=attack, args=(f"{parley.url}/slack/events", hostile, answers), daemon=True)
            if hostile:
                attacker.start()
                # The attack is whole before the first event.
                await asyncio.to_thread(answers.get)
            times = await _acknowledgements(parley, options.seconds)
            told = await asyncio.to_thread(answers.get) if hostile else {}
            return PortTimes(*times, told)


async def _acknowledgements(parley: Parley, seconds: int) -> tuple[float, float, float, int, int]:
    """p50, p99 and longest acknowledgement in ms; events that were not acknowledged at once; messages not kept."""
    journal, questions = parley.sandbox.journal, []
    begun = time.monotonic()
    for number in range(10 * seconds):
        await asyncio.sleep(max(0.0, begun + number / 10 - time.monotonic()))
        questions.append(await parley.slack.say("ada", "general", f"@parley question {number}"))

    def acknowledged() -> list[float]:
        sent = {(e.data["event_id"], e.data["attempt"]): e.monotonic for e in journal.entries("slack.delivery")}
        acks = [e for e in journal.entries("slack.ack") if e.data.get("ts") in questions]
        return [1000 * (e.monotonic - sent[e.data["event_id"], e.data["attempt"]]) for e in acks]

    async with asyncio.timeout(120):
        # A mention comes as two events.
        while len(acknowledged()) + len(journal.entries("slack.lost")) < 2 * len(questions):
            await asyncio.sleep(0.2)
    times = acknowledged()
    centiles = quantiles(times, n=100, method="inclusive")
    missed = [e for e in journal.entries("slack.unanswered") if e.data.get("ts") in questions]
    team, channel = parley.sandbox.team, parley.sandbox.channels["general"]
    kept = [await parley.redis.exists(keys.seen_message(team, channel, ts)) for ts in questions]
    return centiles[49], centiles[98], max(times), len(missed), kept.count(0)

"""Twenty answers beside three that are made to hurt: one worker, and how long its event loop stands still."""

import asyncio
import multiprocessing
import re
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path

from bot.loop_watch import BEAT_SECONDS
from bot.ops import own_redis
from bot.ops.demo import has_ended
from bot.sandbox.claude.answers import Answer
from tests.bench.report import Target, Value
from tests.kit import hostile_files
from tests.kit.parley import Parley

NEIGHBOURS = 20
GROWING_SECONDS = 60.0
DELTAS_PER_SECOND = 20.0
# About so many, in the sandbox.
CHARACTERS_PER_DELTA = 16
WORDS = "Some words of an answer that grows and grows. "
MORE_MS = 100.0
MOST_MB = 500.0
LENGTH = 100_000


@dataclass(frozen=True)
class Evening:
    """What happened while the neighbours' answers grew."""

    control_ms: float
    stall_ms: float
    stalled_in: str
    idle_mb: float
    peak_mb: float
    stood_still: float
    lost: int
    given_up: int
    unanswered: int


async def neighbours() -> tuple[list[dict[str, Value]], list[Target]]:
    """The rows and targets: the neighbours by themselves, and beside those that hurt."""
    usual, hostile = await _evening(hostile=False), await _evening(hostile=True)
    names = {
        "control_ms": "a process that does nothing: its loop's longest stall, ms",
        "stall_ms": "the worker: its loop's longest stall, ms",
        "peak_mb": "the worker and its children: the most PSS, MB",
        "stood_still": "the longest that a neighbour's text stood still, s",
    }
    rows: list[dict[str, Value]] = [
        {"what": what, "usual": getattr(usual, name), "hostile": getattr(hostile, name), "of": "20 answers"}
        for name, what in names.items()
    ]
    rows[1]["of"] = hostile.stalled_in
    targets = [
        Target("the worker's longest stall beyond the control's, ms", hostile.stall_ms - hostile.control_ms, MORE_MS),
        Target("the worker and its children, MB", hostile.peak_mb, MOST_MB),
        Target("leases lost", hostile.lost, 0),
        Target("questions given up", hostile.given_up, 0),
        Target("questions without an answer", hostile.unanswered, 0),
    ]
    return rows, targets


async def _evening(*, hostile: bool) -> Evening:
    """A control process that does nothing tells how long this machine itself stands still."""
    spawn = multiprocessing.get_context("spawn")
    ended, told = spawn.Event(), spawn.Queue()
    control = spawn.Process(target=_stand_by, args=(ended, told), daemon=True)
    with tempfile.TemporaryDirectory(prefix="parley-") as folder, own_redis.running(Path(folder) / "redis") as url:
        async with Parley(url, Path(folder)) as parley:
            idle = _megabytes(parley)
            control.start()
            measuring = asyncio.create_task(_peak(parley))
            stood_still, unanswered = await _ask(parley, hostile=hostile)
            measuring.cancel()
            peak = await measuring
            ended.set()
            control_ms = await asyncio.to_thread(told.get)
        # The worker has ended: its last line is in the log.
        log = parley.log
    stalls = re.findall(r"loop stood still process=worker seconds=([\d.]+) .* where=(\S*)", log)
    # What is shorter than a tenth of a second leaves no line.
    longest, where = max(((float(seconds), where) for seconds, where in stalls), default=(0.1, "-"))
    return Evening(
        control_ms=control_ms,
        stall_ms=1000 * longest,
        stalled_in=where,
        idle_mb=idle,
        peak_mb=peak,
        stood_still=stood_still,
        lost=len(re.findall("lease over|lease not renewed|error=LeaseLost", log)),
        given_up=log.count("given up"),
        unanswered=unanswered,
    )


async def _ask(parley: Parley, *, hostile: bool) -> tuple[float, int]:
    """Ask all; the longest that a neighbour stood still, and how many questions got no complete answer."""
    claude, slack = parley.sandbox.claude, parley.slack
    length = GROWING_SECONDS * DELTAS_PER_SECOND * CHARACTERS_PER_DELTA
    words = WORDS * int(length / len(WORDS))
    claude.script("neighbour", Answer(words, deltas_per_second=DELTAS_PER_SECOND), times=NEIGHBOURS)
    quiet = [await slack.say("ben", "general", f"@parley neighbour {number}") for number in range(NEIGHBOURS)]
    asked = [("general", ts) for ts in quiet]
    growing = asyncio.create_task(_longest_pause(parley, quiet))
    # Slack lets us post once a second in a channel: by then, some answers grow and some wait to be shown.
    await asyncio.sleep(NEIGHBOURS / 2)
    if hostile:
        asked += [("random", ts) for ts in await _ask_what_hurts(parley)]

    def are_complete() -> bool:
        return all(has_ended(parley.answer(channel, ts, ts)) for channel, ts in asked)

    until = time.monotonic() + 4 * GROWING_SECONDS
    while time.monotonic() < until and not are_complete():
        await asyncio.sleep(0.2)
    growing.cancel()
    unanswered = sum(not has_ended(parley.answer(channel, ts, ts)) for channel, ts in asked)
    return await growing, unanswered


async def _ask_what_hurts(parley: Parley) -> list[str]:
    claude, slack = parley.sandbox.claude, parley.slack
    claude.script("blanks", Answer("a" + " " * LENGTH + "b", deltas_per_second=100_000.0))
    claude.script("ticks", Answer("a" + "`" * LENGTH, deltas_per_second=100_000.0))
    pdf = await asyncio.to_thread(hostile_files.counting_pdf)
    jpeg = await asyncio.to_thread(hostile_files.progressive_jpeg, 20_000)
    png = await asyncio.to_thread(hostile_files.png, 7_071, 7_071)
    return [
        await slack.say("ada", "random", "@parley blanks"),
        await slack.say("ada", "random", "@parley ticks"),
        await slack.upload("ada", "random", [("a.pdf", pdf)], text="@parley read this"),
        await slack.upload("ada", "random", [(f"{n}.jpg", jpeg) for n in range(10)], text="@parley look at these"),
        await slack.upload("ada", "random", [(f"{n}.png", png) for n in range(10)], text="@parley and at these"),
    ]


async def _longest_pause(parley: Parley, asked: list[str]) -> float:
    """Until cancelled: the longest time in which the text of one of them did not grow before it was complete."""
    longest = 0.0
    lengths: dict[str, tuple[int, float]] = {}
    try:
        while True:
            await asyncio.sleep(0.2)
            for ts in asked:
                answer = parley.answer("general", ts, ts)
                length = sum(len(str(message.blocks)) for message in answer)
                known, since = lengths.get(ts, (-1, 0.0))
                if length != known or has_ended(answer):
                    lengths[ts] = length, time.monotonic()
                else:
                    longest = max(longest, time.monotonic() - since)
    except asyncio.CancelledError:
        return longest


async def _peak(parley: Parley) -> float:
    """The most memory that the worker and its children took, until cancelled."""
    most = 0.0
    try:
        while True:
            most = max(most, await asyncio.to_thread(_megabytes, parley))
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return most


def _megabytes(parley: Parley) -> float:
    worker = parley.processes["worker1"].pid
    assert worker is not None
    return sum(map(_pss, _family(worker))) / 1000


def _family(pid: int) -> list[int]:
    """The process and all below it."""
    family = [pid]
    for parent in family:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                family += map(int, task.read_text().split())
            except OSError:
                continue
    return family


def _pss(pid: int) -> float:
    """In kB; nothing once the process is gone."""
    try:
        found = re.search(r"(?m)^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0.0
    return float(found[1]) if found else 0.0


def _stand_by(ended: Event, told: "Queue[float]") -> None:
    """A process that does nothing but note how late its event loop is; its longest stall in ms."""

    async def beat() -> float:
        longest = 0.0
        while not ended.is_set():
            begun = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            longest = max(longest, time.monotonic() - begun - BEAT_SECONDS)
        return 1000 * longest

    told.put(asyncio.run(beat()))

"""How long the report of a large workspace takes, and how much of Redis its counts take."""

import argparse
import random
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from redis.asyncio import Redis

from bot.ops import own_redis
from bot.store import connections
from bot.store.counts import usage
from bot.store.counts.usage import BilledPiece, Counted
from bot.usage import query, report
from bot.views import usage as view
from tests.bench.answer import p95
from tests.bench.report import Report, Target, Value

SUMMARY = "time of the usage report of 30 days, and memory of what it is made from"
TEAM = "T0BENCH"
MODELS = ("claude-sonnet-5-5", "claude-haiku-4-5", "claude-fable-5-2")
REPORT_MS = 200.0
BYTES_A_DAY = 400.0
BATCH = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=int, default=5_000, help="people (5000)")
    parser.add_argument("--channels", type=int, default=500, help="channels (500)")
    parser.add_argument("--days", type=int, default=30, help="days, on bytes_a_day of which everybody asks once (30)")
    parser.add_argument("--runs", type=int, default=20, help="reports (20)")


async def run(options: argparse.Namespace) -> Report:
    """The worst case: everybody asks on every day."""
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as folder, own_redis.running(Path(folder)) as address:
        redis = connections.shared(address)
        before = await _memory(redis)
        questions = await _fill(redis, options, today)
        taken = await _memory(redis) - before
        rows = [await _measured(redis, text, today, options.runs) for text in ("today", "7d", "30d", "30d <@U000001>")]
        await redis.aclose()
    bytes_a_day = taken / options.users / options.days
    memory: dict[str, Value] = {
        "report": f"{options.users} people, {options.channels} channels, {options.days} days, {questions} questions",
        "median ms": None,
        "p95 ms": None,
        "processor ms": None,
        "bytes a person and day": bytes_a_day,
        "bytes a person and month": bytes_a_day * 30,
    }
    usual = next(row for row in rows if row["report"] == "30d")["median ms"]
    targets = [
        Target("report of 30 days, median ms", usual if isinstance(usual, float) else None, REPORT_MS),
        Target("memory of a person on a day on which they ask, bytes", bytes_a_day, BYTES_A_DAY),
    ]
    notes = ["Memory is all that Redis took for the counts, channels and models too, divided by people and days."]
    return Report("usage", [*rows, memory], targets, notes)


async def _fill(redis: Redis, options: argparse.Namespace, today: date) -> int:
    chance, number = random.Random(1), 0
    pipe = redis.pipeline(transaction=False)
    for back in range(options.days):
        midnight = datetime.combine(today - timedelta(days=back), datetime.min.time(), UTC).timestamp()
        for user in range(options.users):
            usage.count(pipe, _question(chance, user, options.channels, midnight))
            number += 1
            if number % BATCH == 0:
                await pipe.execute()
    await pipe.execute()
    return number


def _question(chance: random.Random, user: int, channels: int, midnight: float) -> Counted:
    model = chance.choice(MODELS)
    tokens = [chance.randrange(most) for most in (3_000, 2_000, 4_000)]
    cost = chance.randrange(200, 90_000)
    piece = BilledPiece(
        model, tokens[0], tokens[1], tokens[2], read=chance.randrange(60_000), cost=cost, saved=cost // 3
    )
    return Counted(
        TEAM,
        f"C{chance.randrange(channels):06}",
        f"U{user:06}",
        midnight + chance.randrange(24 * 3600),
        model,
        "answer",
        (piece,),
        chance.lognormvariate(0, 0.5),
        chance.lognormvariate(2, 0.7),
    )


async def _measured(redis: Redis, text: str, today: date, runs: int) -> dict[str, Value]:
    """From the words to the blocks; of processor time, this process's and that of Redis."""
    times, used = [], await _processor(redis)
    for _ in range(runs):
        began = time.perf_counter()
        view.blocks(await report.gather(redis, TEAM, query.read(text.split(), today, "U1", 400), today))
        times.append((time.perf_counter() - began) * 1000)
    return {
        "report": text,
        "median ms": sorted(times)[len(times) // 2],
        "p95 ms": p95(times),
        "processor ms": (await _processor(redis) - used) / runs * 1000,
        "bytes a person and day": None,
        "bytes a person and month": None,
    }


async def _processor(redis: Redis) -> float:
    cpu = await redis.info("cpu")
    return time.process_time() + float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


async def _memory(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])

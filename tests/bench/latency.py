"""One question after the other on an idle machine: how long from Claude's first words until they stand in Slack."""

import argparse
import os
from statistics import median

from bot.ops.demo import Demo
from bot.settings import Settings
from tests.bench.report import Report, Target, Value

SUMMARY = "one question at a time"
VISIBLE_MS = 150.0
ACKED_MS = 3000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--questions", type=int, default=10, help="how many (10)")


async def run(options: argparse.Namespace) -> Report:
    """Never asks a real Claude."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "ANTHROPIC_"))}
    visible, acked, rows = [], [], list[dict[str, Value]]()
    async with Demo(Settings.load(environ, dotenv=None)) as demo:
        for number in range(1, options.questions + 1):
            _, outcome = await demo.ask(f"Question {number}: what is a lease?")
            assert outcome.first_visible_ms is not None
            assert outcome.first_delta_ms is not None
            assert outcome.acked_ms is not None
            visible.append(outcome.first_visible_ms - outcome.first_delta_ms)
            acked.append(outcome.acked_ms)
            row: dict[str, Value] = {"question": number, "acked ms": acked[-1], "first words visible ms": visible[-1]}
            rows.append(row)
    rows.append({"question": "median", "acked ms": median(acked), "first words visible ms": median(visible)})
    targets = [
        Target("first words visible after Claude's first delta, the longest, ms", max(visible), VISIBLE_MS),
        Target("acknowledged, the longest, ms", max(acked), ACKED_MS),
    ]
    return Report("latency", rows, targets)

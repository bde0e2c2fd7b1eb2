"""`python -m tests.bench NAME [--json]`: exits with 1 if a target is missed."""

import argparse
import asyncio
import sys

from tests.bench import ack, cache, hostile, latency, pacing, sandbox, usage

BENCHMARKS = {
    "ack": ack,
    "cache": cache,
    "hostile": hostile,
    "latency": latency,
    "pacing": pacing,
    "sandbox": sandbox,
    "usage": usage,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    benchmarks = parser.add_subparsers(dest="name", required=True)
    for name, benchmark in BENCHMARKS.items():
        benchmark.add_arguments(benchmarks.add_parser(name, help=benchmark.SUMMARY))
    for benchmark_parser in benchmarks.choices.values():
        benchmark_parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args(arguments)
    report = asyncio.run(BENCHMARKS[options.name].run(options))
    print(report.as_json() if options.json else report.as_table())
    return 0 if report.is_met else 1


if __name__ == "__main__":
    sys.exit(main())

"""The benchmark of the prompt cache tells a thread that is read from it from one that is not."""

import json
from argparse import Namespace

from tests.bench.cache import run


async def test_a_thread_without_long_pauses_meets_the_targets() -> None:
    report = await run(Namespace(turns=30, system=4000, pause=60))
    assert report.is_met
    [*turns, whole] = json.loads(report.as_json())["rows"]
    assert [row["turn"] for row in turns] == [str(number) for number in range(1, 31)]
    assert whole["µ$"] == sum(row["µ$"] for row in turns)
    assert turns[1]["read"] == turns[0]["input tokens"]


async def test_a_cache_that_is_never_read_misses_them() -> None:
    report = await run(Namespace(turns=4, system=4000, pause=4000))
    assert [target.is_met for target in report.targets] == [False, False]

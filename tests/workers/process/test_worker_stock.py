"""Nobody is locked in: the reply job runs under RQ's own worker."""

import asyncio
import os
import sys
from pathlib import Path

from bot.sandbox.claude.answers import Answer
from tests.kit.parley import Parley
from tests.kit.procfile import ROOT


async def test_a_mention_is_answered_under_a_stock_rq_worker(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        parley.sandbox.claude.script(None, Answer("From a stock worker.", first_delta=0.1))
        asked = [await parley.slack.say("ada", "general", f"@parley {n}?") for n in range(2)]
        for ts in asked:
            await parley.logged(f"kept .*{ts}")
        rq = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "rq"),
            *("worker", "parley", "--burst", "--url", redis_url),
            *("--serializer", "rq.serializers.JSONSerializer"),
            cwd=ROOT,
            env={**os.environ, **parley.environ, "PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert await asyncio.wait_for(rq.wait(), 90) == 0
        finally:
            if rq.returncode is None:
                rq.kill()
                await rq.wait()
        for ts in asked:
            assert await parley.answers("general", ts) == ["From a stock worker."]

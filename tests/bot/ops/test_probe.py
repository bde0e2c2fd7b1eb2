"""What container engines ask, against the bot's own server."""

import asyncio
import os
import sys
from pathlib import Path

from tests.kit.parley import Parley


async def probe(**environ: str) -> tuple[int, str]:
    environment = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", **environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.ops.probe", env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode().strip()


async def test_it_says_what_healthz_says(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        port = parley.environ["PORT"]
        assert await probe(PORT=port, HOST="0.0.0.0") == (0, '{"ok": true}')
        assert await probe(PORT=port, HOST="127.0.0.1") == (0, '{"ok": true}')
        await parley.redis.client_pause(5_000)
        code, said = await probe(PORT=port)
        assert code == 1
        assert '"redis": "TimeoutError"' in said
        await parley.redis.client_unpause()
    assert await probe(PORT=port) == (1, "no answer: ConnectionRefusedError")

"""`parley up`: Redis (if REDIS_URL is not set), worker and bot under one supervisor."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.ops import own_redis
from bot.ops.supervisor import Program, Supervisor
from bot.settings import Settings, gone, hidden


async def up(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises SettingError before anything is started."""
    settings.require_slack()
    settings.require_claude()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Supervisor() as supervisor:
        # This process has warned of the settings that are gone; its children need not do it again.
        environ = {**os.environ, **hidden(gone())}
        if settings.redis_url is None:
            environ["REDIS_URL"] = await start_redis(supervisor, settings)
        start_parley(supervisor, environ, settings)
        await stop.wait()


async def start_redis(supervisor: Supervisor, settings: Settings) -> str:
    """Keep a Redis of our own running on DATA_DIR; its address. Raises NoRedis."""
    data_dir = own_redis.prepared(settings.data_dir)
    address = own_redis.url(data_dir)
    if not await asyncio.to_thread(own_redis.answers, address):
        supervisor.start(Program("redis", own_redis.command(data_dir), os.environ, output=data_dir / "redis.log"))
        await asyncio.to_thread(own_redis.wait_until_answers, address)
    return address


def start_parley(
    supervisor: Supervisor, environ: Mapping[str, str], settings: Settings, output: Path | None = None
) -> None:
    """Start the worker first, so that the bot is stopped first."""
    worker = [sys.executable, "-m", "workers"]
    bot = [sys.executable, "-m", "bot", "serve"]
    supervisor.start(Program("worker", worker, environ, settings.drain_seconds + 30, output))
    supervisor.start(Program("web", bot, environ, output=output))

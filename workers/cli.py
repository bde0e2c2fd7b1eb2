"""`python -m workers`: one worker process. `python -m workers check`: whether Claude would answer it."""

import asyncio
import logging
import sys
from datetime import date

from redis.exceptions import RedisError

from bot import logs, models
from bot.ops import own_redis
from bot.settings import SettingError, Settings, warn_of_gone
from bot.store import connections
from workers.claude import tools, tracing
from workers.claude.client import ClaudeClient, NoAnswer
from workers.claude.settings_check import SettingsFinding, findings, refused, unavailable
from workers.process.loop import LoopThread
from workers.process.worker import SlotWorker

log = logging.getLogger("parley.worker")


async def check(settings: Settings) -> int:
    """Print lines on the key and the models; 1 if Claude would not answer."""
    told = await _claude(settings)
    model = models.find(settings.model)
    found = findings(
        *(settings.model, settings.effort, settings.thinking, settings.max_tokens),
        *(_fallback(settings), date.today()),
    )
    found += told or []
    if not found:
        print(f"ok    Model: {model.name} reads {model.context:,} tokens and writes {model.max_output:,}")
    for finding in found:
        print(finding)
    return 0 if told is not None and not any(finding.fails for finding in found) else 1


def _fallback(settings: Settings) -> str | None:
    return None if settings.fallback_model == "off" else settings.fallback_model


async def _claude(settings: Settings) -> list[SettingsFinding] | None:
    """Ask the Claude API for the models: what is wrong with the other ones, None if MODEL would not answer."""
    claude = None
    try:
        settings.require_claude()
        tools.tools(settings, settings.model)
        claude = ClaudeClient(settings)
        print(f"ok    Claude: {await claude.model_name(settings.model)} ({settings.model})")
        return [*await _request(claude, settings), *await _other(claude, settings)]
    except (SettingError, NoAnswer) as error:
        print(f"FAIL  Claude: {error.sentence if isinstance(error, NoAnswer) else error}")
        return None
    finally:
        if claude:
            await claude.close()


async def _request(claude: ClaudeClient, settings: Settings) -> list[SettingsFinding]:
    """Let the API count a question with all that the settings put into each: what it refuses there, it refuses all."""
    more = {
        **tools.tools(settings, settings.model),
        **models.options(settings.model, settings.effort, settings.thinking),
    }
    try:
        await claude.count({"model": settings.model, "messages": [{"role": "user", "content": "Hi"}], **more})
    except NoAnswer as error:
        return [refused()] if error.is_refused else []
    return []


async def _other(claude: ClaudeClient, settings: Settings) -> list[SettingsFinding]:
    """A fallback that does not exist makes the API refuse every question."""
    fallback = _fallback(settings)
    if fallback is None:
        return []
    try:
        await claude.model_name(fallback)
    except NoAnswer as error:
        if error.failure is None or error.failure.status != 404:
            raise
        return [unavailable("FALLBACK_MODEL", fallback)]
    return []


def main() -> int:
    """0 after a stop that was asked for, 1 when a supervisor should start it again or a setting is wrong."""
    try:
        settings = Settings.load()
        logs.configure(settings.log_level)
        warn_of_gone()
        if sys.argv[1:] == ["check"]:
            return asyncio.run(check(settings))
        with tracing.exporting(), own_redis.provided(settings) as redis_url, LoopThread(settings, redis_url) as replies:
            worker = SlotWorker(
                settings.queue,
                connections.dispatcher(redis_url),
                replies.loop,
                slots=settings.slots,
                drain_seconds=settings.drain_seconds,
            )
            log.info("listening queue=%s slots=%d worker=%s", settings.queue, settings.slots, worker.name)
            worker.work(logging_level="WARNING")
            return 0 if worker.is_stopping else 1
    except SettingError as error:
        print(f"parley: {error}", file=sys.stderr)
        return 1
    except RedisError as error:
        log.error("redis away at the start error=%s", type(error).__name__)
        return 1
    except KeyboardInterrupt:
        return 130

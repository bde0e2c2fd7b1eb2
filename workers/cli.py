"""`python -m workers`: one worker process. `python -m workers check`: whether Claude would answer it."""

import asyncio
import logging
import os
import sys
from datetime import date

from redis.exceptions import RedisError

from bot import logs, models
from bot.ops import own_redis, redis_check
from bot.ops.private_folder import PRIVATE_UMASK
from bot.settings import SettingError, Settings, warn_of_gone
from bot.store import connections
from workers.claude import address_check, tools, tracing
from workers.claude.client import ClaudeClient, NoAnswer
from workers.claude.settings_check import SettingsFinding, chosen_fallback, findings, refused, unavailable
from workers.process.loop import LoopThread
from workers.process.memory import keep_imports_out_of_collections, return_large_pieces
from workers.process.worker import Slots, SlotWorker

log = logging.getLogger("parley.worker")


async def check(settings: Settings) -> int:
    """Print a line for each finding on the key and the models. Returns 1 if Claude would not answer."""
    claude_findings = await _claude(settings)
    model = models.find(settings.model)
    all_findings = [*findings(settings, date.today()), *(claude_findings or [])]
    if not all_findings:
        print(f"ok    Model: {model.name} reads {model.context:,} tokens and writes {model.max_output:,}")
    for finding in all_findings:
        print(finding)
    if claude_findings is None or any(finding.fails for finding in all_findings):
        return 1
    return 0


async def _claude(settings: Settings) -> list[SettingsFinding] | None:
    """Ask the Claude API about the models and the settings. Returns None if MODEL would not answer."""
    claude = None
    try:
        settings.require_claude()
        tools.tools(settings, settings.model)
        claude = ClaudeClient(settings, patience=address_check.PATIENCE)
        reached = await address_check.reach(claude, settings.model)
        print(f"ok    Claude: {reached.name} ({settings.model})")
        for sentence in address_check.cautions(settings, reached):
            print(f"warn  Claude: {sentence}")
        return [*await _request(claude, settings), *await _fallback(claude, settings)]
    except (SettingError, NoAnswer) as error:
        sentence = address_check.advice(error, settings) if isinstance(error, NoAnswer) else str(error)
        print(f"FAIL  Claude: {sentence}")
        return None
    finally:
        if claude:
            await claude.close()


async def _request(claude: ClaudeClient, settings: Settings) -> list[SettingsFinding]:
    """Let the API count the tokens of a question made with these settings. If it refuses that, it refuses all."""
    parameters = {
        **tools.tools(settings, settings.model),
        **models.options(settings.model, settings.effort, settings.thinking),
    }
    try:
        await claude.count({"model": settings.model, "messages": [{"role": "user", "content": "Hi"}], **parameters})
    except NoAnswer as error:
        return [refused()] if error.is_refused else []
    return []


async def _fallback(claude: ClaudeClient, settings: Settings) -> list[SettingsFinding]:
    """Whether FALLBACK_MODEL exists. One that does not makes the API refuse every question."""
    fallback = chosen_fallback(settings)
    if fallback is None:
        return []
    try:
        await address_check.reach(claude, fallback)
    except NoAnswer as error:
        if error.failure is None or error.failure.status not in (400, 403, 404):
            raise
        return [unavailable("FALLBACK_MODEL", fallback)]
    return []


def main() -> int:
    """0 after a stop on request, 1 if a setting is wrong or a supervisor should start the worker again."""
    os.umask(PRIVATE_UMASK)
    try:
        settings = Settings.load()
        logs.configure(settings.log_level)
        warn_of_gone()
        if sys.argv[1:] == ["check"]:
            return asyncio.run(check(settings))
        return_large_pieces()
        keep_imports_out_of_collections()
        with tracing.exporting(), own_redis.provided(settings) as redis_url, LoopThread(settings, redis_url) as replies:
            redis_check.warn(redis_url, is_own=settings.redis_url is None, replicas=settings.redis_wait_replicas)
            slots = Slots(settings.slots, settings.drain_seconds)
            worker = SlotWorker(settings.queue, connections.dispatcher(redis_url), replies.loop, slots)
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

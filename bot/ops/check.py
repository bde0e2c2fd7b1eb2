"""`parley check`: tries every credential and service, and says what to do about what fails."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from bot.manifest import NEEDED_SCOPES, SCOPES
from bot.ops import own_redis, redis_check
from bot.settings import SettingError, Settings, gone, hidden
from bot.slack import client as slack
from bot.slack.identity import identify, try_app_token

GRANT = "add it on your app's page OAuth & Permissions and reinstall the app."


@dataclass(frozen=True)
class Result:
    """What came of one try. `warn`: all that is needed works, and something else does not."""

    level: Literal["ok", "warn", "FAIL"]
    what: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.level:4}  {self.what}: {self.sentence}"


async def check(settings: Settings) -> bool:
    """Print a line for each thing tried; whether nothing failed."""
    no_settings = gone()
    for sentence in no_settings.values():
        print(Result("warn", "Settings", sentence), flush=True)
    is_well = True
    async for result in results(settings):
        print(result, flush=True)
        is_well = is_well and result.level != "FAIL"
    # Only the workers know Claude, and nothing here imports them.
    environ = {**os.environ, **hidden(no_settings)}
    claude = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers", "check", env=environ)
    return await claude.wait() == 0 and is_well


async def results(settings: Settings) -> AsyncIterator[Result]:
    """On Slack and Redis, each as soon as it is known."""
    async for result in _slack(settings):
        yield result
    for result in await asyncio.to_thread(_redis, settings):
        yield result


async def _slack(settings: Settings) -> AsyncIterator[Result]:
    try:
        settings.require("slack_bot_token")
        async with slack.client(settings) as web:
            identity = await identify(web, attempts=2)
    except SettingError as error:
        yield Result("FAIL", "Slack", str(error))
    else:
        yield Result("ok", "Slack", f"{identity.name} in workspace {identity.team_name} ({identity.team})")
        for result in _scopes(identity.scopes):
            yield result
    yield await _events(settings)


def _scopes(granted: frozenset[str] | None) -> list[Result]:
    """One for each scope that is missing, the needed ones first."""
    if granted is None:
        return [Result("ok", "Slack scopes", "Slack does not say which are granted")]
    # The needed scopes come first, and are among all of them a second time.
    by_need = dict.fromkeys([*NEEDED_SCOPES, *SCOPES])
    missing = [scope for scope in by_need if scope not in granted]
    if not missing:
        return [Result("ok", "Slack scopes", f"all {len(SCOPES)} of manifest.yaml are granted")]
    return [_missing(scope) for scope in missing]


def _missing(scope: str) -> Result:
    sentence = f"{scope} is not granted, so {SCOPES[scope]}"
    if scope in NEEDED_SCOPES:
        return Result("FAIL", "Slack scopes", f"{sentence}: {GRANT}")
    return Result("warn", "Slack scopes", f"{sentence}.")


async def _events(settings: Settings) -> Result:
    """Whether Slack's events reach us: in Socket Mode the app-level token is tried, over HTTP Slack comes to us."""
    if settings.slack_app_token is None:
        try:
            settings.require("slack_signing_secret")
        except SettingError as error:
            return Result("FAIL", "Slack events", str(error))
        return Result("ok", "Slack events", "over HTTP, signed; Slack must reach https://YOUR-HOST/slack/events")
    try:
        async with slack.client(settings) as web:
            await try_app_token(web, settings.slack_app_token)
    except SettingError as error:
        return Result("FAIL", "Slack events", str(error))
    return Result("ok", "Slack events", "over Socket Mode")


def _redis(settings: Settings) -> list[Result]:
    try:
        with own_redis.provided(settings) as address:
            is_own = settings.redis_url is None
            found = redis_check.findings(address, is_own=is_own, replicas=settings.redis_wait_replicas)
    except SettingError as error:
        return [Result("FAIL", "Redis", str(error))]
    return [Result(finding.level, finding.what, finding.sentence) for finding in found]

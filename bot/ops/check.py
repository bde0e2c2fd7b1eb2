"""`parley check`: tries every credential and service, and says what to do about what fails."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from bot.manifest import NEEDED_SCOPES, SCOPES
from bot.ops import own_redis
from bot.settings import SettingError, Settings, gone, hidden
from bot.slack import client as slack
from bot.slack.identity import identify, try_app_token

OLDEST_REDIS = (6, 2)
GRANT = "add it on your app's page OAuth & Permissions and reinstall the app."


@dataclass(frozen=True)
class Finding:
    """`warns`: all that is needed works, and something does not."""

    ok: bool
    what: str
    said: str
    warns: bool = False

    def __str__(self) -> str:
        word = "warn" if self.warns else "ok  " if self.ok else "FAIL"
        return f"{word}  {self.what}: {self.said}"


async def check(settings: Settings) -> bool:
    """Print a line for each thing tried; whether all is well."""
    well, no_settings = True, gone()
    for sentence in no_settings.values():
        print(Finding(True, "Settings", sentence, warns=True), flush=True)
    async for finding in findings(settings):
        print(finding, flush=True)
        well = well and finding.ok
    # Only the workers know Claude, and nothing here imports them.
    environ = {**os.environ, **hidden(no_settings)}
    claude = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers", "check", env=environ)
    return await claude.wait() == 0 and well


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """On Slack and Redis, each as soon as it is known."""
    async for finding in _slack(settings):
        yield finding
    for finding in await asyncio.to_thread(_redis, settings):
        yield finding


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    try:
        settings.require("slack_bot_token")
        async with slack.client(settings) as web:
            identity = await identify(web, attempts=2)
    except SettingError as error:
        yield Finding(False, "Slack", str(error))
    else:
        yield Finding(True, "Slack", f"{identity.name} in workspace {identity.team_name} ({identity.team})")
        for finding in _scopes(identity.scopes):
            yield finding
    yield await _listening(settings)


def _scopes(granted: frozenset[str] | None) -> list[Finding]:
    """One for each scope that is missing, the needed ones first."""
    if granted is None:
        return [Finding(True, "Slack scopes", "Slack does not say which are granted")]
    missing = [scope for scope in [*NEEDED_SCOPES, *SCOPES] if scope not in granted]
    if not missing:
        return [Finding(True, "Slack scopes", f"all {len(SCOPES)} of manifest.yaml are granted")]
    return [
        Finding(False, "Slack scopes", f"{scope} is not granted, so {SCOPES[scope]}: {GRANT}")
        if scope in NEEDED_SCOPES
        else Finding(True, "Slack scopes", f"{scope} is not granted, so {SCOPES[scope]}.", warns=True)
        for scope in dict.fromkeys(missing)
    ]


async def _listening(settings: Settings) -> Finding:
    """Socket Mode: open a connection's address with the app-level token. HTTP: Slack comes to us."""
    if settings.slack_app_token is None:
        try:
            settings.require("slack_signing_secret")
        except SettingError as error:
            return Finding(False, "Slack events", str(error))
        return Finding(True, "Slack events", "over HTTP, signed; Slack must reach https://YOUR-HOST/slack/events")
    try:
        async with slack.client(settings) as web:
            await try_app_token(web, settings.slack_app_token)
    except SettingError as error:
        return Finding(False, "Slack events", str(error))
    return Finding(True, "Slack events", "over Socket Mode")


def _redis(settings: Settings) -> list[Finding]:
    try:
        with own_redis.given(settings) as address, Redis.from_url(address, socket_timeout=5) as client:
            info = client.info()
    except SettingError as error:
        return [Finding(False, "Redis", str(error))]
    except RedisError as error:
        return [Finding(False, "Redis", f"does not answer ({type(error).__name__}): check REDIS_URL in .env.")]
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    policy = info.get("maxmemory_policy")
    return [
        Finding(True, "Redis", str(info["redis_version"]))
        if version >= OLDEST_REDIS
        else Finding(False, "Redis", f"{info['redis_version']} is too old: Parley needs 6.2 or newer."),
        Finding(True, "Redis eviction", "noeviction")
        if policy == "noeviction"
        else Finding(False, "Redis eviction", f"{policy} drops waiting messages: set maxmemory-policy noeviction."),
        Finding(True, "Redis persistence", "append-only file")
        if info.get("aof_enabled")
        else Finding(False, "Redis persistence", "a restart loses what waits: set appendonly yes."),
    ]

"""What all replies of a worker process share, like one client each for Redis, Slack and Claude."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.ops import own_redis
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.identity import identify
from bot.slack.own_teams import OwnTeams
from bot.slack.rate_limits import RateLimits
from bot.store import connections
from bot.store.metrics import Metrics
from bot.store.threads.inbox import Inbox
from workers.billing.spending import Spending
from workers.claude import tools
from workers.claude.client import ClaudeClient
from workers.draft.pacing import Pacing
from workers.files.files import SharedFiles
from workers.process.stops import Stops


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    redis: Redis
    inbox: Inbox
    slack: AsyncWebClient
    bot_user: str
    teams: OwnTeams
    claude: ClaudeClient
    pacing: Pacing
    files: SharedFiles
    stops: Stops
    metrics: Metrics
    spending: Spending


_opened: dict[asyncio.AbstractEventLoop, Runtime] = {}


@asynccontextmanager
async def opened(settings: Settings, redis_url: str) -> AsyncIterator[Runtime]:
    """Open the clients for this event loop; `current` finds them until they are closed. Raises SettingError."""
    settings.require("slack_bot_token")
    settings.require_claude()
    tools.tools(settings, settings.model)
    loop = asyncio.get_running_loop()
    redis, producer = connections.shared(redis_url), connections.producer(redis_url)
    claude = ClaudeClient(settings, redis)
    try:
        async with AsyncExitStack() as stack:
            web = await stack.enter_async_context(slack.client(settings))
            stops = await stack.enter_async_context(Stops(redis).listening())
            identity = await identify(web)
            metrics = await stack.enter_async_context(Metrics(redis, identity.team).flushing())
            files = SharedFiles(settings, redis, web)
            stack.push_async_callback(files.close)
            web.rate_limits = RateLimits(redis, identity.team)
            web.metrics = claude.metrics = files.metrics = metrics
            _opened[loop] = runtime = Runtime(
                settings=settings,
                redis=redis,
                inbox=Inbox(redis, connections.queue(settings.queue, producer), settings.lease_seconds),
                slack=web,
                bot_user=identity.user,
                teams=OwnTeams(web, identity.team),
                claude=claude,
                pacing=Pacing(redis),
                files=files,
                stops=stops,
                metrics=metrics,
                spending=Spending(settings, web, redis),
            )
            yield runtime
    finally:
        _opened.pop(loop, None)
        await claude.close()
        await redis.aclose()
        producer.close()


@asynccontextmanager
async def current() -> AsyncIterator[Runtime]:
    """The runtime of this event loop. Under a stock `rq worker`, which has a new loop for each job, a new runtime."""
    runtime = _opened.get(asyncio.get_running_loop())
    if runtime:
        yield runtime
        return
    settings = Settings.load()
    async with opened(settings, settings.redis_url or own_redis.url(own_redis.prepared(settings.data_dir))) as runtime:
        yield runtime

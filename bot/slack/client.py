"""One client for Slack's Web API, which keeps to Slack's limits for all processes together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from redis.exceptions import RedisError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import Settings
from bot.slack.errors import SLACK_TROUBLE, Paused, describe, retry_after, verdict
from bot.slack.rate_limits import Budget
from bot.store.metrics import Metrics

log = logging.getLogger("parley.slack")

CONNECTIONS = 1_000


class Client(AsyncWebClient):
    """With a `budget` it makes no call that would be over it, and tells it of Slack's refusals (invariant 6)."""

    budget: Budget | None = None
    metrics: Metrics | None = None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._asking: dict[str, asyncio.Task[AsyncSlackResponse]] = {}

    async def users_info(self, *, user: str, **given: Any) -> AsyncSlackResponse:
        """Who asks about somebody while another does gets the same answer: fifty questions at once are one call.

        After somebody gave up waiting, the next one asks anew.
        """
        asking = self._asking.get(user)
        if asking is None:
            asking = self._asking[user] = asyncio.create_task(super().users_info(user=user, **given))
            asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(asking)
        finally:
            if self._asking.get(user) is asking:
                del self._asking[user]

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        """Raises Paused too, and with a budget redis.RedisError: then nothing was sent, and no call is counted."""
        try:
            response = await self._call(api_method, **given)
        except SLACK_TROUBLE as error:
            self._count(api_method, _result(error))
            raise
        self._count(api_method, "ok")
        return response

    def _count(self, method: str, result: str) -> None:
        if self.metrics:
            self.metrics.count("slack_calls", method, result)

    async def _call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        if self.budget is None:
            return await super().api_call(api_method, **given)
        if seconds := await self.budget.take(api_method, (given.get("json") or {}).get("channel_id")):
            raise Paused(api_method, seconds)
        try:
            return await super().api_call(api_method, **given)
        except SlackApiError as error:
            if verdict(error) == "limited":
                await self._pause(self.budget, api_method, retry_after(error))
            raise

    async def _pause(self, budget: Budget, method: str, seconds: float) -> None:
        """For every process. Where Redis does not take it, the caller is still to hear that Slack refused the call."""
        try:
            await budget.pause(method, seconds)
        except RedisError as error:
            log.warning("not paused method=%s seconds=%.1f error=%s", method, seconds, describe(error))


@asynccontextmanager
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A Web API client with kept-alive connections, without a budget until we know whose it is.

    The SDK's own retries are off: a post that is sent again after a broken connection can appear twice.
    """
    timeout = aiohttp.ClientTimeout(total=settings.slack_call_seconds)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        web = Client(
            token=settings.slack_bot_token,
            base_url=settings.slack_api_url.rstrip("/") + "/",
            session=session,
            retry_handlers=[],
        )
        if urlsplit(web.base_url).hostname in ("127.0.0.1", "localhost"):
            # The SDK takes a proxy from the environment and knows no NO_PROXY.
            web.proxy = None
        yield web


def _result(error: Exception) -> str:
    if isinstance(error, Paused):
        return "paused"
    return "limited" if verdict(error) == "limited" else "failed"

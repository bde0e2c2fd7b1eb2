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

from bot.loop_watch import boot_time
from bot.settings import Settings
from bot.slack.errors import SLACK_TROUBLE, Paused, describe, retry_after, verdict
from bot.slack.rate_limits import RateLimits
from bot.store.metrics import Metrics

log = logging.getLogger("parley.slack")

CONNECTIONS = 1_000


class Client(AsyncWebClient):
    """With `rate_limits`, no call is sent that Slack would refuse for its limits, and refusals pause the method.

    Invariant 6. A call is over after `call_seconds`, the time that Redis needed for the limits included: whoever makes
    one relies on it (invariant 5).
    """

    rate_limits: RateLimits | None = None
    metrics: Metrics | None = None
    call_seconds = 4.0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._user_calls: dict[str, asyncio.Task[AsyncSlackResponse]] = {}

    async def users_info(self, *, user: str, **arguments: Any) -> AsyncSlackResponse:
        """Callers that ask about the same person at the same time share one call and its answer.

        When a caller gives up waiting, the next one makes a call of its own.
        """
        call = self._user_calls.get(user)
        if call is None:
            call = asyncio.create_task(super().users_info(user=user, **arguments))
            # Nobody may be left to wait for it: its failure is looked at here, or asyncio logs it.
            call.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._user_calls[user] = call
        try:
            return await asyncio.shield(call)
        finally:
            if self._user_calls.get(user) is call:
                del self._user_calls[user]

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """As the SDK's, but with rate limits it also raises Paused or redis.RedisError, and then nothing was sent.

        A call that Redis did not let us make is not counted.
        """
        try:
            response = await self._call(api_method, **arguments)
        except SLACK_TROUBLE as error:
            self._count(api_method, _result(error))
            raise
        self._count(api_method, "ok")
        return response

    def _count(self, method: str, result: str) -> None:
        if self.metrics:
            self.metrics.count("slack_calls", method, result)

    async def _call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        if self.rate_limits is None:
            return await super().api_call(api_method, **arguments)
        body = arguments.get("json") or {}
        began = boot_time()
        seconds = await self.rate_limits.take(api_method, body.get("channel_id"))
        if seconds:
            raise Paused(api_method, seconds)
        left = self.call_seconds - (boot_time() - began)
        if left <= 0:
            # Redis was slow, or this process stood still: what was true when the call was begun may not be any more.
            raise Paused(api_method, 0.0)
        try:
            async with asyncio.timeout(left):
                return await super().api_call(api_method, **arguments)
        except SlackApiError as error:
            if verdict(error) == "limited":
                await self._pause(self.rate_limits, api_method, retry_after(error))
            raise

    async def _pause(self, rate_limits: RateLimits, method: str, seconds: float) -> None:
        """Pause the method for every process. Without Redis there is no pause, and the caller sees Slack's refusal."""
        try:
            await rate_limits.pause(method, seconds)
        except RedisError as error:
            log.warning("not paused method=%s seconds=%.1f error=%s", method, seconds, describe(error))


@asynccontextmanager
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A Web API client with kept-alive connections, without rate limits until we know which team it is for.

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
        web.call_seconds = settings.slack_call_seconds
        if urlsplit(web.base_url).hostname in ("127.0.0.1", "localhost"):
            # The SDK takes a proxy from the environment and knows no NO_PROXY.
            web.proxy = None
        yield web


def _result(error: Exception) -> str:
    """How a failed call is counted."""
    if isinstance(error, Paused):
        return "paused"
    return "limited" if verdict(error) == "limited" else "failed"

"""The gate before Claude, shared by all processes: rate limits, concurrency, and the breaker of the model."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from bot import models
from bot.settings import Settings
from workers.claude.breaker import Breaker, BreakerPass
from workers.claude.concurrency import Concurrency
from workers.claude.failures import AttemptFailed, retry_after
from workers.claude.rate_limits import Allowance, ClaudeRateLimits

# People are told of a wait that is longer.
TOLD_SECONDS = 3.0
CHARS_PER_TOKEN = 4
# A guess for an image or a document: its size as base64 says little.
FILE_TOKENS = 1_500

BUSY = "Claude is asked too much at once, waiting for our turn"
FULL = "Many are being answered, waiting for our turn"


class BreakerOpen(Exception):
    """The model has an outage: ask again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Passage:
    """One attempt's way through the gate."""

    def __init__(self, breaker: Breaker, call: BreakerPass, allowance: Allowance) -> None:
        self._breaker, self._call, self._allowance = breaker, call, allowance

    async def began(self, headers: Mapping[str, str]) -> None:
        """The answer has begun; the limits are in the headers of its response."""
        await self._allowance.saw(headers)
        await self._breaker.began(self._call)


class Gate:
    def __init__(self, settings: Settings, redis: Redis, longest_pause: float) -> None:
        """No Retry-After pauses everybody for more than `longest_pause` seconds."""
        self._breaker, self._rate_limits = Breaker(redis), ClaudeRateLimits(redis)
        self._concurrency = Concurrency(redis, settings.claude_concurrency)
        self._longest_pause = longest_pause

    @asynccontextmanager
    async def passage(self, request: Mapping[str, Any], told: Callable[[str], None]) -> AsyncIterator[Passage]:
        """Wait for the rate limits and for a permit. Raises BreakerOpen if the breaker of the model is open.

        An AttemptFailed that is raised inside, or leaving without one, tells breaker and limits how the attempt ended.
        """
        family = models.find(str(request["model"])).family

        def tell(sentence: str) -> Callable[[float], None]:
            return lambda seconds: told(sentence) if seconds > TOLD_SECONDS else None

        async with AsyncExitStack() as stack:
            allowance = await stack.enter_async_context(
                self._rate_limits.allowance(family, fresh_tokens(request), tell(BUSY))
            )
            await stack.enter_async_context(self._concurrency.permit(tell(FULL)))
            call = await self._breaker.enter(str(request["model"]))
            if isinstance(call, float):
                raise BreakerOpen(call)
            try:
                yield Passage(self._breaker, call, allowance)
            except AttemptFailed as failed:
                await self._failed(failed, call, allowance)
                raise
            except BaseException:
                await self._breaker.left(call)
                raise
            await self._breaker.succeeded(call)

    async def _failed(self, failed: AttemptFailed, call: BreakerPass, allowance: Allowance) -> None:
        failure = failed.failure
        if failure.status != 200:
            await allowance.saw(failed.headers)
        seconds = retry_after(failure.retry_after, time.time())
        if failure.status == 429 and failure.is_transient and seconds:
            await allowance.pause(min(seconds, self._longest_pause))
        if failure.is_outage:
            await self._breaker.failed(call)
        else:
            await self._breaker.left(call)


def fresh_tokens(request: Mapping[str, Any]) -> int:
    """An estimate of the prompt's tokens that no cache has: on the first turn all, else those after the last answer.

    Reads from the cache do not count toward the limits (https://platform.claude.com/docs/en/api/rate-limits).
    """
    messages = list(request["messages"])
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    fresh: list[Any] = [request.get("system"), request.get("tools"), *messages]
    if answers:
        fresh = messages[answers[-1] + 1 :]
    return sum(map(_tokens, fresh))


def _tokens(value: Any) -> int:
    if isinstance(value, Mapping):
        if value.get("type") in ("image", "document"):
            return FILE_TOKENS
        return _tokens(value.get("content") or value.get("text") or json.dumps(value))
    if isinstance(value, list):
        return sum(map(_tokens, value))
    return -(-len(value) // CHARS_PER_TOKEN) if isinstance(value, str) else 0

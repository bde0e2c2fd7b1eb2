"""What the processes of a workspace count, added up in Redis.

There is one hash for all of them and not one for each: a total that lost a stopped worker's share would fall, and
Prometheus would take that for a restart and count it again. So workers need no port of their own, and every web process
can answer for all.
"""

import asyncio
import json
import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.store import keys
from bot.store.lua import Script

log = logging.getLogger("parley.metrics")

FLUSH_SECONDS = 2.0
SUM = "sum"


@dataclass(frozen=True)
class Metric:
    """A counter, or with `buckets` (upper bounds, in seconds) a histogram."""

    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
SLOW = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)

# A process whose event loop stands still for 8 seconds loses the leases of its replies.
STALLS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)

METRICS = {
    "events": Metric("What Slack delivered.", ("type",)),
    "acks": Metric("What was answered to deliveries, by HTTP status; 500 in Socket Mode is no answer.", ("status",)),
    "ack_seconds": Metric("Time until a delivery was acknowledged.", (), QUICK),
    "slack_calls": Metric("Calls to Slack: ok, limited (refused), paused (not made) or failed.", ("method", "result")),
    "edit_age_seconds": Metric("How old the text of a live edit was when Slack took it.", (), SLOW),
    "claude_calls": Metric("Answers asked of Claude, by the stop reason or the kind of error.", ("model", "outcome")),
    "claude_retries": Metric("Attempts after the first.", ("model",)),
    "claude_first_text_seconds": Metric("Time until Claude's first text.", ("model",), SLOW),
    "claude_seconds": Metric("Time until Claude's answer was complete.", ("model",), SLOW),
    "cache_unread": Metric("Answers for which the prompt cache had nothing although it was due.", ("model",)),
    "tokens": Metric("Billed tokens: input, output, write_5m, write_1h, read.", ("model", "kind")),
    "searches": Metric("Billed web searches.", ("model",)),
    "loop_stall_seconds": Metric(
        "How long an event loop stood still, from 0.02 s on; by process, worker or serve.", ("process",), STALLS
    ),
    "files_over_limit": Metric("Files left out because opening them took too much, or broke what did it.", ("reason",)),
    "cost_usd_micro": Metric("Cost in millionths of a dollar, where the prices are known.", ("model",)),
}

# KEYS teams metrics; ARGV team, seconds to keep, series and amounts. Of a team that has removed us nothing is kept.
ADD = Script(
    """
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 0 then return 0 end
for n = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[n], ARGV[n + 1]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
""",
    keys=2,
)

# The metric, its labels, and for a histogram the number of a bucket or `sum` (in thousandths).
Series = tuple[str | int, ...]


class Metrics:
    """Counting waits for nothing: what was counted goes to Redis every two seconds. A killed process loses it."""

    def __init__(self, redis: Redis, team: str) -> None:
        self._redis, self._team = redis, team
        self._pending: Counter[Series] = Counter()

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """`labels` are those of the metric, in its order."""
        self._add((name, *labels), by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        self._add((name, *labels, bisect_left(METRICS[name].buckets, value)), 1)
        self._add((name, *labels, SUM), round(value * 1000))

    def stalled(self, process: str) -> Callable[[float], None]:
        """What counts the stalls of a process's event loop, in seconds; for its LoopWatch."""
        return lambda seconds: self.observe("loop_stall_seconds", seconds, process)

    async def flush(self) -> None:
        """Add what was counted to the totals, or drop it if the team has removed Parley.

        Raises RedisError; what was counted is then kept for the next time.
        """
        pending, self._pending = self._pending, Counter()
        if not pending:
            return
        amounts: list[str | int] = []
        for series, amount in pending.items():
            amounts += [json.dumps(series), amount]
        names = [keys.TEAMS, keys.metrics(self._team)]
        try:
            await ADD.run(self._redis, names, self._team, keys.metrics.seconds, *amounts)
        except RedisError:
            self._pending.update(pending)
            raise

    @asynccontextmanager
    async def flushing(self) -> AsyncIterator["Metrics"]:
        """Flush every two seconds while entered, and at the end."""
        task = asyncio.create_task(self._keep_flushing())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._try_to_flush()

    def _add(self, series: Series, amount: int) -> None:
        if amount:
            self._pending[series] += amount

    async def _keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._try_to_flush()

    async def _try_to_flush(self) -> None:
        try:
            await self.flush()
        except RedisError as error:
            log.debug("not counted yet error=%s", type(error).__name__)


async def totals(redis: Redis, team: str) -> dict[Series, int]:
    """What all processes counted so far. Raises RedisError."""
    stored = await cast("Awaitable[dict[str, str]]", redis.hgetall(keys.metrics(team)))
    amounts = {tuple(json.loads(series)): int(amount) for series, amount in stored.items()}
    return {series: amount for series, amount in amounts.items() if series[0] in METRICS}

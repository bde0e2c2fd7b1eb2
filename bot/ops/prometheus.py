"""The page that Prometheus reads at /metrics: totals of all processes, and the state of this moment.

https://prometheus.io/docs/instrumenting/exposition_formats
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from redis.asyncio import Redis

from bot.settings import Settings
from bot.store import load, metrics
from bot.store.metrics import METRICS, SUM, Metric, Series
from bot.store.threads.inbox import Inbox

PREFIX = "parley_"
GAUGES = {
    "queue_jobs": "Threads that wait for a free slot.",
    "queue_oldest_seconds": "How long the first of them has waited.",
    "threads_waiting": "Threads in which a question waits or is answered.",
    "workers": "Worker processes that are alive.",
    "slots": "Answers that can be written at once.",
    "slots_busy": "Answers that are being written.",
    "live_replies": "Replies that are edited live.",
    "claude_calls_open": "Calls to Claude that are under way.",
    "sockets": "Socket Mode connections of this process that are alive.",
}


class _Collected(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


async def page(redis: Redis, inbox: Inbox, settings: Settings, team: str, sockets: int) -> bytes:
    """The whole page. Raises redis.RedisError."""
    counted = await metrics.totals(redis, team)
    running = await inbox.load()
    now = await load.read(redis, team)
    gauges = {
        "queue_jobs": running.waiting,
        "queue_oldest_seconds": running.oldest,
        "threads_waiting": now.threads,
        "workers": running.workers,
        "slots": running.workers * settings.slots,
        "slots_busy": running.running,
        "live_replies": now.live_replies,
        "claude_calls_open": now.claude_calls,
        "sockets": sockets,
    }
    models = sorted({str(series[1]) for series in counted if series[0] == "claude_calls"} | {settings.model})
    registry = CollectorRegistry()
    registry.register(_Collected([*_counted(counted), *_gauges(gauges), _breakers(await load.breakers(redis, models))]))
    return generate_latest(registry)


def _counted(counted: Mapping[Series, int]) -> Iterator[Family]:
    for name, metric in METRICS.items():
        own = {series[1:]: amount for series, amount in counted.items() if series[0] == name}
        if metric.buckets:
            yield _histogram(name, metric, own)
        else:
            yield _counter(name, metric, own)


def _counter(name: str, metric: Metric, counted: Mapping[Series, int]) -> Family:
    """`counted` is by labels."""
    counter = CounterMetricFamily(PREFIX + name, metric.about, labels=metric.labels)
    for labels, amount in sorted(counted.items()):
        counter.add_metric([str(label) for label in labels], amount)
    return counter


def _histogram(name: str, metric: Metric, counted: Mapping[Series, int]) -> Family:
    """`counted` is by labels, and behind them the number of a bucket, or SUM."""
    histogram = HistogramMetricFamily(PREFIX + name, metric.about, labels=metric.labels)
    bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
    for labels in sorted({series[: len(metric.labels)] for series in counted}):
        buckets: list[tuple[str, float]] = []
        # Prometheus wants in each bucket what is in those before it too.
        total = 0
        for number, bound in enumerate(bounds):
            total += counted.get((*labels, number), 0)
            buckets.append((bound, total))
        seconds = counted.get((*labels, SUM), 0) / 1000
        histogram.add_metric([str(label) for label in labels], buckets, seconds)
    return histogram


def _gauges(values: Mapping[str, float]) -> Iterator[Family]:
    for name, about in GAUGES.items():
        yield GaugeMetricFamily(PREFIX + name, about, value=values[name])


def _breakers(is_open: Mapping[str, bool]) -> Family:
    family = GaugeMetricFamily(f"{PREFIX}breaker_open", "1 while a model is not asked for now.", labels=["model"])
    for model, value in is_open.items():
        family.add_metric([model], int(value))
    return family

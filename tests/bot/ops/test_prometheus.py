"""What is counted, and the page that Prometheus reads."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.models import Usage
from bot.ops import prometheus
from bot.ops.prometheus import GAUGES, PREFIX
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import SLACK_TROUBLE
from bot.store import connections, keys
from bot.store.metrics import METRICS, Metrics, totals
from bot.store.threads.inbox import Inbox
from workers.claude import call_log
from workers.claude.breaker import OUTAGES, Breaker, BreakerPass
from workers.claude.call_log import CallFigures

TEAM = "T1"


@pytest.fixture(autouse=True)
async def installed(redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, TEAM)


async def page(redis: Redis, redis_url: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Name of a series -> values of its labels -> value, as Prometheus' own parser reads it."""
    producer = connections.producer(redis_url)
    inbox = Inbox(redis, connections.queue("parley", producer), 8.0)
    text = (await prometheus.page(redis, inbox, Settings(), TEAM, sockets=2)).decode()
    producer.close()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


async def test_all_processes_count_into_one_total_that_never_falls(redis: Redis, redis_url: str) -> None:
    one, other = Metrics(redis, TEAM), Metrics(redis, TEAM)
    for process in (one, other):
        process.count("events", "message", by=3)
        await process.flush()
    one.count("events", "app_mention")
    await one.flush()
    assert (await page(redis, redis_url))["parley_events_total"] == {("message",): 6, ("app_mention",): 1}
    assert await totals(redis, "T2") == {}


async def test_of_a_team_that_removed_us_nothing_is_counted_any_more(redis: Redis) -> None:
    counted = Metrics(redis, TEAM)
    await redis.srem(keys.TEAMS, TEAM)
    counted.count("events", "app_uninstalled")
    await counted.flush()
    assert not await redis.exists(keys.metrics(TEAM))
    await redis.sadd(keys.TEAMS, TEAM)
    counted.count("events", "message")
    await counted.flush()
    assert await totals(redis, TEAM) == {("events", "message"): 1}


async def test_a_histogram_is_cumulative(redis: Redis, redis_url: str) -> None:
    counted = Metrics(redis, TEAM)
    for seconds in (0.004, 0.005, 0.2, 99.0):
        counted.observe("ack_seconds", seconds)
    await counted.flush()
    found = await page(redis, redis_url)
    buckets = found["parley_ack_seconds_bucket"]
    assert [buckets[(bound,)] for bound in ("0.005", "0.1", "0.25", "3.0", "+Inf")] == [2, 2, 3, 3, 4]
    assert found["parley_ack_seconds_count"] == {(): 4}
    assert found["parley_ack_seconds_sum"] == {(): 99.209}


async def test_what_could_not_be_written_is_written_later(redis: Redis) -> None:
    counted = Metrics(redis, TEAM)
    counted.count("events", "message")
    await redis.set(keys.metrics(TEAM), "in the way")
    with pytest.raises(RedisError):
        await counted.flush()
    counted.count("events", "message")
    await redis.delete(keys.metrics(TEAM))
    await counted.flush()
    assert await totals(redis, TEAM) == {("events", "message"): 2}


async def test_the_last_counts_are_written_at_the_end(redis: Redis) -> None:
    async with Metrics(redis, TEAM).flushing() as counted:
        counted.count("acks", "200")
    assert await totals(redis, TEAM) == {("acks", "200"): 1}
    assert await redis.ttl(keys.metrics(TEAM)) > 0


async def test_of_a_team_that_has_removed_us_nothing_is_kept(redis: Redis) -> None:
    counted = Metrics(redis, TEAM)
    counted.count("events", "message")
    await redis.srem(keys.TEAMS, TEAM)
    await counted.flush()
    assert await redis.dbsize() == 0


async def test_what_another_version_counted_is_passed_over(redis: Redis, redis_url: str) -> None:
    await redis.hset(keys.metrics(TEAM), json.dumps(["of_old", "x"]), 1)
    assert "parley_of_old_total" not in await page(redis, redis_url)


async def test_labels_cannot_break_out_of_the_page(redis: Redis, redis_url: str) -> None:
    counted = Metrics(redis, TEAM)
    counted.count("claude_calls", 'a"}\n# b\\', "end_turn")
    await counted.flush()
    assert ('a"}\n# b\\', "end_turn") in (await page(redis, redis_url))["parley_claude_calls_total"]


async def test_an_open_breaker_shows(redis: Redis, redis_url: str) -> None:
    assert (await page(redis, redis_url))["parley_breaker_open"] == {("claude-sonnet-5-5",): 0}
    for _ in range(OUTAGES):
        await Breaker(redis).failed(BreakerPass("claude-sonnet-5-5", 1))
    assert (await page(redis, redis_url))["parley_breaker_open"] == {("claude-sonnet-5-5",): 1}


async def test_how_things_stand_is_told(redis: Redis, redis_url: str) -> None:
    found = await page(redis, redis_url)
    assert found["parley_sockets"] == {(): 2}
    for name in prometheus.GAUGES:
        assert f"parley_{name}" in found


async def test_a_call_to_claude_is_counted(redis: Redis, redis_url: str) -> None:
    counted = Metrics(redis, TEAM)
    usage = Usage("claude-sonnet-5-5", input=100, output=10, read=1_000, searches=2)
    call_log.count(
        counted, CallFigures("claude-sonnet-5-5", stop_reason="end_turn", attempts=3, first_text=0.3, usage=[usage])
    )
    call_log.count(counted, CallFigures("claude-sonnet-5-5", error="529/overloaded_error", attempts=1))
    await counted.flush()
    found = await page(redis, redis_url)
    model = "claude-sonnet-5-5"
    assert found["parley_claude_calls_total"] == {(model, "end_turn"): 1, (model, "529/overloaded_error"): 1}
    assert found["parley_claude_retries_total"] == {(model,): 2}
    assert found["parley_tokens_total"] == {("input", model): 100, ("output", model): 10, ("read", model): 1_000}
    assert found["parley_searches_total"] == {(model,): 2}
    assert found["parley_cost_usd_micro_total"] == {(model,): 200 + 100 + 100 + 20_000}
    assert found["parley_claude_first_text_seconds_count"] == {(model,): 1}
    assert found["parley_claude_seconds_count"] == {(model,): 1}


async def test_every_call_to_slack_is_counted_with_its_result(redis: Redis) -> None:
    async with (
        Sandbox(with_claude=False) as sandbox,
        slack.client(Settings.load(sandbox.environ(), dotenv=None)) as web,
    ):
        web.metrics = Metrics(redis, TEAM)
        sandbox.faults.add("users.info", "rate_limit", times=1, retry_after=7)
        for user in ("ada", "ada", "nobody"):
            try:
                await web.users_info(user=sandbox.users.get(user, "U0NOBODY"))
            except SLACK_TROUBLE:
                continue
        await web.metrics.flush()
    assert await totals(redis, TEAM) == {
        ("slack_calls", "users.info", result): 1 for result in ("limited", "ok", "failed")
    }


async def test_every_metric_of_the_dashboard_exists(redis: "Redis", redis_url: str) -> None:
    counted = Metrics(redis, TEAM)
    for name, metric in METRICS.items():
        if metric.buckets:
            counted.observe(name, 1.0, *metric.labels)
        else:
            counted.count(name, *metric.labels)
    await counted.flush()
    text = (Path(__file__).parents[3] / "docs" / "grafana.json").read_text()
    queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel.get("targets", ())]
    named = {name for query in queries for name in re.findall(r"\bparley_\w+", query)}
    assert len(named) > 15
    assert named <= set(await page(redis, redis_url))


def test_every_metric_is_on_the_dashboard() -> None:
    text = (Path(__file__).parents[3] / "docs" / "grafana.json").read_text()
    assert [name for name in (*METRICS, *prometheus.GAUGES, "breaker_open") if f"parley_{name}" not in text] == []


def test_every_metric_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "admin.md").read_text()
    ends = ((name, "" if metric.buckets else "_total") for name, metric in METRICS.items())
    told = [f"| `{PREFIX}{name}{end}`" for name, end in (*ends, *((name, "") for name in (*GAUGES, "breaker_open")))]
    assert [line for line in told if line not in text] == []

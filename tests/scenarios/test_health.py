"""What orchestrators and Prometheus are told of a bot that runs."""

import asyncio

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.parley import Parley
from tests.scenarios.conftest import METRICS_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="package")

Counted = dict[str, dict[tuple[str, ...], float]]


async def get(parley: Parley, path: str, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(parley.url + path, headers=headers) as answer:
        return answer.status, await answer.text()


async def counted(parley: Parley) -> Counted:
    status, text = await get(parley, "/metrics", METRICS_TOKEN)
    assert status == 200
    found: Counted = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_bot_that_runs_is_alive_and_ready(parley: Parley, path: str) -> None:
    assert await get(parley, path) == (200, '{"ok": true}')


async def test_without_redis_it_is_neither_and_says_so_in_time(parley: Parley) -> None:
    await parley.redis.client_pause(5000)
    try:
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=3), headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
        ) as session:
            answers = await asyncio.gather(
                *(session.get(parley.url + path) for path in ("/healthz", "/readyz", "/metrics"))
            )
            for answer in answers:
                assert answer.status == 503
                assert "redis" in await answer.json()
    finally:
        await parley.redis.client_unpause()


@pytest.mark.parametrize("setting", ["min-replicas-to-write", "maxmemory"])
async def test_a_redis_that_takes_no_writes_is_alive_but_not_ready(parley: Parley, setting: str) -> None:
    await parley.redis.config_set(setting, 1)
    try:
        assert (await get(parley, "/healthz"))[0] == 200
        assert (await get(parley, "/readyz"))[0] == 503
    finally:
        await parley.redis.config_set(setting, 0)


async def test_a_dead_socket_mode_connection_is_unhealthy_until_it_is_back(parley: Parley) -> None:
    if parley.sandbox.events_url:
        pytest.skip("Slack sends events over HTTP")
    parley.sandbox.faults.add("apps.connections.open", "status", status=503)
    await parley.slack.sockets.disconnect()

    async def is_unhealthy() -> bool:
        return await get(parley, "/healthz") == (503, '{"ok": false, "sockets": 0}')

    async def is_ready() -> bool:
        return (await get(parley, "/readyz"))[0] == 200

    await parley.eventually(is_unhealthy, within=15)
    parley.sandbox.faults.clear()
    await parley.eventually(is_ready, within=60)
    assert (await get(parley, "/healthz"))[0] == 200


@pytest.mark.parametrize("token", [None, "", "another", METRICS_TOKEN[:-1]])
async def test_only_who_knows_the_token_reads_the_metrics(parley: Parley, token: str | None) -> None:
    status, text = await get(parley, "/metrics", token)
    assert status == 401
    assert "parley_" not in text


async def test_an_answer_shows_in_the_metrics_of_all_processes(parley: Parley) -> None:
    before = await counted(parley)
    asked = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", asked)

    async def is_counted() -> bool:
        now = await counted(parley)
        return rise(before, now, "parley_claude_calls_total") >= 1 and rise(before, now, "parley_acks_total") >= 1

    await parley.eventually(is_counted, within=10)
    now = await counted(parley)
    assert rise(before, now, "parley_events_total") >= 1
    assert rise(before, now, "parley_ack_seconds_count") >= 1
    assert rise(before, now, "parley_slack_calls_total") >= 1
    assert rise(before, now, "parley_tokens_total") > 0
    assert rise(before, now, "parley_cost_usd_micro_total") > 0
    # Other tests kill a worker, which stays registered for a while.
    assert now["parley_workers"][()] >= 1
    assert now["parley_slots"][()] == 50 * now["parley_workers"][()]


def rise(before: Counted, now: Counted, name: str) -> float:
    return sum(now.get(name, {}).values()) - sum(before.get(name, {}).values())

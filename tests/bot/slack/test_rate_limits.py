import asyncio
from pathlib import Path

import pytest
from aiohttp import web as server
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError

from bot.ops import own_redis
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.errors import Paused, retry_after, verdict
from bot.slack.rate_limits import STATUSES, TIER_3, RateLimits
from bot.store import connections, keys

TEAM = "T1"


async def test_a_method_is_called_as_often_as_its_tier_allows_by_all_processes_together(redis: Redis) -> None:
    here, there = RateLimits(redis, TEAM), RateLimits(redis, TEAM)
    taken: list[float] = []
    for _ in range(TIER_3):
        taken += await asyncio.gather(here.take("conversations.replies"), there.take("conversations.replies"))
    assert taken.count(0) == TIER_3
    # Slack's minute, and what the way may add to it.
    assert all(60 < wait <= 65 for wait in taken if wait)
    assert 60_000 < await redis.pttl(keys.calls(TEAM, "conversations.replies")) <= 65_000


@pytest.mark.parametrize(
    ("method", "most"),
    [("reactions.remove", 20), ("usergroups.users.list", 20), ("views.open", 100), ("chat.postMessage", 1_000)],
)
async def test_each_method_has_its_tier_and_posts_are_paced_elsewhere(redis: Redis, method: str, most: int) -> None:
    """https://docs.slack.dev/apis/web-api/rate-limits"""
    limits = RateLimits(redis, TEAM)
    taken = [await limits.take(method) for _ in range(most)]
    assert taken == [0] * most
    assert (await limits.take(method) > 0) is (method != "chat.postMessage")


async def test_a_minute_later_there_is_room_again(redis: Redis) -> None:
    limits = RateLimits(redis, TEAM)
    while not await limits.take("reactions.remove"):
        pass
    calls = keys.calls(TEAM, "reactions.remove")
    [oldest] = await redis.zrange(calls, 0, 0)
    await redis.zincrby(calls, -65_000, str(oldest))
    assert await limits.take("reactions.remove") == 0
    assert await limits.take("reactions.remove") > 0


async def test_methods_and_workspaces_do_not_share(redis: Redis) -> None:
    limits = RateLimits(redis, TEAM)
    while not await limits.take("reactions.add"):
        pass
    assert await limits.take("reactions.remove") == 0
    assert await RateLimits(redis, "T2").take("reactions.add") == 0


async def test_statuses_are_counted_by_channel(redis: Redis) -> None:
    limits = RateLimits(redis, TEAM)
    taken = [await limits.take("assistant.threads.setStatus", "C1") for _ in range(STATUSES + 2)]
    assert taken.count(0) == STATUSES
    assert await limits.take("assistant.threads.setStatus", "C2") == 0


async def test_a_pause_holds_for_all_and_the_longer_one_counts(redis: Redis) -> None:
    limits = RateLimits(redis, TEAM)
    await limits.pause("chat.postMessage", 30)
    await limits.pause("chat.postMessage", 1)
    assert 29 < await RateLimits(redis, TEAM).take("chat.postMessage") <= 30
    assert await limits.take("chat.update") == 0


async def test_the_client_makes_no_call_that_would_be_refused(redis: Redis) -> None:
    async with Sandbox(with_claude=False) as sandbox, slack.client(settings(sandbox)) as web:
        web.rate_limits = RateLimits(redis, sandbox.team)
        for _ in range(100):
            await web.users_info(user=sandbox.users["ada"])
        with pytest.raises(Paused) as paused:
            await web.users_info(user=sandbox.users["ada"])
        assert verdict(paused.value) == "limited"
        assert 0 < retry_after(paused.value) <= 65
        assert len(sandbox.journal.entries("slack.request", "users.info")) == 100


async def test_the_client_counts_statuses_by_channel(redis: Redis) -> None:
    async with Sandbox(with_claude=False, limits=False) as sandbox, slack.client(settings(sandbox)) as web:
        web.rate_limits = RateLimits(redis, sandbox.team)
        for channel in ("general", "random"):
            ts = await sandbox.slack.say("ada", channel, "hello")
            place = sandbox.channels[channel]
            for _ in range(STATUSES):
                await web.assistant_threads_setStatus(channel_id=place, thread_ts=ts, status="is thinking…")
            with pytest.raises(Paused):
                await web.assistant_threads_setStatus(channel_id=place, thread_ts=ts, status="is thinking…")


async def test_a_refusal_pauses_the_method_for_every_client(redis: Redis) -> None:
    async with Sandbox(with_claude=False) as sandbox, slack.client(settings(sandbox)) as one:
        sandbox.faults.add("users.info", "rate_limit", times=1, retry_after=7)
        async with slack.client(settings(sandbox)) as other:
            one.rate_limits = other.rate_limits = RateLimits(redis, sandbox.team)
            with pytest.raises(SlackApiError):
                await one.users_info(user=sandbox.users["ada"])
            with pytest.raises(Paused) as paused:
                await other.users_info(user=sandbox.users["ada"])
        assert 6 < paused.value.seconds <= 7


async def test_of_two_pauses_at_the_same_moment_the_longer_one_counts(redis: Redis) -> None:
    limits = RateLimits(redis, TEAM)
    for _ in range(20):
        await redis.flushall()
        await asyncio.gather(*(limits.pause("chat.update", seconds) for seconds in (1, 30, 1, 30, 1)))
        assert await limits.take("chat.update") > 29


async def test_slacks_refusal_is_told_though_redis_is_gone_before_it_is_kept(tmp_path: Path) -> None:
    """Who made the call knows at least how long to wait, and that nothing was posted."""
    with own_redis.running(tmp_path) as address:
        redis = connections.shared(address)

        async def refuse(request: server.Request) -> server.Response:
            await redis.shutdown(nosave=True)
            return server.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "7"})

        app = server.Application()
        app.router.add_post("/api/{method}", refuse)
        async with TestServer(app, host="127.0.0.1") as there:
            environ = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": str(there.make_url("/api/"))}
            async with slack.client(Settings.load(environ=environ, dotenv=None)) as web:
                web.rate_limits = RateLimits(redis, TEAM)
                with pytest.raises(SlackApiError) as refused:
                    await web.chat_postMessage(channel="C1", text="hello")
        await redis.aclose()
    assert (verdict(refused.value), retry_after(refused.value)) == ("limited", 7.0)


def settings(sandbox: Sandbox) -> Settings:
    return Settings.load(sandbox.environ(), dotenv=None)

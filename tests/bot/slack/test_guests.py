"""Guests, as a sandbox's Slack knows them."""

import time

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.guests import KEEP_SECONDS, is_guest
from bot.store import keys


async def test_who_is_a_guest_is_asked_once_an_hour(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await sandbox.slack.set_guest("ben", True)
    for _ in range(2):
        assert await is_guest(redis, web, sandbox.team, sandbox.users["ben"])
        assert not await is_guest(redis, web, sandbox.team, sandbox.users["ada"])
    assert len(sandbox.journal.entries("slack.request", "users.info")) == 2
    assert 0 < await redis.ttl(keys.guest(sandbox.team, sandbox.users["ada"])) <= KEEP_SECONDS


async def test_a_guest_of_one_channel_is_one_too(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    sandbox.slack.workspace.person("ben").is_ultra_restricted = True
    assert await is_guest(redis, web, sandbox.team, sandbox.users["ben"])


@pytest.mark.parametrize(("kind", "params"), [("status", {"status": 503}), ("delay", {"seconds": 20.0})])
async def test_a_slack_that_does_not_answer_makes_nobody_a_guest_and_is_asked_again(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, kind: str, params: dict[str, float]
) -> None:
    ben = sandbox.users["ben"]
    await sandbox.slack.set_guest("ben", True)
    sandbox.faults.add("users.info", kind, times=1, **params)
    began = time.monotonic()
    assert not await is_guest(redis, web, sandbox.team, ben)
    assert time.monotonic() - began < 2.5
    assert await is_guest(redis, web, sandbox.team, ben)


async def test_without_the_scope_slack_is_not_asked_at_every_message(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    sandbox.slack.scopes.remove("users:read")
    for _ in range(3):
        assert not await is_guest(redis, web, sandbox.team, sandbox.users["ben"])
    assert len(sandbox.journal.entries("slack.request", "users.info")) == 1

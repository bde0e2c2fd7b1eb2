"""Warnings to admins, by a sandbox's Slack."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.ops.alerts import Alerts
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.store import keys
from bot.store.rules import audit, budgets
from bot.store.rules.budgets import Budgets, Hold
from tests.kit.budgets import settle


@pytest.fixture(autouse=True)
async def installed(sandbox: Sandbox, redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)


def alerts(sandbox: Sandbox, web: AsyncWebClient, redis: Redis, **settings: Any) -> Alerts:
    given = Settings(**settings)
    return Alerts(redis, web, Admins(given, web, redis), given.admin_channel, sandbox.team)


async def spends(sandbox: Sandbox, redis: Redis, cost: int, user: str = "U1", by: str = "ada") -> None:
    """A budget of 100 for each person, and what one of them spends."""
    key = keys.caps(sandbox.team)
    await audit.change(
        redis, audit.SettingChange(sandbox.team, sandbox.users[by], "budget each day", key, "each day", "100")
    )
    hold = await Budgets(redis, 60).reserve(sandbox.team, "C1", user, 0)
    assert isinstance(hold, Hold)
    await settle(redis, hold, cost)


def told(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Where, and the last line of what."""
    posts = sandbox.journal.entries("slack.request", "chat.postMessage")
    return [(post.data["channel"], post.data["text"].splitlines()[-1]) for post in posts]


async def test_who_set_the_budget_is_told_once(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await spends(sandbox, redis, 80)
    own = alerts(sandbox, web, redis)
    assert await own.tell() == 1
    assert await own.tell() == 0
    assert told(sandbox) == [(sandbox.users["ada"], "• <@U1>: 75 % reached, less than $0.0001 of $0.0001 today")]


async def test_listed_admins_are_told_in_place_of_who_set_it(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ben = sandbox.users["ben"]
    await spends(sandbox, redis, 80)
    assert await alerts(sandbox, web, redis, admins=frozenset({f"{sandbox.team}:{ben}"})).tell() == 1
    assert [where for where, _ in told(sandbox)] == [ben]


async def test_a_channel_for_warnings_gets_them_all_in_one_message(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    for n in range(3):
        await spends(sandbox, redis, 99, user=f"U{n}")
    general = sandbox.channels["general"]
    assert await alerts(sandbox, web, redis, admin_channel=general).tell() == 3
    assert [where for where, _ in told(sandbox)] == [general]


async def test_what_slack_does_not_take_is_told_later(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await spends(sandbox, redis, 80)
    sandbox.faults.add("chat.postMessage", "status", times=1, status=503)
    own = alerts(sandbox, web, redis)
    assert await own.tell() == 0
    assert len(await budgets.warnings(redis, sandbox.team)) == 1
    assert await own.tell() == 1


@pytest.mark.parametrize("listed", [True, False])
async def test_a_channel_that_takes_no_warning_keeps_it_from_nobody(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, listed: bool
) -> None:
    await spends(sandbox, redis, 80)
    admins = frozenset({f"{sandbox.team}:{sandbox.users['ben']}"} if listed else ())
    assert await alerts(sandbox, web, redis, admin_channel="C0NOWHERE", admins=admins).tell() == 1
    assert [where for where, _ in told(sandbox)] == ["C0NOWHERE", sandbox.users["ben" if listed else "ada"]]


async def test_what_can_be_told_to_nobody_is_let_go(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await spends(sandbox, redis, 80)
    sandbox.faults.add("chat.postMessage", "error", error="channel_not_found")
    assert await alerts(sandbox, web, redis, admin_channel="C0NOWHERE").tell() == 1
    assert await budgets.warnings(redis, sandbox.team) == []


async def test_many_processes_tell_it_once(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await spends(sandbox, redis, 80)
    found = await asyncio.gather(*(alerts(sandbox, web, redis).tell() for _ in range(10)))
    assert sum(found) == 1
    assert len(told(sandbox)) == 1

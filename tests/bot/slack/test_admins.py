"""Who is an admin, from a sandbox's Slack."""

from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.store import keys


@pytest.fixture(autouse=True)
async def installed(sandbox: Sandbox, redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)


def admins(web: AsyncWebClient, redis: Redis, **settings: Any) -> Admins:
    return Admins(Settings(**settings), web, redis)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("slack.request", "users.info"))


@pytest.mark.parametrize(("name", "answer"), [("ada", True), ("ben", False), ("gwen", False)])
async def test_admins_are_those_of_the_workspace(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, name: str, answer: bool
) -> None:
    assert await admins(web, redis).has(sandbox.team, sandbox.users[name]) is answer


async def test_an_admin_of_one_workspace_is_none_in_another(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ada = sandbox.users["ada"]
    assert await admins(web, redis).has(sandbox.team, ada)
    assert not await admins(web, redis).has("T0ANOTHER", ada)


async def test_slack_is_asked_once_in_five_minutes(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    ada, ben = sandbox.users["ada"], sandbox.users["ben"]
    for _ in range(3):
        assert await admins(web, redis).has(sandbox.team, ada)
        assert not await admins(web, redis).has(sandbox.team, ben)
    assert asked(sandbox) == 2
    assert keys.admin.seconds - 10 < await redis.ttl(keys.admin(sandbox.team, ada)) <= keys.admin.seconds


@pytest.mark.parametrize("fault", [("status", {"status": 503}), ("half", {}), ("rate_limit", {"retry_after": 30})])
async def test_who_cannot_be_told_to_be_one_is_none_until_it_can(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, fault: tuple[str, dict[str, int]]
) -> None:
    kind, params = fault
    sandbox.faults.add("users.info", kind, times=1, **params)
    assert not await admins(web, redis).has(sandbox.team, sandbox.users["ada"])
    assert await admins(web, redis).has(sandbox.team, sandbox.users["ada"])


async def test_a_user_whom_slack_does_not_know_is_none(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    assert not await admins(web, redis).has(sandbox.team, "U0NOBODY")


async def test_listed_people_are_admins_of_that_workspace_without_asking_slack(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ben, gwen = sandbox.users["ben"], sandbox.users["gwen"]
    listed = admins(web, redis, admins=frozenset({f"{sandbox.team}:{ben}", f"T0ANOTHER:{gwen}"}))
    assert await listed.has(sandbox.team, ben)
    assert not await listed.has("T0ANOTHER", ben)
    assert not await listed.has(sandbox.team, gwen)
    assert asked(sandbox) == 2


async def test_members_of_the_group_are_admins_and_slack_is_asked_once(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ben, gwen = sandbox.users["ben"], sandbox.users["gwen"]
    [group] = sandbox.slack.workspace.usergroups
    sandbox.slack.workspace.usergroups[group] = [ben]
    grouped = admins(web, redis, admin_group=group)
    for _ in range(2):
        assert await grouped.has(sandbox.team, ben)
        assert not await grouped.has(sandbox.team, gwen)
    assert await grouped.named(sandbox.team) == [ben]
    assert len(sandbox.journal.entries("slack.request", "usergroups.users.list")) == 1


async def test_a_group_that_there_is_not_makes_nobody_an_admin_and_takes_nobody_a_right(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    grouped = admins(web, redis, admin_group="S0NONE")
    assert await grouped.verdict(sandbox.team, sandbox.users["ada"]) is True
    assert await grouped.verdict(sandbox.team, sandbox.users["ben"]) is False


async def test_a_member_of_the_group_is_one_even_when_slack_says_nothing_else(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    [group] = sandbox.slack.workspace.usergroups
    sandbox.faults.add("users.info", "status", status=503)
    grouped = admins(web, redis, admin_group=group)
    assert await grouped.verdict(sandbox.team, sandbox.users["ada"]) is True
    assert await grouped.verdict(sandbox.team, sandbox.users["ben"]) is None


async def test_whom_to_ask_names_those_who_are_known(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    ben = sandbox.users["ben"]
    listed = admins(web, redis, admins=frozenset({f"{sandbox.team}:{ben}"}))
    assert await listed.whom(sandbox.team) == f"<@{ben}> or an admin or owner of this workspace"
    assert await listed.whom("T0ANOTHER") == "an admin or owner of this workspace"

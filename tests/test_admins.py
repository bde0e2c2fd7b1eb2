"""Who is an admin, from a sandbox's Slack."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack
from bot.admins import KEEP_SECONDS, is_admin
from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.store import keys


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False) as sandbox:
        yield sandbox


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        yield web


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("slack.request", "users.info"))


@pytest.mark.parametrize(("name", "answer"), [("ada", True), ("ben", False), ("gwen", False)])
async def test_admins_are_those_of_the_workspace(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", name: str, answer: bool
) -> None:
    assert await is_admin(web, redis, sandbox.team, sandbox.users[name]) is answer


async def test_an_admin_of_one_workspace_is_none_in_another(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis"
) -> None:
    ada = sandbox.users["ada"]
    assert await is_admin(web, redis, sandbox.team, ada)
    assert not await is_admin(web, redis, "T0ANOTHER", ada)


async def test_slack_is_asked_once_in_five_minutes(sandbox: Sandbox, web: AsyncWebClient, redis: "Redis") -> None:
    ada, ben = sandbox.users["ada"], sandbox.users["ben"]
    for _ in range(3):
        assert await is_admin(web, redis, sandbox.team, ada)
        assert not await is_admin(web, redis, sandbox.team, ben)
    assert asked(sandbox) == 2
    assert KEEP_SECONDS - 10 < await redis.ttl(keys.admin(sandbox.team, ada)) <= KEEP_SECONDS


@pytest.mark.parametrize("fault", [("status", {"status": 503}), ("half", {}), ("rate_limit", {"retry_after": 30})])
async def test_who_cannot_be_told_to_be_one_is_none_until_it_can(
    sandbox: Sandbox, web: AsyncWebClient, redis: "Redis", fault: tuple[str, dict[str, int]]
) -> None:
    kind, params = fault
    sandbox.faults.add("users.info", kind, times=1, **params)
    assert not await is_admin(web, redis, sandbox.team, sandbox.users["ada"])
    assert await is_admin(web, redis, sandbox.team, sandbox.users["ada"])


async def test_a_user_whom_slack_does_not_know_is_none(sandbox: Sandbox, web: AsyncWebClient, redis: "Redis") -> None:
    assert not await is_admin(web, redis, sandbox.team, "U0NOBODY")

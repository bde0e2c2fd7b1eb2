"""Display names, from a sandbox's Slack."""

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.directory import MOST, names
from bot.slack.people_store import KEEP_SECONDS, known
from bot.store import keys


@pytest.fixture(autouse=True)
async def installed(sandbox: Sandbox, redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("slack.request", "users.info"))


async def test_people_are_called_by_their_display_names(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    ada, ben = sandbox.users["ada"], sandbox.users["ben"]
    assert await names(redis, web, sandbox.team, [ada, ben, ada]) == {ada: "ada", ben: "ben"}
    assert asked(sandbox) == 2


async def test_a_name_is_asked_for_once_an_hour(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    ada = sandbox.users["ada"]
    for _ in range(3):
        assert await names(redis, web, sandbox.team, [ada]) == {ada: "ada"}
    assert asked(sandbox) == 1
    assert KEEP_SECONDS - 60 < await redis.ttl(keys.person(sandbox.team, ada)) <= KEEP_SECONDS


async def test_a_name_known_in_one_team_is_not_read_in_another(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ada = sandbox.users["ada"]
    await redis.set(keys.person("T2", ada), "somebody else's")
    assert await names(redis, web, sandbox.team, [ada]) == {ada: "ada"}


async def test_somebody_whom_slack_does_not_know_has_no_name(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    ada = sandbox.users["ada"]
    assert await names(redis, web, sandbox.team, ["U0NOBODY", ada]) == {ada: "ada"}


@pytest.mark.parametrize("fault", [("status", {"status": 503}), ("half", {}), ("rate_limit", {"retry_after": 30})])
async def test_a_slack_that_fails_costs_a_name_and_no_answer(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis, fault: tuple[str, dict[str, int]]
) -> None:
    ada = sandbox.users["ada"]
    kind, params = fault
    sandbox.faults.add("users.info", kind, times=1, **params)
    assert await names(redis, web, sandbox.team, [ada]) == {}
    assert await names(redis, web, sandbox.team, [ada]) == {ada: "ada"}


async def test_a_message_full_of_mentions_asks_for_twenty_names(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    assert await names(redis, web, sandbox.team, [f"U{n}" for n in range(100)]) == {}
    assert asked(sandbox) == MOST


async def test_names_that_are_kept_are_known_without_asking(redis: Redis) -> None:
    await redis.set(keys.person("T1", "U1"), "Ada")
    assert await known(redis, "T1", {"U1", "U2"}) == {"U1": "Ada"}
    assert await known(redis, "T2", {"U1"}) == {}
    assert await known(redis, "T1", set()) == {}


async def test_no_name_is_kept_of_a_team_that_removed_us(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    await redis.delete(keys.TEAMS)
    ada = sandbox.users["ada"]
    assert await names(redis, web, sandbox.team, [ada]) == {ada: "ada"}
    assert not await redis.exists(keys.person(sandbox.team, ada))

"""Names of people and channels, and who is a guest, from a sandbox's Slack."""

import time
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.directory import (
    DIRECT,
    GROUP,
    MOST_NAMES,
    RETRY_SECONDS,
    Directory,
    Person,
    remember,
)
from bot.store import keys
from bot.talk.message import Message, Thread


@pytest.fixture(autouse=True)
async def installed(sandbox: Sandbox, redis: Redis) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)


@pytest.fixture
def directory(redis: Redis, web: AsyncWebClient) -> Directory:
    return Directory(redis, web)


def asked(sandbox: Sandbox, method: str = "users.info") -> int:
    return len(sandbox.journal.entries("slack.request", method))


# Names


async def test_people_are_called_by_their_display_names(sandbox: Sandbox, directory: Directory) -> None:
    ada, ben = sandbox.users["ada"], sandbox.users["ben"]
    assert await directory.names(sandbox.team, [ada, ben, ada]) == {ada: "ada", ben: "ben"}
    assert asked(sandbox) == 2


async def test_a_name_is_asked_for_once_an_hour(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    ada = sandbox.users["ada"]
    for _ in range(3):
        assert await directory.names(sandbox.team, [ada]) == {ada: "ada"}
    assert asked(sandbox) == 1
    assert keys.person.seconds - 60 < await redis.ttl(keys.person(sandbox.team, ada)) <= keys.person.seconds


async def test_a_name_known_in_one_team_is_not_read_in_another(
    sandbox: Sandbox, directory: Directory, redis: Redis
) -> None:
    ada = sandbox.users["ada"]
    await redis.set(keys.person("T2", ada), "somebody else's")
    assert await directory.names(sandbox.team, [ada]) == {ada: "ada"}


async def test_somebody_whom_slack_does_not_know_has_no_name(sandbox: Sandbox, directory: Directory) -> None:
    ada = sandbox.users["ada"]
    assert await directory.names(sandbox.team, ["U0NOBODY", ada]) == {ada: "ada"}


@pytest.mark.parametrize("fault", [("status", {"status": 503}), ("half", {}), ("rate_limit", {"retry_after": 30})])
async def test_a_slack_that_fails_costs_a_name_and_no_answer(
    sandbox: Sandbox, directory: Directory, fault: tuple[str, dict[str, int]]
) -> None:
    ada = sandbox.users["ada"]
    kind, params = fault
    sandbox.faults.add("users.info", kind, times=1, **params)
    assert await directory.names(sandbox.team, [ada]) == {}
    assert await directory.names(sandbox.team, [ada]) == {ada: "ada"}


async def test_a_message_full_of_mentions_asks_for_twenty_names(sandbox: Sandbox, directory: Directory) -> None:
    assert await directory.names(sandbox.team, [f"U{n}" for n in range(100)]) == {}
    assert asked(sandbox) == MOST_NAMES


async def test_names_that_are_kept_are_known_without_asking(directory: Directory, redis: Redis) -> None:
    await redis.set(keys.person("T1", "U1"), "Ada")
    assert await directory.known_names("T1", {"U1", "U2"}) == {"U1": "Ada"}
    assert await directory.known_names("T2", {"U1"}) == {}
    assert await directory.known_names("T1", set()) == {}


async def test_no_name_is_kept_of_a_team_that_removed_us(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    await redis.delete(keys.TEAMS)
    ada = sandbox.users["ada"]
    assert await directory.names(sandbox.team, [ada]) == {ada: "ada"}
    assert not await redis.exists(keys.person(sandbox.team, ada))


async def test_no_right_is_kept_of_a_team_that_removed_us(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    await redis.delete(keys.TEAMS)
    team, ada = sandbox.team, sandbox.users["ada"]
    assert await directory.is_admin(team, ada)
    assert not await directory.is_guest(team, ada)
    assert not await redis.exists(keys.admin(team, ada), keys.guest(team, ada))


# One answer for all


async def test_whatever_is_asked_about_a_person_slack_is_asked_once(sandbox: Sandbox, directory: Directory) -> None:
    """With a question for each of the three there were three calls."""
    team, ada, ben = sandbox.team, sandbox.users["ada"], sandbox.users["ben"]
    await sandbox.slack.set_guest("ben", True)
    assert (await directory.is_guest(team, ada), await directory.is_guest(team, ben)) == (False, True)
    assert await directory.names(team, [ada, ben]) == {ada: "ada", ben: "ben"}
    assert (await directory.is_admin(team, ada), await directory.is_admin(team, ben)) == (True, False)
    assert asked(sandbox) == 2


async def test_an_admin_is_asked_about_before_a_name_is(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    team, ada = sandbox.team, sandbox.users["ada"]
    await directory.names(team, [ada])
    assert 0 < await redis.ttl(keys.admin(team, ada)) <= keys.admin.seconds
    assert keys.admin.seconds < await redis.ttl(keys.guest(team, ada)) <= keys.guest.seconds


async def test_somebody_without_a_name_is_a_guest_all_the_same(
    sandbox: Sandbox, directory: Directory, redis: Redis
) -> None:
    await remember(redis, sandbox.team, "U1", Person(None, is_guest=True, is_admin=False))
    assert await directory.is_guest(sandbox.team, "U1")
    assert await directory.known_names(sandbox.team, ["U1"]) == {}
    assert asked(sandbox) == 0


# Guests


async def test_who_is_a_guest_is_asked_once_an_hour(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    await sandbox.slack.set_guest("ben", True)
    for _ in range(2):
        assert await directory.is_guest(sandbox.team, sandbox.users["ben"])
        assert not await directory.is_guest(sandbox.team, sandbox.users["ada"])
    assert asked(sandbox) == 2
    assert 0 < await redis.ttl(keys.guest(sandbox.team, sandbox.users["ada"])) <= keys.guest.seconds


async def test_a_guest_of_one_channel_is_one_too(sandbox: Sandbox, directory: Directory) -> None:
    sandbox.slack.workspace.person("ben").is_ultra_restricted = True
    assert await directory.is_guest(sandbox.team, sandbox.users["ben"])


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 503}),
    ("delay", {"seconds": 20.0}),
    ("rate_limit", {"retry_after": 30}),
    ("reset", {}),
    ("half", {}),
    ("error", {"error": "internal_error"}),
    ("error", {"error": "fatal_error"}),
]


@pytest.mark.parametrize("was_guest", [True, False, None])
@pytest.mark.parametrize(("kind", "params"), FAULTS)
async def test_while_slack_does_not_answer_what_it_last_said_holds_and_nothing_is_made_up(
    sandbox: Sandbox,
    directory: Directory,
    redis: Redis,
    kind: str,
    params: dict[str, Any],
    was_guest: bool | None,
) -> None:
    ben = sandbox.users["ben"]
    if was_guest is not None:
        await remember(redis, sandbox.team, ben, Person("ben", is_guest=was_guest, is_admin=False))
        await redis.delete(keys.guest(sandbox.team, ben))
    await sandbox.slack.set_guest("ben", not was_guest)
    sandbox.faults.add("users.info", kind, **params)
    began = time.monotonic()
    assert await directory.is_guest(sandbox.team, ben) is was_guest
    assert time.monotonic() - began < 2.5
    assert not await redis.exists(keys.guest(sandbox.team, ben)), "it is asked again"


async def test_what_slack_last_said_holds_for_a_month(sandbox: Sandbox, directory: Directory, redis: Redis) -> None:
    ben = sandbox.users["ben"]
    await sandbox.slack.set_guest("ben", True)
    assert await directory.is_guest(sandbox.team, ben) is True
    left = await redis.ttl(keys.last_guest(sandbox.team, ben))
    assert keys.last_guest.seconds - 60 < left <= keys.last_guest.seconds == 30 * keys.DAY


async def test_an_answer_about_nobody_makes_nobody_a_member(directory: Directory, web: AsyncWebClient) -> None:
    async def users_info(**_: object) -> dict[str, object]:
        return {"ok": True}

    web.users_info = users_info  # type: ignore[method-assign, assignment]
    assert await directory.is_guest("T1", "U1") is None


async def test_without_the_scope_slack_is_not_asked_at_every_message(sandbox: Sandbox, directory: Directory) -> None:
    sandbox.slack.scopes.remove("users:read")
    for _ in range(3):
        assert await directory.is_guest(sandbox.team, sandbox.users["ben"]) is False
    assert asked(sandbox) == 1


async def test_a_guest_stays_one_when_the_scope_is_taken_away(
    sandbox: Sandbox, directory: Directory, redis: Redis
) -> None:
    team, ben = sandbox.team, sandbox.users["ben"]
    await sandbox.slack.set_guest("ben", True)
    assert await directory.is_guest(team, ben)
    await redis.delete(keys.guest(team, ben))
    sandbox.slack.scopes.remove("users:read")
    for _ in range(3):
        assert await directory.is_guest(team, ben) is True
    assert asked(sandbox) == 2


# Channels


def said(sandbox: Sandbox, channel: str, *, direct: bool = False) -> Message:
    return Message(Thread(sandbox.team, channel, "1.1"), "1.1", "U1", "hi", direct=direct)


async def test_a_channel_is_asked_for_its_name_once_an_hour(
    sandbox: Sandbox, directory: Directory, redis: Redis
) -> None:
    general = sandbox.channels["general"]
    for _ in range(3):
        assert await directory.channel_name(said(sandbox, general)) == "#general"
    assert asked(sandbox, "conversations.info") == 1
    assert (
        keys.channel_name.seconds - 60
        < await redis.ttl(keys.channel_name(sandbox.team, general))
        <= keys.channel_name.seconds
    )


async def test_a_direct_message_needs_no_question(sandbox: Sandbox, directory: Directory) -> None:
    assert await directory.channel_name(said(sandbox, sandbox.channels["@ada"], direct=True)) == DIRECT
    assert asked(sandbox, "conversations.info") == 0


async def test_a_dm_that_did_not_say_so_is_found_out(sandbox: Sandbox, directory: Directory) -> None:
    assert await directory.channel_name(said(sandbox, sandbox.channels["@ada"])) == DIRECT


async def test_a_group_dm_is_called_so(sandbox: Sandbox, directory: Directory) -> None:
    group = sandbox.slack.workspace.group_direct([sandbox.users["ada"], sandbox.users["ben"]])
    assert await directory.channel_name(said(sandbox, group.id)) == GROUP


async def test_without_the_scope_the_id_must_do_for_a_while(redis: Redis) -> None:
    async with Sandbox(with_claude=False, scopes=["chat:write"]) as sandbox:
        general = sandbox.channels["general"]
        async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
            for _ in range(3):
                assert await Directory(redis, web).channel_name(said(sandbox, general)) == general
        assert asked(sandbox, "conversations.info") == 1
        assert 0 < await redis.ttl(keys.channel_name(sandbox.team, general)) <= RETRY_SECONDS

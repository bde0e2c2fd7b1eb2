"""Whose fault it was: that Redis is away is never told as Slack's doing, nor the other way round."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.commands import persona, scope
from bot.commands.command import Command
from bot.sandbox import Sandbox
from bot.services import Services
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack import native_stop, sessions
from bot.slack.admins import UNKNOWN, Admins
from bot.slack.client import Client
from bot.slack.deadline import within_three_seconds
from bot.slack.directory import Directory
from bot.slack.errors import SLACK_TROUBLE, verdict
from bot.slack.identity import Identity
from bot.slack.rate_limits import RateLimits
from bot.store import connections, keys
from bot.store.metrics import Metrics, totals
from bot.store.threads.inbox import Inbox
from bot.talk.file import File
from bot.talk.message import Message, Thread
from tests.kit.sockets import refusing
from workers.files.download import described
from workers.prompt import backfill


@pytest.fixture
async def cut_off(sandbox: Sandbox) -> AsyncIterator[Client]:
    """A client whose Slack answers, and whose rate limits are in a Redis that does not."""
    with refusing() as port:
        nowhere = connections.shared(f"redis://127.0.0.1:{port}")
        async with slack.client(Settings.load(sandbox.environ(), dotenv=None)) as web:
            web.rate_limits = RateLimits(nowhere, sandbox.team)
            yield web
        await nowhere.aclose()


@pytest.fixture
async def message(sandbox: Sandbox) -> Message:
    root = await sandbox.slack.say("ben", "general", "we ship on Friday")
    ts = await sandbox.slack.say("ada", "general", "when?", thread_ts=root)
    return Message(Thread(sandbox.team, sandbox.channels["general"], root), ts, sandbox.users["ada"], "when?")


def command(redis: Redis, inbox: Inbox, web: Client, message: Message) -> Command:
    team = message.thread.team
    identity = Identity(team, "UBOT", "BBOT", "parley", "Team", None)
    services = Services(Settings(), redis, web, identity, inbox, Metrics(redis, team))
    return Command(team, message.thread.channel, message.user, (), "", "1.2.x", services)


async def end_sessions(redis: Redis, inbox: Inbox, web: Client, message: Message) -> None:
    await redis.sadd(keys.TEAMS, message.thread.team)
    assert await sessions.begin(redis, message.thread)
    await sessions.began(redis, message.thread)
    await native_stop.end_those_that_are_over(web, redis, [message.thread.team])


Call = Callable[["Redis", Inbox, Client, Message], Awaitable[object]]
CALLS: dict[str, Call] = {
    "a guest": lambda redis, inbox, web, message: Directory(redis, web).is_guest(message.thread.team, message.user),
    "a name": lambda redis, inbox, web, message: Directory(redis, web).names(message.thread.team, [message.user]),
    "a person": lambda redis, inbox, web, message: scope.check(f"user:{message.user}", web),
    "a form": lambda redis, inbox, web, message: persona.answer(command(redis, inbox, web, message)),
    "an admin": lambda redis, inbox, web, message: Admins(Settings(), web, redis).verdict("T1", message.user),
    "a channel": lambda redis, inbox, web, message: Directory(redis, web).channel_name(message),
    "a thread": lambda redis, inbox, web, message: backfill.earlier(web, redis, message, "U1"),
    "a file": lambda redis, inbox, web, message: described(web, File("F1", "a", "", 1, "", access="check_file_info")),
    "a session": end_sessions,
}


@pytest.mark.parametrize("what", CALLS)
async def test_a_call_that_redis_did_not_let_us_make_is_no_refusal_of_slacks(
    redis: Redis, inbox: Inbox, cut_off: Client, message: Message, what: str
) -> None:
    with pytest.raises(RedisError):
        await CALLS[what](redis, inbox, cut_off, message)


async def test_a_call_that_was_not_made_is_not_counted_as_one_that_slack_failed(
    redis: Redis, cut_off: Client, sandbox: Sandbox
) -> None:
    await redis.sadd(keys.TEAMS, sandbox.team)
    cut_off.metrics = Metrics(redis, sandbox.team)
    with pytest.raises(RedisError) as raised:
        await cut_off.users_info(user=sandbox.users["ada"])
    await cut_off.metrics.flush()
    assert await totals(redis, sandbox.team) == {}
    assert not isinstance(raised.value, SLACK_TROUBLE)
    assert verdict(raised.value) == "transient"


async def test_a_slack_that_hangs_at_both_questions_is_told_in_time(
    redis: Redis, sandbox: Sandbox, web: Client
) -> None:
    [group] = sandbox.slack.workspace.usergroups
    for method in ("users.info", "usergroups.users.list"):
        sandbox.faults.add(method, "delay", seconds=20.0)
    admins = Admins(Settings(admin_group=group), web, redis)
    async with within_three_seconds("test"):
        assert await admins.refusal(sandbox.team, sandbox.users["ada"]) == UNKNOWN

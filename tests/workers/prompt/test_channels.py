"""What a channel is called, from a sandbox's Slack."""

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.store import keys
from bot.talk.message import Message, Thread
from workers.prompt.channels import DIRECT, GROUP, KEEP_SECONDS, RETRY_SECONDS, place


def said(sandbox: Sandbox, channel: str, *, direct: bool = False) -> Message:
    return Message(Thread(sandbox.team, channel, "1.1"), "1.1", "U1", "hi", direct=direct)


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("slack.request", "conversations.info"))


async def test_a_channel_is_asked_for_its_name_once_an_hour(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    general = sandbox.channels["general"]
    for _ in range(3):
        assert await place(redis, web, said(sandbox, general)) == "#general"
    assert asked(sandbox) == 1
    assert KEEP_SECONDS - 60 < await redis.ttl(keys.place(sandbox.team, general)) <= KEEP_SECONDS


async def test_a_direct_message_needs_no_question(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    assert await place(redis, web, said(sandbox, sandbox.channels["@ada"], direct=True)) == DIRECT
    assert asked(sandbox) == 0


async def test_a_dm_that_did_not_say_so_is_found_out(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    assert await place(redis, web, said(sandbox, sandbox.channels["@ada"])) == DIRECT


async def test_a_group_dm_is_called_so(sandbox: Sandbox, web: AsyncWebClient, redis: Redis) -> None:
    group = sandbox.slack.workspace.group_direct([sandbox.users["ada"], sandbox.users["ben"]])
    assert await place(redis, web, said(sandbox, group.id)) == GROUP


async def test_without_the_scope_the_id_must_do_for_a_while(redis: Redis) -> None:
    async with Sandbox(with_claude=False, scopes=["chat:write"]) as sandbox:
        general = sandbox.channels["general"]
        async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
            for _ in range(3):
                assert await place(redis, web, said(sandbox, general)) == general
        assert asked(sandbox) == 1
        assert 0 < await redis.ttl(keys.place(sandbox.team, general)) <= RETRY_SECONDS

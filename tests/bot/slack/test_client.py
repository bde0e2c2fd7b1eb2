"""The Web API client against a sandbox: what it sends, and how often."""

import asyncio
import os
import subprocess
import sys
import time

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.client import Client
from bot.slack.errors import Paused, error_name
from bot.slack.rate_limits import RateLimits
from tests.kit.failing import failure, post


def hold(seconds: float) -> None:
    """Let everything on the event loop wait."""
    time.sleep(seconds)


async def test_who_asks_about_the_same_person_at_the_same_time_shares_the_answer(
    sandbox: Sandbox, web: AsyncWebClient
) -> None:
    ada = sandbox.users["ada"]
    impatient = asyncio.create_task(web.users_info(user=ada))
    asking = [asyncio.create_task(web.users_info(user=ada)) for _ in range(50)]
    await asyncio.sleep(0)
    impatient.cancel()
    names = {answer["user"]["name"] for answer in await asyncio.gather(*asking)}
    assert (names, len(sandbox.journal.entries("slack.request", "users.info"))) == ({"ada"}, 1)
    for _ in range(2):
        assert error_name(await failure(web.users_info(user="U0NOBODY"))) == "user_not_found"
    assert len(sandbox.journal.entries("slack.request", "users.info")) == 3


async def test_a_post_is_sent_once_however_it_fails(sandbox: Sandbox, web: AsyncWebClient) -> None:
    for kind, params in (("reset", {"after": True}), ("rate_limit", {"retry_after": 0}), ("status", {"status": 503})):
        sandbox.faults.add("chat.postMessage", kind, times=1, **params)
        before = len(sandbox.journal.entries("slack.fault"))
        await failure(post(web, sandbox))
        assert len(sandbox.journal.entries("slack.fault")) == before + 1
    assert len(sandbox.journal.entries("slack.request", "chat.postMessage")) == 1


async def test_a_call_during_which_the_process_stood_still_is_not_sent_late(
    sandbox: Sandbox, web: AsyncWebClient, redis: Redis
) -> None:
    assert isinstance(web, Client)
    web.rate_limits, web.call_seconds = RateLimits(redis, sandbox.team), 0.3
    posting = asyncio.create_task(failure(post(web, sandbox)))
    # Let it ask Redis for the limits, and then hold the loop until Redis has long answered.
    await asyncio.sleep(0)
    hold(0.5)
    assert isinstance(await posting, Paused)
    assert not sandbox.journal.entries("slack.request", "chat.postMessage")
    web.call_seconds = 4.0
    await post(web, sandbox)
    assert len(sandbox.journal.entries("slack.request", "chat.postMessage")) == 1


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(sandbox: Sandbox) -> None:
    ask = (
        "import asyncio\n"
        "from bot.slack import client as slack\n"
        "from bot.settings import Settings\n"
        "from bot.slack.identity import identify\n"
        "async def ask():\n"
        "    async with slack.client(Settings.load(dotenv=None)) as web:\n"
        "        print((await identify(web, attempts=1)).user)\n"
        "asyncio.run(ask())\n"
    )
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environ = {**os.environ, **sandbox.environ(), **nowhere}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", ask, env=environ, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.decode().strip() == sandbox.bot_user

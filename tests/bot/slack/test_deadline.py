"""What Slack waits for: it is done in time, or told as failed and logged in one shape."""

import asyncio
import logging
import time

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.slack.deadline import NotDone, within_three_seconds
from bot.slack.errors import error_name
from bot.talk.arguments import Unclear


async def test_what_is_done_in_time_is_as_if_nobody_had_looked(caplog: pytest.LogCaptureFixture) -> None:
    async with within_three_seconds("test"):
        await asyncio.sleep(0)
    with pytest.raises(Unclear):
        async with within_three_seconds("test"):
            raise Unclear("a sentence for people")
    assert caplog.records == []


async def test_a_redis_that_hangs_is_waited_for_less_than_three_seconds(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await redis.client_pause(4_000)
    began = time.monotonic()
    with pytest.raises(NotDone) as failed:
        async with within_three_seconds("comment", thread="T1:C1:1.2", user="U1"):
            await redis.get("a")
    assert 2.0 < time.monotonic() - began < 3.0
    await redis.client_unpause()
    assert isinstance(failed.value.why, TimeoutError)
    assert caplog.messages == ["not done what=comment thread=T1:C1:1.2 user=U1 error=TimeoutError"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_what_slack_refused_is_named_in_the_log_and_to_who_asked(
    sandbox: Sandbox, web: AsyncWebClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(NotDone) as failed:
        async with within_three_seconds("question"):
            await web.users_info(user="U0NOBODY")
    assert error_name(failed.value.why) == "user_not_found"
    assert caplog.messages == ["not done what=question error=user_not_found"]

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack.world.app import SCOPES
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack import status
from bot.store import keys
from tests.kit.drafts import Desk


@pytest.fixture
async def web(desk: Desk) -> AsyncIterator[AsyncWebClient]:
    async with slack.client(Settings.load(desk.sandbox.environ(), dotenv=None)) as web:
        yield web


def shown(desk: Desk) -> str | None:
    found = desk.sandbox.slack.workspace.statuses.get((desk.message.thread.channel, desk.message.thread.ts))
    return found.text if found else None


def eyes(desk: Desk) -> bool:
    [question] = [m for m in desk.sandbox.slack.thread("general", desk.message.ts) if m.ts == desk.message.ts]
    return status.EYES in question.reactions


async def test_a_status_is_shown_below_the_thread(desk: Desk, web: AsyncWebClient) -> None:
    await status.show(web, desk.redis, desk.message.thread, desk.message.ts)
    assert (shown(desk), eyes(desk)) == (status.THINKING, False)
    await status.show(web, desk.redis, desk.message.thread, desk.message.ts, "is reading…")
    assert shown(desk) == "is reading…"


@pytest.mark.parametrize("error", ["missing_scope", "not_allowed_token_type", "unknown_method"])
async def test_where_slack_has_no_status_there_are_eyes_on_the_question(
    desk: Desk, web: AsyncWebClient, error: str
) -> None:
    desk.sandbox.faults.add("assistant.threads.setStatus", "error", error=error)
    for _ in range(2):
        await status.show(web, desk.redis, desk.message.thread, desk.message.ts)
    assert (shown(desk), eyes(desk)) == (None, True)
    assert desk.calls("reactions.add") == 1
    for _ in range(2):
        await status.look_away(web, desk.redis, desk.message.thread, desk.message.ts)
    assert not eyes(desk)
    assert desk.calls("reactions.remove") == 1


@pytest.mark.parametrize("error", ["ratelimited", "internal_error"])
async def test_a_passing_failure_puts_no_eyes(desk: Desk, web: AsyncWebClient, error: str) -> None:
    desk.sandbox.faults.add("assistant.threads.setStatus", "error", error=error)
    await status.show(web, desk.redis, desk.message.thread, desk.message.ts)
    assert not eyes(desk)


async def test_where_there_were_no_eyes_none_are_taken_away(desk: Desk, web: AsyncWebClient) -> None:
    await status.look_away(web, desk.redis, desk.message.thread, desk.message.ts)
    assert desk.calls("reactions.remove") == 0


async def test_neither_status_nor_eyes_stop_an_answer(
    desk: Desk, web: AsyncWebClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "parley.status")
    desk.sandbox.slack.scopes[:] = [s for s in SCOPES if s not in ("chat:write", "assistant:write", "reactions:write")]
    await status.show(web, desk.redis, desk.message.thread, desk.message.ts)
    await status.look_away(web, desk.redis, desk.message.thread, desk.message.ts)
    assert caplog.text.count("missing_scope") == 3


async def test_eyes_that_come_after_everybody_looked_away_do_not_stay(desk: Desk, web: AsyncWebClient) -> None:
    desk.sandbox.faults.add("reactions.add", "delay", times=1, seconds=0.3)
    looking = asyncio.create_task(status.look(web, desk.redis, desk.message.thread, desk.message.ts))
    await desk.sandbox.journal.until(lambda e: e.kind == "slack.request" and e.name == "reactions.add")
    await status.look_away(web, desk.redis, desk.message.thread, desk.message.ts)
    await looking
    assert not eyes(desk)


async def test_nobody_looks_at_a_question_that_waits_no_more(desk: Desk, web: AsyncWebClient) -> None:
    await desk.redis.delete(keys.messages(desk.message.thread))
    await status.look(web, desk.redis, desk.message.thread, desk.message.ts)
    assert not eyes(desk)

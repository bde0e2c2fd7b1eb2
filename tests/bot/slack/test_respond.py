"""Answers through a response_url, and what is done when Slack does not take one."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.responses import Reply
from bot.slack.respond import respond

SIMPLE, BAD = [{"type": "divider"}], [{"type": "nonsense"}]


@pytest.fixture
def url(sandbox: Sandbox) -> str:
    return sandbox.slack.responses.url(Reply(sandbox.channels["general"], sandbox.users["ada"]))


def shown(sandbox: Sandbox) -> list[list[str]]:
    assert not sandbox.slack.workspace.channel("general").messages
    return [[block["type"] for block in message.blocks] for _, message in sandbox.slack.workspace.ephemerals]


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.journal.entries("slack.request", "response_url"))


async def test_only_who_asked_sees_it(sandbox: Sandbox, web: AsyncWebClient, url: str) -> None:
    await respond(web, url, "Here it is", SIMPLE)
    await respond(web, url, "And words alone")
    assert shown(sandbox) == [["divider"], []]
    assert {user for user, _ in sandbox.slack.workspace.ephemerals} == {sandbox.users["ada"]}


async def test_blocks_that_slack_refuses_come_in_their_simple_form(
    sandbox: Sandbox, web: AsyncWebClient, url: str
) -> None:
    await respond(web, url, "A report", BAD, SIMPLE)
    assert shown(sandbox) == [["divider"]]


@pytest.mark.parametrize(("status", "body"), [(200, '{"ok": false, "error": "invalid_blocks"}'), (500, "")])
async def test_a_refusal_is_known_by_its_body_or_its_status(
    sandbox: Sandbox, web: AsyncWebClient, url: str, status: int, body: str
) -> None:
    sandbox.faults.add("response_url", "status", times=1, status=status, body=body)
    await respond(web, url, "A report", SIMPLE, SIMPLE)
    assert shown(sandbox) == [["divider"]]


async def test_a_url_that_is_used_up_is_not_tried_again(
    sandbox: Sandbox, web: AsyncWebClient, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        await respond(web, url, "secret words")
    before = asked(sandbox)
    await respond(web, url, "secret words", SIMPLE, SIMPLE)
    assert asked(sandbox) == before + 1
    assert "used_url" in caplog.text
    assert "secret words" not in caplog.text


async def test_a_broken_connection_is_no_exception(sandbox: Sandbox, web: AsyncWebClient, url: str) -> None:
    sandbox.faults.add("response_url", "reset")
    await respond(web, url, "lost", SIMPLE, SIMPLE)
    await respond(web, "http://127.0.0.1:1/nobody", "lost")
    assert shown(sandbox) == []

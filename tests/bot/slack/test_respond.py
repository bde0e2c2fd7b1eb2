"""Answers through a response_url, and what is done when Slack does not take one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web as server
from aiohttp.test_utils import BaseTestServer, TestServer
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.sandbox.slack.responses import Reply
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.respond import replace, respond

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


async def test_what_becomes_of_a_question_stands_in_its_place(sandbox: Sandbox, web: AsyncWebClient, url: str) -> None:
    await respond(web, url, "Shall I?", SIMPLE)
    [(user, question)] = sandbox.slack.workspace.ephemerals
    click = Reply(sandbox.channels["general"], user, question.ts, ephemeral=True)
    await replace(web, sandbox.slack.responses.url(click), "Done")
    assert [(message.text, message.blocks) for _, message in sandbox.slack.workspace.ephemerals] == [("Done", [])]


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
    assert shown(sandbox) == []


@asynccontextmanager
async def elsewhere(answer: server.Response) -> AsyncIterator[tuple[BaseTestServer, list[str]]]:
    """A server that answers so, and the paths at which it was asked."""
    asked: list[str] = []

    async def handle(request: server.Request) -> server.Response:
        asked.append(request.path)
        return answer

    app = server.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as there:
        yield there, asked


async def test_nothing_is_sent_to_another_host(
    sandbox: Sandbox, web: AsyncWebClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with elsewhere(server.Response()) as (there, asked):
        await respond(web, str(there.make_url("/hook")), "secret words", SIMPLE, SIMPLE)
    assert asked == []
    [record] = caplog.records
    assert "secret words" not in caplog.text
    assert str(there.port) not in record.getMessage()


async def test_no_redirect_is_followed(caplog: pytest.LogCaptureFixture) -> None:
    async with elsewhere(server.Response(status=307, headers={"Location": "/other"})) as (there, asked):
        environ = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": str(there.make_url("/api/"))}
        async with slack.client(Settings.load(environ=environ, dotenv=None)) as web:
            await respond(web, str(there.make_url("/hook")), "secret words", SIMPLE, SIMPLE)
    assert asked == ["/hook"]
    assert len(caplog.records) == 1

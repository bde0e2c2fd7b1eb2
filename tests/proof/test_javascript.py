"""Programs in JavaScript against the sandbox: Bolt by both of its receivers, and Anthropic's TypeScript client."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.models import MODELS
from tests.bot.sandbox.clients import person

pytestmark = pytest.mark.proof


@asynccontextmanager
async def running(folder: Path, sandbox: Sandbox, *words: str) -> AsyncIterator[Process]:
    """One of the programs, which ends with the test."""
    environ = {**os.environ, **sandbox.environ(), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    process = await asyncio.create_subprocess_exec("node", *words, cwd=folder / "programs", env=environ, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


async def use(sandbox: Sandbox) -> None:
    """Do what a person does with any bot, then fill in the form that opened, and have a stream and a file sent."""
    await person.talks_to(sandbox)
    slack = sandbox.slack
    [form] = await slack.until(lambda: list(slack.views.open.values()), within=person.WITHIN)
    await slack.submit("ada", form.id, {"word": {"word": {"type": "plain_text_input", "value": "yes"}}})
    home = slack.workspace.channels[sandbox.channels["@ada"]]
    await slack.until(lambda: any(m.text == "You wrote yes." for m in home.messages.values()), within=person.WITHIN)
    thread = await slack.say("ada", "general", "@parley share")
    await slack.until(lambda: any(m.files for m in slack.thread("general", thread)), within=person.WITHIN)
    assert any(m.text == "It rains." and m.stream == "stopped" for m in slack.thread("general", thread))


@pytest.mark.parametrize("package", ["@slack/bolt", "bolt-older"])
async def test_bolt_for_javascript_by_socket_mode(node_folder: Path, package: str) -> None:
    async with (
        Sandbox(with_claude=False) as sandbox,
        running(node_folder, sandbox, "bolt.mjs", package, "socket") as process,
    ):
        assert await line(process) == "connected"
        await use(sandbox)


@pytest.mark.parametrize("package", ["@slack/bolt", "bolt-older"])
async def test_bolt_for_javascript_by_http(node_folder: Path, package: str) -> None:
    async with (
        Sandbox(transport="http", with_claude=False) as sandbox,
        running(node_folder, sandbox, "bolt.mjs", package, "http") as process,
    ):
        sandbox.events_url = f"http://127.0.0.1:{await line(process)}/slack/events"
        await use(sandbox)


@pytest.mark.parametrize("package", ["@anthropic-ai/sdk", "anthropic-older"])
async def test_anthropics_client_for_typescript(node_folder: Path, package: str) -> None:
    async with Sandbox() as sandbox:
        sandbox.claude.first_delta, sandbox.claude.deltas_per_second = 0.01, 1000.0
        sandbox.claude.script(None, Answer("It rains."))
        async with running(node_folder, sandbox, "claude.mjs", package, "claude-haiku-4-5") as process:
            told = json.loads(await line(process))
    for way in ("whole", "blocks", "streamed", "final", "beta"):
        assert told.pop(way) == "It rains."
    assert told.pop("counted") == told["input_tokens"] > 0
    assert told.pop("models") == list(MODELS)
    del told["input_tokens"]
    assert told == {
        "stop": "end_turn",
        "raw": 1,
        "one": "claude-haiku-4-5",
        "none": [404, "not_found_error"],
        "unknown": [400, "invalid_request_error"],
        "key": [401, "authentication_error"],
    }

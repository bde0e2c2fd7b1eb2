"""`parley check`: a line for each credential and service, and what to do about what fails.

What all is well, refused or away looks like is shown by the command itself; one finding, by the half that has it.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import Redis

from bot.manifest import NEEDED_SCOPES, SCOPES
from bot.ops import own_redis as embedded
from bot.ops import redis_check
from bot.ops.check import results
from bot.sandbox import Sandbox
from bot.settings import Settings
from tests.kit.sockets import refusing
from workers import cli as worker


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    with embedded.running(tmp_path / "redis") as address, Redis.from_url(address) as redis:
        yield redis


async def check(sandbox: Sandbox | None, folder: Path, **environ: str) -> tuple[int, list[str]]:
    """Exit status and lines. Settings come from the environment only: `folder` has no .env."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("SLACK_", "ANTHROPIC_", "REDIS_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "check"),
        env={**inherited, "PYTHONPATH": str(Path.cwd()), **(sandbox.environ() if sandbox else {}), **environ},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert errors == b"", errors.decode()
    assert process.returncode is not None
    return process.returncode, said.decode().splitlines()


async def bot_check(sandbox: Sandbox, **environ: str) -> list[str]:
    """What the bot's half finds on Slack and Redis."""
    settings = Settings.load({**sandbox.environ(), **environ}, dotenv=None)
    return [str(result) async for result in results(settings)]


async def worker_check(sandbox: Sandbox, capsys: pytest.CaptureFixture[str], **environ: str) -> tuple[int, list[str]]:
    """Status and lines of the workers' half, on Claude and the model."""
    status = await worker.check(Settings.load({**sandbox.environ(), **environ}, dotenv=None))
    return status, capsys.readouterr().out.splitlines()


def failed(lines: list[str]) -> list[str]:
    assert all(line.startswith(("ok    ", "warn  ", "FAIL  ")) for line in lines)
    return [line.removeprefix("FAIL  ") for line in lines if line.startswith("FAIL")]


def warned(lines: list[str]) -> list[str]:
    return [line.removeprefix("warn  ") for line in lines if line.startswith("warn")]


def is_old(redis_url: str) -> bool:
    """Whether this machine has only the Redis that comes with Parley, which has known holes."""
    with Redis.from_url(redis_url) as redis:
        return bool(redis_check.read(redis.info(), is_own=False)[0].level == "warn")


async def test_all_is_well(sandbox: Sandbox, redis_url: str, tmp_path: Path) -> None:
    status, lines = await check(sandbox, tmp_path, REDIS_URL=redis_url)
    assert status == 0
    assert [line.split(":")[0] for line in lines] == [
        "ok    Slack",
        "ok    Slack scopes",
        "ok    Slack events",
        "warn  Redis" if is_old(redis_url) else "ok    Redis",
        "ok    Redis eviction",
        "ok    Redis persistence",
        "ok    Claude",
        "ok    Model",
    ]
    assert lines[2].endswith("over Socket Mode")
    assert sandbox.team in lines[0]


async def test_a_setting_that_is_gone_is_one_line_and_all_is_well(
    sandbox: Sandbox, redis_url: str, tmp_path: Path
) -> None:
    status, lines = await check(sandbox, tmp_path, REDIS_URL=redis_url, CLAUDE_ATTEMPTS="7")
    [line] = [line for line in lines if "CLAUDE_ATTEMPTS" in line]
    assert line.startswith("warn  Settings: CLAUDE_ATTEMPTS is no longer a setting: ")
    assert (status, len(lines)) == (0, 9)


async def test_the_redis_of_our_own_is_tried_when_none_is_given(sandbox: Sandbox, tmp_path: Path) -> None:
    lines = await bot_check(sandbox, DATA_DIR=str(tmp_path / "data"))
    assert "ok    Redis eviction: noeviction" in lines
    assert failed(lines) == []
    assert not embedded.answers(embedded.url(tmp_path / "data"))


async def test_nothing_set_is_told_setting_by_setting(redis_url: str, tmp_path: Path) -> None:
    status, lines = await check(None, tmp_path, REDIS_URL=redis_url)
    assert status == 1
    missing = [line.split(": ")[1].split()[0] for line in failed(lines)]
    assert missing == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ANTHROPIC_API_KEY"]


async def test_each_refused_credential_is_told_with_what_to_do_and_without_itself(
    sandbox: Sandbox, redis_url: str, tmp_path: Path
) -> None:
    wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong", "SLACK_APP_TOKEN": "xapp-wrong", "ANTHROPIC_API_KEY": "sk-ant-wrong"}
    status, lines = await check(sandbox, tmp_path, REDIS_URL=redis_url, **wrong)
    assert status == 1
    slack, events, claude = failed(lines)
    assert slack.startswith("Slack: SLACK_BOT_TOKEN is refused by Slack (invalid_auth): ")
    assert events.startswith("Slack events: SLACK_APP_TOKEN is refused by Slack (invalid_auth): ")
    assert "connections:write" in events
    assert "`ANTHROPIC_API_KEY` in `.env`" in claude
    assert "wrong" not in "".join(lines)


@pytest.mark.parametrize("needed", NEEDED_SCOPES)
async def test_a_scope_without_which_there_are_no_answers_is_a_failure(redis_url: str, needed: str) -> None:
    async with Sandbox(scopes=[scope for scope in SCOPES if scope not in (needed, "files:read")]) as sandbox:
        lines = await bot_check(sandbox, REDIS_URL=redis_url)
    [told] = failed(lines)
    assert told.startswith(f"Slack scopes: {needed} is not granted, so {SCOPES[needed]}: add it on your app's page ")
    assert len([line for line in warned(lines) if line.startswith("Slack")]) == 1


async def test_each_scope_that_may_be_left_out_is_a_warning_of_what_does_not_work(redis_url: str) -> None:
    async with Sandbox(scopes=NEEDED_SCOPES) as sandbox:
        lines = await bot_check(sandbox, REDIS_URL=redis_url)
    assert failed(lines) == []
    optional = {scope: without for scope, without in SCOPES.items() if scope not in NEEDED_SCOPES}
    assert [line for line in warned(lines) if line.startswith("Slack")] == [
        f"Slack scopes: {scope} is not granted, so {what}." for scope, what in optional.items()
    ]


async def test_a_warning_is_no_failure_of_the_whole_check(redis_url: str, tmp_path: Path) -> None:
    async with Sandbox(scopes=NEEDED_SCOPES) as sandbox:
        status, lines = await check(sandbox, tmp_path, REDIS_URL=redis_url)
    assert status == 0
    assert len([line for line in warned(lines) if line.startswith("Slack scopes")]) == len(SCOPES) - len(NEEDED_SCOPES)


async def test_over_http_it_says_where_slack_must_reach_us(redis_url: str) -> None:
    async with Sandbox(transport="http") as sandbox:
        lines = await bot_check(sandbox, REDIS_URL=redis_url)
    assert failed(lines) == []
    assert "/slack/events" in lines[2]


async def test_a_redis_that_drops_or_forgets_messages_is_told(
    sandbox: Sandbox, own_redis: Redis, tmp_path: Path
) -> None:
    own_redis.config_set("maxmemory-policy", "allkeys-lru")
    own_redis.config_set("appendonly", "no")
    lines = await bot_check(sandbox, REDIS_URL=embedded.url(tmp_path / "redis"))
    assert [line.split(",")[0] for line in failed(lines)] == [
        "Redis eviction: allkeys-lru drops waiting messages: set maxmemory-policy noeviction.",
        "Redis persistence: a restart loses what waits: set appendonly yes.",
    ]


async def test_services_that_do_not_answer_are_told(tmp_path: Path) -> None:
    with refusing() as port:
        status, lines = await check(
            None,
            tmp_path,
            SLACK_BOT_TOKEN="xoxb-1",
            SLACK_SIGNING_SECRET="1",
            SLACK_API_URL=f"http://127.0.0.1:{port}/api/",
            REDIS_URL=f"redis://127.0.0.1:{port}",
            ANTHROPIC_API_KEY="sk-ant-1",
            ANTHROPIC_BASE_URL=f"http://127.0.0.1:{port}",
        )
    assert status == 1
    slack, redis, claude = failed(lines)
    assert slack.startswith("Slack: Slack cannot be reached (")
    assert redis == "Redis: does not answer (ConnectionError): check REDIS_URL in .env."
    assert claude.startswith("Claude: Claude cannot be reached")


async def test_a_model_that_nobody_has_is_told(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = await worker_check(sandbox, capsys, MODEL="claude-nobody")
    assert status == 1
    [claude] = failed(lines)
    assert "`MODEL` in `.env`" in claude


async def test_options_that_the_model_does_not_take_are_a_warning(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"MODEL": "claude-haiku-4-5", "EFFORT": "high", "MAX_TOKENS": "100000"}
    status, lines = await worker_check(sandbox, capsys, **given)
    assert status == 0
    assert [line for line in lines if line.startswith("warn")] == [
        "warn  Model: EFFORT=high does nothing on claude-haiku-4-5: it knows no efforts.",
        "warn  Model: MAX_TOKENS=100000 is cut to 64,000, the most of claude-haiku-4-5.",
    ]


async def test_what_claude_refuses_in_every_question_is_told_before_anybody_asks_one(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = await worker_check(
        sandbox, capsys, ANTHROPIC_CUSTOM_HEADERS="anthropic-beta: of-tomorrow-2026-12-01"
    )
    assert status == 1
    [told] = failed(lines)
    assert told.startswith("Model: Claude refuses every question with these settings: look at MCP_SERVERS, ")


async def test_a_count_that_cannot_be_had_is_no_failure(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.faults.add("/v1/messages/count_tokens", "status", status=404)
    status, lines = await worker_check(sandbox, capsys)
    assert (status, failed(lines)) == (0, [])


async def test_a_malformed_file_of_servers_is_told(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "servers.toml").write_text("servers = 5")
    status, lines = await worker_check(sandbox, capsys, MCP_SERVERS=str(tmp_path / "servers.toml"))
    assert status == 1
    [claude] = failed(lines)
    assert "has no list `servers`" in claude


async def test_a_fallback_that_is_off_is_no_model(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = await worker_check(sandbox, capsys, FALLBACK_MODEL="off")
    assert status == 0
    assert not [line for line in lines if line.startswith("warn")]


async def test_the_fallback_is_asked_for_too(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = await worker_check(sandbox, capsys, FALLBACK_MODEL="claude-nobody")
    assert status == 1
    missing = "is not available to this API key: choose another in .env."
    assert failed(lines) == [f"Model: FALLBACK_MODEL=claude-nobody {missing}"]

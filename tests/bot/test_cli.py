import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.cli import main
from bot.manifest import as_yaml

PARLEY = str(Path(sys.executable).parent / "parley")
KEYS = [
    *("slack_url", "claude_url", "page_url", "control_url", "bot_token", "app_token", "signing_secret"),
    *("anthropic_api_key", "team", "bot_user", "channels", "users"),
]


async def test_the_sandbox_runs_alone_and_says_what_a_bot_needs() -> None:
    sandbox = await asyncio.create_subprocess_exec(PARLEY, "sandbox", "--json", stdout=subprocess.PIPE)
    assert sandbox.stdout
    said = json.loads(await asyncio.wait_for(sandbox.stdout.readline(), 20))
    assert list(said) == KEYS
    assert said["slack_url"].endswith("/api/")
    async with aiohttp.ClientSession() as session:
        message = {"user": "ada", "channel": "general", "text": "@parley hello"}
        async with session.post(said["control_url"] + "say", json=message) as answer:
            ts = (await answer.json())["ts"]
        async with session.get(said["control_url"] + "journal", params={"kind": "slack.delivery"}) as answer:
            assert ts in await answer.text()
        async with session.get(said["page_url"]) as answer:
            assert answer.content_type == "text/html"
    sandbox.terminate()
    assert await sandbox.wait() == 0


def test_json_goes_with_once(tmp_path: Path) -> None:
    assert failure("demo", "--json", folder=tmp_path) == "parley: --json goes with --once.\n"


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = failure("sandbox", "--slack-port", str(taken.getsockname()[1]), folder=tmp_path)
    assert said.startswith("parley: The sandbox cannot listen")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", [[PARLEY, "up"], [PARLEY, "serve"], [sys.executable, "-m", "workers"]])
def test_a_setting_that_is_gone_is_one_warning_at_the_start_and_stops_nothing(
    command: list[str], redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CLAUDE_ATTEMPTS=7\nCLAUDE_IDLE_SECONDS=many\n")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SLACK_", "ANTHROPIC_"))}
    environ = {**kept, "REDIS_URL": redis_url, "PYTHONPATH": str(Path.cwd())}
    ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    *warnings, end = ran.stderr.splitlines()
    assert [re.sub(".* WARNING parley.settings ", "", line).split()[0] for line in warnings] == [
        "CLAUDE_ATTEMPTS",
        "CLAUDE_IDLE_SECONDS",
    ]
    assert end.startswith("parley: SLACK_BOT_TOKEN is missing: ")


def failure(*arguments: str, folder: Path) -> str:
    """What the command says on standard error when it fails."""
    ran = subprocess.run([PARLEY, *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 1
    return ran.stderr


def test_the_manifest_is_printed_for_the_address_that_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", "--http", "https://parley.example", "--least"]) == 0
    assert capsys.readouterr().out == as_yaml(url="https://parley.example/slack/events", least=True)
    assert main(["manifest", "--http", "https://parley.example/elsewhere"]) == 0
    assert "request_url: https://parley.example/elsewhere\n" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["parley.example", "http://parley.example", "https://", "https://parley.example/?a=b"])
def test_an_address_that_slack_cannot_reach_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["manifest", "--http", url])
    assert "https://" in capsys.readouterr().err

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import Claude, Clock, Faults, Journal
from bot.sandbox.claude.answers import Answer
from tests.kit.procfile import ROOT

PARLEY = [str(Path(sys.executable).parent / "parley")]


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    """Nobody's keys; TMPDIR tells which processes are ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "ANTHROPIC_"))}
    return {**kept, "TMPDIR": str(tmp_path), **more}


def processes_of(tmp_path: Path) -> list[str]:
    """Command lines of processes that mention the folder or have it as TMPDIR."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(tmp_path) in (entry / "environ").read_text(errors="replace"):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def heed_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so do the tests there and their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see what is left behind")
def test_once_prints_one_json_object_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*PARLEY, "demo", "--once", "What is a lease?", "--json"],
        env=environ(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    said = json.loads(ran.stdout)
    assert list(said) == [
        "question",
        "answer",
        "edits",
        "acked_ms",
        "first_delta_ms",
        "first_visible_ms",
        "complete_ms",
    ]
    assert said["question"] == "What is a lease?"
    assert "no model wrote this" in said["answer"]
    assert said["edits"] >= 1
    assert 0 < said["acked_ms"] < said["complete_ms"]
    assert 0 < said["first_delta_ms"] < said["first_visible_ms"] < said["complete_ms"]
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


async def test_with_a_key_the_claude_behind_it_is_asked(tmp_path: Path) -> None:
    clock = Clock()
    claude = Claude(clock, Journal(clock), Faults())
    claude.script(None, Answer("From the Claude that the key belongs to."))
    await claude.start()
    demo = await asyncio.create_subprocess_exec(
        *PARLEY,
        *("demo", "--once", "--json"),
        env=environ(tmp_path, ANTHROPIC_API_KEY=claude.api_key, ANTHROPIC_BASE_URL=claude.url),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(demo.communicate(), 60)
    await claude.stop()
    outcome = json.loads(said)
    assert outcome["answer"] == "From the Claude that the key belongs to."
    assert outcome["first_delta_ms"] is None


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to see what is left behind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_plays_a_question_and_a_follow_up_and_stays_until_it_is_told_to_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    demo = await asyncio.create_subprocess_exec(
        *(*PARLEY, "demo"),
        env=environ(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    assert demo.stdout
    said = ""
    async with asyncio.timeout(60):
        while "Ctrl-C ends it" not in said:
            line = await demo.stdout.readline()
            assert line, said
            said += line.decode()
    assert said.count("ada in #general") == 2
    assert said.count("complete after") == 2
    assert "edit 1" in said
    assert "http://127.0.0.1:" in said
    os.killpg(demo.pid, number)
    assert await demo.wait() == 0
    assert processes_of(tmp_path) == []


async def test_a_question_that_is_not_answered_exits_with_the_reason(tmp_path: Path) -> None:
    clock = Clock()
    claude = Claude(clock, Journal(clock), Faults())
    await claude.start()
    demo = await asyncio.create_subprocess_exec(
        *PARLEY,
        *("demo", "--once", "--json"),
        env=environ(tmp_path, ANTHROPIC_API_KEY="sk-ant-wrong", ANTHROPIC_BASE_URL=claude.url),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    said, why = await asyncio.wait_for(demo.communicate(), 60)
    await claude.stop()
    assert demo.returncode == 1
    assert said == b""
    assert why.startswith(b"parley: Claude refuses the API key")


def test_a_demo_that_cannot_start_says_why(tmp_path: Path) -> None:
    ran = subprocess.run(
        [*PARLEY, "demo", "--once"],
        env=environ(tmp_path, SLOTS="many"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == "parley: SLOTS is malformed: it must be a whole number from 1 to 1000. Correct it in .env.\n"


def test_the_readme_and_the_makefile_name_the_same_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in ("make demo", "make test", "make up"):
        assert command in readme

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from bot.sandbox import Sandbox
from bot.sandbox.claude.answers import Answer
from tests.kit.parley import payload, text
from tests.kit.procfile import commands

PARLEY = str(Path(sys.executable).parent / "parley")


def children(pid: int) -> dict[str, int]:
    """The pids of a process's children by what they run."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        name = "web" if "bot serve" in command else "worker" if "workers" in command else "redis"
        found[name] = int(child)
    return found


async def answered(sandbox: Sandbox, question: str) -> str:
    ts = await sandbox.slack.say("ada", "general", f"@parley {question}")

    def complete() -> list[str]:
        return [text(m) for m in sandbox.slack.thread("general", ts) if payload(m).get("state") == "complete"]

    return str((await sandbox.slack.until(complete, within=40))[0])


async def test_up_runs_everything_with_a_redis_of_its_own_and_starts_again_what_dies(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        sandbox.claude.script(None, Answer("Here."))
        environ = {**sandbox.environ(), "DATA_DIR": tmp_path / "data", "CLAUDE_ATTEMPTS": "7"}
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in environ.items()))
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("SLACK_", "ANTHROPIC_", "REDIS_"))}
        with (tmp_path / "log").open("wb") as log:
            up = await asyncio.create_subprocess_exec(PARLEY, "up", cwd=tmp_path, env=kept, stderr=log, stdout=log)
        try:
            assert await answered(sandbox, "first") == "Here."
            before = children(up.pid)
            assert set(before) == {"web", "worker", "redis"}
            for name, command in commands().items():
                assert Path(f"/proc/{before[name]}/cmdline").read_text().split("\0")[1:-1] == ["-m", *command]
            for name in ("worker", "redis"):
                os.kill(before[name], signal.SIGKILL)
            assert await answered(sandbox, "second") == "Here."
            after = children(up.pid)
            assert after["worker"] != before["worker"]
            assert after["redis"] != before["redis"]
        finally:
            up.send_signal(signal.SIGTERM)
            assert await up.wait() == 0
        said = (tmp_path / "log").read_text()
        assert re.search(r"ended program=worker status=-9 restart_in=1", said)
        assert "Traceback" not in said
        assert said.count("CLAUDE_ATTEMPTS is no longer a setting") == 1, (
            "told by the supervisor, and by no child again"
        )
        assert not any(Path(f"/proc/{pid}").exists() for pid in after.values())
        data_files = list((tmp_path / "data").glob("**/appendonly*.aof"))
        assert sum(file.stat().st_size for file in data_files) > 0


def test_a_missing_setting_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SLACK_", "ANTHROPIC_", "REDIS_"))}
    ran = subprocess.run([PARLEY, "up"], cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("parley: SLACK_BOT_TOKEN is missing: ")
    assert ran.stderr.count("\n") == 1

"""Children that are kept alive, stopped in order, and never left behind."""

import asyncio
import logging
import os
import re
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.ops.supervisor import Program, Supervisor


def python(name: str, code: str, output: Path | None = None, stop_seconds: float = 10.0) -> Program:
    return Program(name, [sys.executable, "-c", code], os.environ, stop_seconds, output)


async def until(condition: Callable[[], object], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def running(output: Path, starts: int = 1) -> int:
    """Wait until a program has been started so often and said that it is ready; the pid of the last."""

    def said() -> list[str]:
        return re.findall(r"^ready (\d+)$", output.read_text(), re.MULTILINE) if output.exists() else []

    await until(lambda: len(said()) == starts)
    return int(said()[-1])


READY = "import os, time; print('ready', os.getpid(), flush=True); time.sleep(60)"


async def test_what_ends_is_started_again_after_a_second(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = tmp_path / "log"
    async with Supervisor() as supervisor:
        supervisor.start(python("phoenix", READY, output))
        first = await running(output)
        began = asyncio.get_running_loop().time()
        os.kill(first, signal.SIGKILL)
        assert await running(output, starts=2) != first
        assert asyncio.get_running_loop().time() - began > 0.9
    assert "ended program=phoenix status=-9 restart_in=1" in caplog.text


async def test_what_ends_again_and_again_is_given_more_time(caplog: pytest.LogCaptureFixture) -> None:
    async with Supervisor() as supervisor:
        supervisor.start(python("brittle", "raise SystemExit(3)"))
        await until(lambda: "restart_in=2" in caplog.text)
    assert [r.getMessage() for r in caplog.records if r.name == "parley.up" and r.levelno == logging.ERROR] == [
        "ended program=brittle status=3 restart_in=1",
        "ended program=brittle status=3 restart_in=2",
    ]


async def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    output = tmp_path / "log"
    code = (
        "import signal, sys\n"
        "name = sys.argv[1]\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('stopped', name, flush=True), sys.exit()))\n"
        "print('ready', name, flush=True)\n"
        "while True: signal.pause()\n"
    )
    async with Supervisor() as supervisor:
        for name in ("one", "two", "three"):
            command = [sys.executable, "-c", code, name]
            supervisor.start(Program(name, command, os.environ, output=output))
        await until(lambda: output.exists() and output.read_text().count("ready") == 3)
    stops = [line.split()[1] for line in output.read_text().splitlines() if line.startswith("stopped")]
    assert stops == ["three", "two", "one"]


async def test_what_does_not_stop_in_time_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = tmp_path / "log"
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
    async with Supervisor() as supervisor:
        supervisor.start(python("stubborn", code, output, 0.2))
        pid = await running(output)
    assert not alive(pid)
    assert f"killed program=stubborn pid={pid}" in caplog.text


async def test_a_child_that_waits_for_its_restart_is_not_started_any_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "log"
    async with Supervisor() as supervisor:
        supervisor.start(python("short", "print('started', flush=True)", output))
        await until(lambda: "restart_in=1" in caplog.text)
    await asyncio.sleep(1.5)
    assert output.read_text() == "started\n"


async def test_a_program_that_cannot_be_started_disturbs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "log"
    async with Supervisor() as supervisor:
        supervisor.start(python("good", READY, output))
        supervisor.start(Program("bad", [str(tmp_path / "nowhere")], os.environ))
        supervisor.start(python("mute", READY, tmp_path / "no" / "folder"))
        pid = await running(output)
        await until(lambda: caplog.text.count("not started") == 2)
    assert not alive(pid)


async def test_a_child_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    parent_code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from bot.ops.supervisor import Program, Supervisor\n"
        "async def main():\n"
        "    async with Supervisor() as supervisor:\n"
        "        command, output = [sys.executable, '-c', sys.argv[1]], Path(sys.argv[2])\n"
        "        supervisor.start(Program('child', command, os.environ, output=output))\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    output = tmp_path / "log"
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", parent_code, READY, str(output))
    pid = await running(output)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await until(lambda: not alive(pid))


async def test_a_child_has_the_given_environment_and_no_other(tmp_path: Path) -> None:
    output = tmp_path / "log"
    code = f"import os; print(sorted(set(os.environ) - {{'LC_CTYPE'}}), os.environ['WHAT'], flush=True); {READY}"
    async with Supervisor() as supervisor:
        supervisor.start(Program("child", [sys.executable, "-c", code], {"WHAT": "this"}, output=output))
        await running(output)
    assert output.read_text().splitlines()[0] == "['WHAT'] this"


async def test_what_a_program_writes_is_for_us_only(tmp_path: Path) -> None:
    output, file = tmp_path / "log", tmp_path / "file"
    before = os.umask(0o022)
    try:
        async with Supervisor() as supervisor:
            supervisor.start(python("writer", f"open({str(file)!r}, 'w'); {READY}", output))
            await running(output)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (output, file)} == {0o600}

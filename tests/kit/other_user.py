"""What another user of the machine can do: code that runs as `nobody`."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def as_nobody(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the code to its end; it finds `os`, `socket` and `sys`."""
    return subprocess.run(_command(code, arguments), capture_output=True, text=True, timeout=30, check=False, cwd="/")


@contextmanager
def listening_as_nobody(path: Path) -> Iterator[None]:
    """Another user's process takes connections at this Unix socket and answers each as Redis answers a PING."""
    code = (
        "server = socket.socket(socket.AF_UNIX)\n"
        "server.bind(sys.argv[1])\n"
        "server.listen()\n"
        "print('here', flush=True)\n"
        "while True:\n"
        "    connection, _ = server.accept()\n"
        "    while connection.recv(65536):\n"
        "        connection.send(b'+PONG\\r\\n')\n"
    )
    process = subprocess.Popen(_command(code, [path]), stdout=subprocess.PIPE, text=True, cwd="/")
    try:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        yield
    finally:
        process.kill()
        process.communicate()


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that everybody can look into; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="parley-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def _command(code: str, arguments: object) -> list[str]:
    # The interpreter may be where only root can read, so all that is needed is imported first.
    become = f"import os, socket, sys\nos.setgroups([])\nos.setgid({NOBODY})\nos.setuid({NOBODY})\n"
    assert isinstance(arguments, list | tuple)
    return [sys.executable, "-I", "-c", become + code, *map(str, arguments)]

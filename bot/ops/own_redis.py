"""A Redis of our own when none is given."""

import fcntl
import hashlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import redis

from bot.ops.private_folder import PRIVATE_UMASK, NotPrivate, append_to, make_private
from bot.ops.redis_servers import WRITER, NoRedis, choose, note_writer
from bot.ops.supervisor import die_with_parent
from bot.settings import Settings

# How many bytes a Unix socket's path may have: with a zero after it, it fills `sun_path` of sockaddr_un.
LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
# What we and our Redis write. Redis 7 and newer have a folder `appendonlydir`.
FILES = ("redis.sock", "redis.lock", "redis.log", WRITER, "appendonly*", "dump.rdb", "temp-*.aof", "temp-*.rdb")


def socket_path(data_dir: Path) -> Path:
    """Where the Redis of this data directory listens: in it, or in a folder of our own if that path is too long."""
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= 100:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"parley-{os.geteuid()}-{digest}" / "sock"


def command(data_dir: Path) -> list[str]:
    """The server's command line: every write goes to the append-only file, nothing is evicted, no network port.

    From now on the data of the folder are taken to be this server's. Raises NoRedis if none can read them.
    """
    server = choose(data_dir)
    note_writer(data_dir, server)
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
    command_line = [server.binary]
    for name, value in options.items():
        command_line += [f"--{name}", value]
    return command_line


def url(data_dir: Path) -> str:
    return f"unix://{socket_path(data_dir)}"


def answers(address: str) -> bool:
    """Whether a server of ours answers. Raises NoRedis if another user's listens there, which is told nothing."""
    path = address.removeprefix("unix://")
    user = _listening_user(path)
    if user is not None and user != os.geteuid():
        raise NoRedis(f"At {path} answers a Redis of another user (id {user}): set DATA_DIR to a folder of your own.")
    try:
        with redis.Redis.from_url(address, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _listening_user(path: str) -> int | None:
    """Whose process listens at the socket. None if nobody does, or where the system does not tell.

    Where it does not tell, owner and mode of the socket's folder are all that we have.
    """
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(1)
        try:
            other.connect(path)
        except OSError:
            return None
        credentials = other.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)


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
    """The data directory, created if it is missing, with its files and its socket for us only. Raises NoRedis."""
    try:
        data_dir = data_dir.expanduser()
        make_private(data_dir, FILES)
        data_dir = data_dir.resolve()
        append_to(data_dir / "redis.lock").close()
    except (OSError, RuntimeError, ValueError, NotPrivate) as error:
        raise NoRedis(f"DATA_DIR {data_dir} cannot be used ({error}): choose another in .env.") from None
    _prepare_socket_folder(data_dir)
    return data_dir


def _prepare_socket_folder(data_dir: Path) -> None:
    path = socket_path(data_dir)
    if path.parent == data_dir:
        return
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise NoRedis(f"DATA_DIR {data_dir} is too long for a socket, and so is TMPDIR: choose another in .env.")
    try:
        make_private(path.parent, [path.name])
    except (OSError, NotPrivate) as error:
        raise NoRedis(
            f"DATA_DIR {data_dir} is too long for a socket, and {path.parent} cannot be used ({error}): choose "
            "another in .env."
        ) from None


@contextmanager
def running(data_dir: Path) -> Iterator[str]:
    """A Redis on this directory, until the block ends; yields its address. Raises NoRedis."""
    data_dir = prepared(data_dir)
    address = url(data_dir)
    with ExitStack() as stack:
        with _locked(data_dir):
            if not answers(address):
                stack.enter_context(_started(data_dir))
                wait_until_answers(address)
        yield address


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Nobody else starts or ends a Redis on this directory meanwhile."""
    with append_to(data_dir / "redis.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _started(data_dir: Path) -> Iterator[None]:
    _prepare_socket_folder(data_dir)
    with append_to(data_dir / "redis.log") as log:
        process = subprocess.Popen(
            command(data_dir),
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent,
            umask=PRIVATE_UMASK,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
        _remove_socket_folder(data_dir)


def _remove_socket_folder(data_dir: Path) -> None:
    """Leave no empty folder behind, unless somebody has started another Redis meanwhile."""
    folder = socket_path(data_dir).parent
    if folder == data_dir:
        return
    with suppress(OSError), _locked(data_dir):
        folder.rmdir()

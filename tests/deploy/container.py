"""An image as buildah made it, and its processes in namespaces of their own."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# What a container engine does when it starts a container: the first process of a PID namespace, a root file system that
# nothing can be written to but /tmp, no capabilities, and none to be had. The network stays the machine's.
START = """
set -e
root=$1 size=$2 user=$3 group=$4 folder=$5
shift 5
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size="$size" tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" setpriv --reuid="$user" --regid="$group" --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all -- env --ignore-environment --chdir="$folder" "$@"
"""
UNSHARED = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class Image:
    """`rootfs` is where its files are; `added` is how many bytes it adds to its base."""

    rootfs: Path
    added: int
    config: Mapping[str, Any]

    @classmethod
    def of(cls, rootfs: Path, inspected: str) -> Self:
        """`inspected` is what `buildah inspect` prints."""
        said = json.loads(inspected)
        *_, last = json.loads(said["Manifest"])["layers"]
        return cls(rootfs, last["size"], said["Docker"]["config"])

    @property
    def environ(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.config["Env"])

    @property
    def command(self) -> list[str]:
        return [*self.config["Entrypoint"], *self.config["Cmd"]]


def confined(image: Image, command: Sequence[str], environ: Mapping[str, str], tmp_size: str = "256m") -> list[str]:
    """What runs the command as in a container of the image. Without `command`, its own."""
    user, group = image.config["User"].split(":")
    variables = [f"{name}={value}" for name, value in {**image.environ, **environ}.items()]
    words = [*image.config["Entrypoint"], *command] if command else image.command
    options = [str(image.rootfs), tmp_size, user, group, image.config["WorkingDir"]]
    return [*UNSHARED, "sh", "-c", START, "sh", *options, *variables, *words]


class Container:
    """A container that runs. `pid` is that of its first process, as the machine sees it."""

    def __init__(self, image: Image, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(confined(image, command, environ), stdout=output, stderr=output)

    @property
    def pid(self) -> int | None:
        [first, *_] = [*children(self._process.pid), None]
        return first

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def send_signal(self, number: signal.Signals) -> None:
        assert self.pid is not None
        os.kill(self.pid, number)

    async def wait(self) -> int | None:
        return await asyncio.to_thread(self._process.wait)

    def processes(self) -> dict[int, str]:
        """All processes of the container, with their command lines."""
        assert self.pid is not None
        found = [self.pid]
        for pid in found:
            found += children(pid)
        return {pid: Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip() for pid in found}


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def resident(pid: int) -> int:
    """The memory of a process that is in use (RSS), in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024 // 1_000_000


def state(pid: int) -> str:
    """One letter, as `ps` shows it: R, S, Z (ended, and nobody asked how)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

"""Redis servers as others run them: on ports, with passwords, with TLS, with replicas, under Sentinels."""

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest
from redis import Redis
from redis.exceptions import RedisError

from bot.ops.redis_servers import choose
from bot.ops.supervisor import die_with_parent
from tests.kit.tls import untrusted

_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
# Below those that systems give to outgoing connections, and beside those of tests.kit.parley.
PORTS = itertools.count(6_400 + 200 * (_PROCESS % 20))
SERVICE = "parley"
PASSWORD = "p/a[s]s@w#o?r%d"
CERTIFICATE = "certificate.pem"
WAYS = ["tcp", "password", "user", "tls"]


def free_port() -> int:
    while True:
        port = next(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(condition: Callable[[], object], within: float = 30.0) -> None:
    """Ask again and again; a server that does not answer counts as no."""
    until = time.monotonic() + within
    while True:
        with suppress(RedisError):
            if condition():
                return
        assert time.monotonic() < until, "not in time"
        time.sleep(0.02)


class Process:
    """A server that can be killed and started again on its data."""

    def __init__(self, folder: Path, command: Sequence[str], port: int, client: Redis) -> None:
        self.port, self.client = port, client
        self._command, self._log = command, folder / "log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, preexec_fn=die_with_parent)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def replication(self) -> dict[str, Any]:
        return self.client.info("replication")

    def watched(self) -> dict[str, Any]:
        """What a Sentinel knows of the primary."""
        return cast("dict[str, Any]", self.client.sentinel_master(SERVICE))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


@contextmanager
def server(folder: Path, *options: str, sentinel: bool = False, **client: Any) -> Iterator[Process]:
    """A server on a port of loopback, which writes everything down; `client` are redis-py's words for reaching it."""
    folder.mkdir(parents=True)
    port = client.get("port") or free_port()
    command = [choose(folder).binary]
    if sentinel:
        (folder / "sentinel.conf").write_text("".join(f"{line}\n" for line in options))
        command += [str(folder / "sentinel.conf"), "--sentinel"]
    else:
        command += ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", *options]
    command += ["--bind", "127.0.0.1", "--dir", str(folder)]
    if "port" not in client:
        command += ["--port", str(port)]
    redis = Redis(**{"host": "127.0.0.1", "port": port, "socket_timeout": 2, "decode_responses": True, **client})
    process = Process(folder, command, port, redis)
    try:
        eventually(redis.ping)
        yield process
    finally:
        redis.close()
        process.kill()


@contextmanager
def reached(way: str, folder: Path) -> Iterator[str]:
    """A server and the address by which it is reached: by `tcp`, `password`, `user` or `tls`."""
    if way == "tls":
        port = free_port()
        options = " ".join(f"--{line}" for line in tls_lines(folder, port)).split()
        with server(folder / "tls", *options, port=port, ssl=True, ssl_ca_certs=str(folder / CERTIFICATE)):
            yield f"rediss://localhost:{port}?ssl_ca_certs={folder / CERTIFICATE}"
    elif way == "password":
        with server(folder / "password", "--requirepass", PASSWORD, password=PASSWORD) as process:
            yield f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{process.port}/1"
    elif way == "user":
        rights = ["--user", "parley", "on", f">{PASSWORD}", "~*", "&*", "+@all", "-@dangerous", "+info"]
        rights += ["--user", "default", "off"]
        with server(folder / "user", *rights, username="parley", password=PASSWORD) as process:
            yield f"redis://parley:{quote(PASSWORD, safe='')}@127.0.0.1:{process.port}"
    else:
        with server(folder / "tcp") as process:
            yield process.url


def tls_lines(folder: Path, port: int) -> list[str]:
    """A configuration with which a server speaks nothing but TLS; its certificate is made if it is not there."""
    if not has_tls(folder / f"try-{port}"):
        pytest.skip("this redis-server was built without TLS")
    if not (folder / CERTIFICATE).exists():
        untrusted(folder)
    return [
        "port 0",
        f"tls-port {port}",
        f"tls-cert-file {folder / CERTIFICATE}",
        f"tls-key-file {folder / 'key.pem'}",
        f"tls-ca-cert-file {folder / CERTIFICATE}",
        "tls-auth-clients no",
        "tls-replication yes",
    ]


def has_tls(folder: Path) -> bool:
    """Whether the server that tests use was built with TLS; the one that comes with Parley was not."""
    folder.mkdir(parents=True)
    command = [choose(folder).binary, "--port", "0", "--tls-port", str(free_port()), "--dir", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return "tls-cert-file" in f"{said.stdout}{said.stderr}"


@dataclass(frozen=True)
class Watched:
    """A primary and its replica, with Sentinels who make the replica the primary when that dies."""

    primary: Process
    replica: Process
    sentinels: Sequence[Process]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    def in_sync(self) -> bool:
        """Whether the replica follows, and all Sentinels know it and each other."""
        seen = [sentinel.watched() for sentinel in self.sentinels]
        return self.replica.replication()["master_link_status"] == "up" and all(
            state["num-slaves"] == 1 and state["num-other-sentinels"] == 2 for state in seen
        )

    def cut(self) -> None:
        """From now on the replica gets nothing more of what is written."""
        self.primary.client.execute_command("ACL", "SETUSER", "replica", "off")
        self.primary.client.execute_command("CLIENT", "KILL", "TYPE", "replica")

    def has_failed_over(self) -> bool:
        named = [sentinel.watched()["port"] for sentinel in self.sentinels]
        return self.replica.replication()["role"] == "master" and set(named) == {self.replica.port}

    def is_whole_again(self) -> bool:
        """Whether the old primary, started again, follows the new one."""
        return self.primary.replication().get("master_link_status") == "up"


@contextmanager
def replicated(folder: Path) -> Iterator[tuple[Process, Process]]:
    """A primary and its replica, which logs in as a user of its own."""
    user = ["--user", "replica", "on", ">word", "+psync", "+replconf", "+ping"]
    follows = ["--masteruser", "replica", "--masterauth", "word", "--repl-diskless-sync-delay", "0"]
    with (
        server(folder / "primary", *user, *follows) as primary,
        server(folder / "replica", *user, *follows, "--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        eventually(lambda: primary.client.set("first", 1) and primary.client.wait(1, 1000))
        primary.client.delete("first")
        yield primary, replica


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Three Sentinels, who need a second without an answer, and two of them, to call the primary dead."""
    with ExitStack() as stack:
        primary, replica = stack.enter_context(replicated(folder))
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2",
            f"sentinel down-after-milliseconds {SERVICE} 1000",
            f"sentinel failover-timeout {SERVICE} 6000",
        ]
        sentinels = [
            stack.enter_context(server(folder / f"sentinel{number}", *lines, sentinel=True)) for number in range(3)
        ]
        group = Watched(primary, replica, sentinels)
        eventually(group.in_sync)
        yield group

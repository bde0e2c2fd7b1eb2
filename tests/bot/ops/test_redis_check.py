"""What is wrong with a Redis is told, and only what is."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis

from bot.ops import own_redis
from bot.ops.redis_check import findings, read
from bot.sandbox import Sandbox

FINE = {"maxmemory_policy": "noeviction", "aof_enabled": 1}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with own_redis.running(tmp_path / "redis") as address:
        yield address


def told(info: dict[str, object], *, is_own: bool = False) -> list[tuple[str, str, str]]:
    found = read({"redis_version": "99.0.0", **FINE, **info}, is_own=is_own)
    return [(each.level, each.what, each.sentence) for each in found if each.level != "ok"]


@pytest.mark.parametrize(
    "version", ["6.2.20", "7.2.11", "7.4.6", "8.0.4", "8.2.2", "8.2.3", "8.4.0", "9.0.0", "7.4.7-rc1"]
)
def test_a_redis_without_known_holes_is_well(version: str) -> None:
    assert told({"redis_version": version}) == []


@pytest.mark.parametrize(
    ("version", "mended"),
    [
        ("6.2.0", "6.2.20"),
        ("6.2.14", "6.2.20"),
        ("6.2.19", "6.2.20"),
        ("7.0.15", "7.2.11"),
        ("7.2.4", "7.2.11"),
        ("7.4.5", "7.4.6"),
        ("8.0.3", "8.0.4"),
        ("8.2.1", "8.2.2"),
        ("7.4.0-rc2", "7.4.6"),
        ("7.4", "7.4.6"),
    ],
)
def test_an_old_redis_is_warned_of_with_the_release_that_mends_it(version: str, mended: str) -> None:
    [(level, what, sentence)] = told({"redis_version": version})
    assert (level, what) == ("warn", "Redis")
    assert sentence.startswith(f"{version} has known holes in its scripts")
    assert f"upgrade to Redis {mended} or newer" in sentence
    [(_, _, of_our_own)] = told({"redis_version": version}, is_own=True)
    assert f"install a redis-server of {mended} or newer" in of_our_own


def test_valkey_is_judged_by_its_own_version() -> None:
    assert told({"redis_version": "7.2.4", "valkey_version": "8.1.4"}) == []
    [(_, _, sentence)] = told({"redis_version": "7.2.4", "valkey_version": "8.1.3"})
    assert "upgrade to Valkey 8.1.4" in sentence


@pytest.mark.parametrize("version", ["6.0.16", "5.0", "2.8.24"])
def test_one_that_is_too_old_is_a_failure(version: str) -> None:
    assert told({"redis_version": version}) == [
        ("FAIL", "Redis", f"{version} is too old: Parley needs 6.2 or newer."),
    ]


@pytest.mark.parametrize("version", ["", "unstable", "v8", None])
def test_a_version_that_is_none_is_no_traceback(version: str | None) -> None:
    assert [(level, what) for level, what, _ in told({"redis_version": version})] == [("warn", "Redis")]


def test_what_a_managed_service_hides_is_a_warning() -> None:
    found = read({"redis_version": "99.0.0"}, is_own=False)
    assert [(each.level, each.what) for each in found] == [
        ("ok", "Redis"),
        ("warn", "Redis eviction"),
        ("warn", "Redis persistence"),
    ]


@pytest.mark.parametrize(
    ("info", "what"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "Redis eviction"),
        ({"maxmemory_policy": "volatile-ttl"}, "Redis eviction"),
        ({"aof_enabled": 0}, "Redis persistence"),
        ({"role": "slave"}, "Redis role"),
        ({"redis_mode": "cluster"}, "Redis cluster"),
    ],
)
def test_what_loses_messages_is_a_failure(info: dict[str, object], what: str) -> None:
    assert [(level, which) for level, which, _ in told(info)] == [("FAIL", what)]


def test_fewer_replicas_than_messages_wait_for_are_a_failure() -> None:
    for there, level in ((0, "FAIL"), (1, "FAIL"), (2, "ok")):
        found = read({"redis_version": "99.0.0", **FINE, "connected_slaves": there}, is_own=False, replicas=2)
        assert found[-1].level == level
    assert (
        "1 of the 2 in REDIS_WAIT_REPLICAS"
        in read({**FINE, "connected_slaves": 1}, is_own=False, replicas=2)[-1].sentence
    )
    assert all(finding.level == "ok" for finding in read({"redis_version": "99.0.0", **FINE}, is_own=False, replicas=2))


def test_sentinels_that_name_no_primary_are_told() -> None:
    [found] = findings("redis+sentinel://127.0.0.1:1/parley", is_own=False)
    assert found.sentence.startswith(
        "no Sentinel names a primary (MasterNotFoundError): check hosts and name in REDIS_URL"
    )


@pytest.mark.parametrize(
    ("rights", "level", "sentence"),
    [
        (["+@all", "-@dangerous"], "warn", r"its user may not run INFO, so .* are not known: allow it \(ACL SETUSER"),
        (["+get"], "FAIL", "its user may not even run PING"),
    ],
)
def test_a_user_with_few_rights_is_told_which_are_missing_and_the_address_is_not_blamed(
    address: str, rights: list[str], level: str, sentence: str
) -> None:
    with Redis.from_url(address) as redis:
        redis.execute_command("ACL", "SETUSER", "parley", "on", ">secret", "~*", "&*", *rights)
    [found] = findings(address.replace("unix://", "unix://parley:secret@"), is_own=False)
    assert found.level == level
    assert re.match(sentence, found.sentence)
    assert "REDIS_URL" not in found.sentence


def test_a_wrong_password_is_told(address: str) -> None:
    with Redis.from_url(address) as redis:
        redis.execute_command("ACL", "SETUSER", "parley", "on", ">secret", "~*", "&*", "+@all")
    [found] = findings(address.replace("unix://", "unix://parley:wrong@"), is_own=False)
    assert found.sentence == (
        "refuses user or password (AuthenticationError): correct them in REDIS_URL in .env. Signs in its password such "
        "as / [ @ # ? % are written %2F %5B %40 %23 %3F %25."
    )


@pytest.mark.parametrize("command", [["bot", "serve"], ["workers"]])
async def test_a_redis_that_drops_messages_is_a_warning_at_the_start(
    command: list[str], address: str, tmp_path: Path
) -> None:
    with Redis.from_url(address) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
    async with Sandbox() as sandbox:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("SLACK_", "ANTHROPIC_", "REDIS_"))}
        environ = {**kept, **sandbox.environ(), "REDIS_URL": address, "PYTHONPATH": str(Path.cwd())}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE
        )
        assert process.stderr
        said = b""
        try:
            async with asyncio.timeout(60):
                while b" listening " not in said:
                    line = await process.stderr.readline()
                    assert line, said.decode()
                    said += line
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    warnings = [line for line in said.decode().splitlines() if " WARNING parley.redis " in line]
    assert [line.split("parley.redis ")[1] for line in warnings] == [
        "Redis eviction: allkeys-lru drops waiting messages: set maxmemory-policy noeviction."
    ]

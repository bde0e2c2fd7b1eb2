"""A Redis of our own: started once, shared, kept on disk, and gone with whoever started it."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from redis import Redis

from bot.ops import own_redis
from bot.ops.own_redis import answers, prepared, provided, running, socket_path, url, wait_until_answers
from bot.ops.redis_servers import NoRedis
from bot.settings import Settings
from tests.kit.other_user import as_nobody, listening_as_nobody, needs_root, shared_folder


def test_it_drops_nothing_and_writes_everything_down(redis_server: str) -> None:
    with Redis.from_url(redis_server) as redis:
        info = redis.info()
    assert info["maxmemory_policy"] == "noeviction"
    assert info["aof_enabled"] == 1
    assert info["tcp_port"] == 0
    assert tuple(int(part) for part in info["redis_version"].split(".")[:2]) >= (6, 2)


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as address, Redis.from_url(address) as redis:
        redis.set("kept", "yes")
    assert not answers(address)
    with running(tmp_path) as address, Redis.from_url(address) as redis:
        assert redis.get("kept") == b"yes"


def test_a_second_user_of_the_folder_shares_it_and_leaves_it_running(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        with running(tmp_path) as second:
            assert second == first
        assert answers(first)


def test_two_who_start_at_once_share_one(tmp_path: Path) -> None:
    hold = (
        "import sys\nfrom pathlib import Path\nfrom redis import Redis\nfrom bot.ops.own_redis import running\n"
        "print('here', flush=True)\n"
        "sys.stdin.readline()\n"
        "with running(Path(sys.argv[1])) as address, Redis.from_url(address) as redis:\n"
        "    print(redis.info()['process_id'], flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    users = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    try:
        assert [user.stdout.readline() for user in users if user.stdout] == ["here\n"] * len(users)
        for user in users:
            assert user.stdin
            print("now", file=user.stdin, flush=True)
        pids = {user.stdout.readline() for user in users if user.stdout}
        assert len(pids) == 1
        assert pids != {""}
    finally:
        for user in users:
            user.communicate(timeout=20)
    assert (tmp_path / "redis.log").read_text().count("Server initialized") == 1
    assert not answers(url(tmp_path))


async def test_it_ends_with_whoever_started_it_however_that_ends(tmp_path: Path) -> None:
    hold = (
        "import sys, time\nfrom pathlib import Path\nfrom bot.ops.own_redis import running\n"
        "with running(Path(sys.argv[1])) as address:\n    print(address, flush=True)\n    time.sleep(60)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hold, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    address = (await process.stdout.readline()).decode().strip()
    assert answers(address)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with asyncio.timeout(10):
        while answers(address):
            await asyncio.sleep(0.02)


def test_a_given_address_is_used_as_it_is(tmp_path: Path) -> None:
    with provided(Settings(redis_url="redis://elsewhere/3", data_dir=tmp_path)) as address:
        assert address == "redis://elsewhere/3"
    assert list(tmp_path.iterdir()) == []


def test_without_an_address_there_is_one_on_the_data_folder(tmp_path: Path) -> None:
    with provided(Settings(data_dir=tmp_path / "data")) as address:
        assert address == url(tmp_path / "data")
        assert answers(address)


def test_the_data_folder_is_for_our_eyes_only(tmp_path: Path) -> None:
    made = prepared(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", ["/proc", "/dev/null", "/dev/null/data", "~nobody-of-this-name/data"])
def test_a_data_folder_that_cannot_be_used_is_one_sentence(place: str) -> None:
    with (
        pytest.raises(NoRedis, match=r"^DATA_DIR .* cannot be used \(.*\): choose another in \.env\.$"),
        running(Path(place)),
    ):
        pass


def test_a_link_to_the_folder_is_the_same_redis(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert url(prepared(tmp_path / "link")) == url(prepared(tmp_path / "real"))


def test_a_long_path_has_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert len(os.fsencode(socket_path(deep))) <= 100
    assert socket_path(deep) != socket_path(deep / "f")
    with running(deep) as address:
        assert answers(address)
    assert not socket_path(deep).parent.exists()


def test_the_folder_of_a_socket_elsewhere_is_for_us_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with shared_folder() as folder:
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        path = socket_path(prepared(tmp_path / ("d" * 60) / ("e" * 60)))
        assert path.parent.parent == folder
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_temporary_folder_too_long_for_a_socket_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(NoRedis, match=r"^DATA_DIR .* is too long for a socket, and so is TMPDIR: choose another"):
        prepared(deep)


@needs_root
def test_somebody_elses_folder_in_the_place_of_the_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with shared_folder() as folder:
        folder.chmod(0o1777)
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        deep = folder / ("d" * 60) / ("e" * 60)
        theirs = socket_path(deep)
        as_nobody("os.mkdir(sys.argv[1])", theirs.parent)
        with listening_as_nobody(theirs), pytest.raises(NoRedis, match=r"^DATA_DIR .* belongs to another user"):
            prepared(deep)


@needs_root
def test_somebody_elses_redis_is_not_ours_though_its_socket_is(tmp_path: Path) -> None:
    with shared_folder() as folder:
        data = folder / "data"
        data.mkdir()
        data.chmod(0o777)
        with listening_as_nobody(data / "redis.sock"):
            with (
                pytest.raises(NoRedis, match=r"redis\.sock belongs to another user"),
                running(data),
            ):
                pass
            os.chown(data / "redis.sock", 0, 0)
            with (
                pytest.raises(NoRedis, match=r"^At .*redis\.sock answers a Redis of another user \(id 65534\): set"),
                running(data),
            ):
                pass


def test_a_server_that_never_answers_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoRedis, match="does not answer"):
        wait_until_answers(url(tmp_path), within=0.1)


def test_its_command_opens_no_port(tmp_path: Path) -> None:
    command = own_redis.command(tmp_path)
    assert command[command.index("--port") + 1] == "0"
    assert command[command.index("--daemonize") + 1] == "no"

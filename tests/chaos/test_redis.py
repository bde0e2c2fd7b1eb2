"""Redis goes away and comes back (invariants 1 and 4)."""

import asyncio
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bot.listeners.buttons import AWAY
from bot.listeners.feedback import UNKEPT
from bot.ops import own_redis
from bot.ops.supervisor import die_with_parent
from bot.sandbox.claude.answers import Answer
from bot.sandbox.journal import Entry
from bot.settings import Settings
from bot.slack import client as slack
from bot.views import feedback, footer
from tests.kit.parley import Parley


class RedisServer:
    """A Redis on a directory that a test can kill and start again."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = own_redis.prepared(data_dir)
        self.url = own_redis.url(self._data_dir)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            own_redis.command(self._data_dir), stdout=subprocess.DEVNULL, preexec_fn=die_with_parent
        )
        own_redis.wait_until_answers(self.url)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("own-redis"))
    server.start()
    yield server
    server.kill()


def _is_unanswered(ts: str, event: str, attempt: int, entry: Entry) -> bool:
    if (entry.kind, entry.name) != ("slack.unanswered", event):
        return False
    return (entry.data["ts"], entry.data["attempt"]) == (ts, attempt)


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_without_redis_slack_gets_no_acknowledgement_and_its_redelivery_is_answered(
    server: RedisServer, tmp_path: Path, transport: str
) -> None:
    async with Parley(server.url, tmp_path, transport="http" if transport == "http" else "socket") as parley:
        parley.sandbox.claude.script(None, Answer("Back again."))
        await asyncio.to_thread(server.kill)
        ts = await parley.slack.say("ada", "general", "@parley are you there?")
        # Slack asks twice at once, and again a minute later; a mention is two events.
        for attempt in (0, 1):
            await parley.logged(f"(not acknowledged .*ts={ts}[^$]*){{{2 * (attempt + 1)}}}")
            parley.sandbox.clock.advance(3)
            for event in ("message", "app_mention"):
                await parley.sandbox.journal.until(partial(_is_unanswered, ts, event, attempt))
        assert not [e for e in parley.sandbox.journal.entries("slack.ack") if e.data.get("ts") == ts]
        await asyncio.to_thread(server.start)
        parley.sandbox.clock.advance(61)
        assert await parley.answers("general", ts, within=30) == ["Back again."]
        assert len(parley.replies("general", ts)) == 1
        assert "Traceback" not in parley.log


async def test_messages_that_wait_outlive_a_restart_of_redis(server: RedisServer, tmp_path: Path) -> None:
    async with Parley(server.url, tmp_path, workers=0) as parley:
        parley.sandbox.claude.script(None, Answer("Kept."))
        questions = [await parley.slack.say("ada", "general", f"@parley {n}") for n in range(5)]
        for ts in questions:
            await parley.logged(f"kept .*{ts}")
        # The append-only file is written every second.
        await asyncio.sleep(1.5)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await parley.start_worker()
        for ts in questions:
            assert await parley.answers("general", ts, within=30) == ["Kept."]


async def test_an_answer_goes_on_when_redis_restarts_under_it(server: RedisServer, tmp_path: Path) -> None:
    long = "A sentence of the answer. " * 100
    async with Parley(server.url, tmp_path) as parley:
        parley.sandbox.claude.script(None, Answer(long, deltas_per_second=40))
        ts = await parley.slack.say("ada", "general", "@parley go on")
        await parley.slack.until(lambda: [m for m in parley.replies("general", ts) if m.edits])
        await asyncio.sleep(1.5)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await parley.answers("general", ts, within=60) == [long.rstrip()]
        assert len(parley.replies("general", ts)) == 1


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_who_clicks_without_redis_is_told_to_try_again(
    server: RedisServer, tmp_path: Path, transport: str
) -> None:
    async with Parley(server.url, tmp_path, workers=0, transport="http" if transport == "http" else "socket") as parley:
        ts = await parley.slack.say("ben", "general", "@parley hello")
        await parley.logged(f"kept .*{ts}")
        async with slack.client(Settings.load(environ=parley.sandbox.environ(), dotenv=None)) as web:
            channel = parley.sandbox.channels["general"]
            posted = await web.chat_postMessage(
                channel=channel, thread_ts=ts, text="Hm", blocks=[*footer.streaming(ts), *feedback.sorry(ts, ts)]
            )
        await parley.slack.click("ben", feedback.COMMENT, channel="general", ts=posted["ts"])
        [form] = await parley.slack.until(lambda: list(parley.slack.views.open.values()))
        await asyncio.to_thread(server.kill)
        await parley.slack.click("ben", footer.STOP, channel="general", ts=posted["ts"])
        await parley.slack.until(lambda: AWAY.text in [m.text for _, m in parley.slack.workspace.ephemerals])
        value = {"type": "plain_text_input", "value": "Why?"}
        answer = await parley.slack.submit("ben", form.id, {feedback.INPUT: {feedback.INPUT: value}})
        assert answer["errors"] == {feedback.INPUT: UNKEPT}
        assert form.id in parley.slack.views.open
        assert "Traceback" not in parley.log

"""The files of a thread, from a sandbox's Slack into Redis and from there into prompts."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox import Sandbox
from bot.settings import Settings
from bot.slack import client as slack
from bot.store import keys
from bot.store.metrics import Metrics, totals
from bot.store.threads import files as store
from bot.store.threads.files import Attachment
from bot.store.threads.history import Entry
from bot.talk.file import File
from bot.talk.message import Message, Thread
from tests.kit import hostile_files, reader_program
from workers.files.download import DownloadLimits
from workers.files.files import ATTEMPTS, CUT, LIMITS, WHY, FileLimits, HeldBytes, SharedFiles, fitting, shown
from workers.reader import child
from workers.reader.frames import REASONS


def png(colour: str = "red", size: tuple[int, int] = (20, 20)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(with_claude=False) as sandbox:
        yield sandbox


class Reader:
    """What a turn does with files."""

    def __init__(self, sandbox: Sandbox, redis: Redis, web: AsyncWebClient) -> None:
        self.sandbox, self._redis, self._web = sandbox, redis, web
        self.thread = Thread(sandbox.team, sandbox.channels["@ada"], "1.1")
        self._made: list[SharedFiles] = []
        self.set()

    def set(self, limits: FileLimits = LIMITS, **environ: str) -> None:
        settings = Settings.load(environ={**self.sandbox.environ(), **environ}, dotenv=None)
        self.files = SharedFiles(settings, self._redis, self._web, limits)
        self._made.append(self.files)

    async def close(self) -> None:
        for files in self._made:
            await files.close()

    async def shared(
        self, *files: tuple[str, bytes], mimetype: str = "", text: str = "", mode: str = "hosted"
    ) -> Message:
        ts = await self.sandbox.slack.upload("ada", "dm", files, mimetype=mimetype, mode=mode)
        shared = [File.of(file.view()) for file in self.sandbox.slack.thread("@ada", ts)[0].files]
        return Message(self.thread, ts, "U1", text, files=tuple(file for file in shared if file))

    async def turn(self, *files: tuple[str, bytes], text: str = "") -> Entry:
        message = await self.shared(*files, text=text)
        return Entry("user", message.text, message.ts, files=(await self.files.take(message)).files)

    async def left_out(self, name: str, content: bytes) -> str:
        """The sentence for a file that is not read."""
        taken = await self.files.take(await self.shared((name, content)))
        assert taken.files == ()
        [sentence] = taken.left_out
        assert sentence in taken.note
        return sentence

    async def blocks(self, *entries: Entry) -> list[list[dict[str, Any]]]:
        found = await self.files.blocks(self.thread, entries)
        return [found[file.id] for entry in entries for file in entry.files if file.id in found]


@pytest.fixture
async def reader(sandbox: Sandbox, redis: Redis) -> AsyncIterator[Reader]:
    async with slack.client(Settings.load(environ=sandbox.environ(), dotenv=None)) as web:
        reader = Reader(sandbox, redis, web)
        await redis.hset(keys.messages(reader.thread), "1.1", "waits")
        yield reader
        await reader.close()


async def test_a_picture_is_named_and_sent_as_a_picture(reader: Reader) -> None:
    turn = await reader.turn(("chart.png", png()))
    [[label, image]] = await reader.blocks(turn)
    assert label == {"type": "text", "text": "chart.png:"}
    assert image["source"]["media_type"] == "image/png"
    assert base64.b64decode(image["source"]["data"]).startswith(b"\x89PNG")
    assert turn.tokens > turn.files[0].tokens > 0


async def test_a_pdf_is_sent_as_it_is(reader: Reader) -> None:
    turn = await reader.turn(("report.pdf", b"\n%PDF-1.7 <</Type/Page>>"))
    [[document]] = await reader.blocks(turn)
    assert base64.b64decode(document["source"]["data"]) == b"%PDF-1.7 <</Type/Page>>"
    assert (document["type"], document["title"]) == ("document", "report.pdf")


async def test_a_text_is_sent_as_text_and_cut_with_a_note(reader: Reader) -> None:
    reader.set(FileLimits(text_characters=100))
    turn = await reader.turn(("data.csv", b"a,b\n" * 100))
    [[document]] = await reader.blocks(turn)
    assert document["source"] == {"type": "text", "media_type": "text/plain", "data": "a,b\n" * 25 + f"\n{CUT}"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0", "`a.heic` is of a type that I cannot read"),
        ("a.svg", b"<svg/>", "of a type"),
        ("a.png", b"\x89PNG\r\n\x1a\nnot", "`a.png` is damaged"),
        ("a.txt", b"", "`a.txt` is empty"),
        ("a.txt", b" \n", "is empty"),
        ("a.pdf", b"%PDF-1.7 /Encrypt 5 0 R", "is protected with a password"),
        ("a.pdf", b"%PDF-1.7" + b"<</Type/Page>>" * 101, "has 101 pages, and I can read 100 at once"),
        ("a`<!channel>`.heic", b"\0\0\0\x18", "`a  !channel  .heic` is of a type"),
    ],
)
async def test_what_cannot_be_read_is_a_sentence(reader: Reader, name: str, content: bytes, says: str) -> None:
    assert says in await reader.left_out(name, content)


async def test_too_many_pixels_are_a_sentence(reader: Reader) -> None:
    large = io.BytesIO()
    Image.new("1", (8_000, 7_000)).save(large, "PNG")
    assert "has more than 50 million pixels" in await reader.left_out("map.png", large.getvalue())


async def test_only_so_many_files_of_a_message_are_read(reader: Reader) -> None:
    reader.set(FileLimits(per_message=2))
    message = await reader.shared(*((f"{n}.txt", b"hello") for n in range(3)))
    taken = await reader.files.take(message)
    assert [file.name for file in taken.files] == ["0.txt", "1.txt"]
    assert taken.left_out == ("I looked at the first 2 of 3 files.",)


async def test_a_file_that_is_larger_than_the_most_is_told(reader: Reader) -> None:
    reader.set(FileLimits(fetching=DownloadLimits(most_bytes=100)))
    assert await reader.left_out("a.txt", b"x" * 101) == "`a.txt` is larger than 0 MB, the most that I can read."
    assert len((await reader.turn(("b.txt", b"x" * 100))).files) == 1


def test_a_file_may_have_20_mb_by_default() -> None:
    assert LIMITS.fetching == DownloadLimits(20_000_000, 30.0)


async def test_a_bad_file_does_not_keep_the_others_out(reader: Reader) -> None:
    taken = await reader.files.take(await reader.shared(("a.bin", b"\0"), ("b.txt", b"hello"), ("c.png", png())))
    assert [file.name for file in taken.files] == ["b.txt", "c.png"]
    assert len(taken.left_out) == 1


async def test_a_message_without_files_asks_nobody(reader: Reader) -> None:
    taken = await reader.files.take(Message(reader.thread, "1.1", "U1", "hi"))
    assert (taken.files, taken.note) == ((), "")
    assert reader.sandbox.journal.entries("slack.request", "files.info") == []


async def test_a_file_is_fetched_once_and_stays_as_it_was(reader: Reader) -> None:
    message = await reader.shared(("chart.png", png()))
    first = await reader.files.take(message)
    reader.sandbox.slack.workspace.files[message.files[0].id].content = png("blue")
    assert await reader.files.take(message) == first
    assert len(reader.sandbox.journal.entries("slack.download")) == 1


async def test_what_two_workers_made_of_a_file_is_what_the_first_one_made(redis: Redis) -> None:
    thread = Thread("T1", "C1", "1.1")
    await redis.hset(keys.messages(thread), "1.1", "waits")
    first, second = (Attachment("F1", "a.png", "image", "image/png", 5, size) for size in (10, 20))
    assert await store.keep(redis, thread, first, [{"type": "text", "text": "one"}], 1) == first
    assert await store.keep(redis, thread, second, [{"type": "text", "text": "two"}], 1) == first
    assert await store.blocks(redis, thread, ["F1", "F2"]) == {"F1": [{"type": "text", "text": "one"}]}


async def test_files_expire_with_the_thread(reader: Reader, redis: Redis) -> None:
    reader.set(HISTORY_DAYS="2")
    await reader.turn(("a.txt", b"hello"))
    assert 0 < await redis.ttl(keys.files(reader.thread)) <= 2 * 24 * 3600


async def test_what_no_turn_needs_is_forgotten(reader: Reader, redis: Redis) -> None:
    old, new = await reader.turn(("a.txt", b"hello")), await reader.turn(("b.txt", b"hello"))
    assert len(await reader.blocks(new)) == 1
    assert await redis.hkeys(keys.files(reader.thread)) == [new.files[0].id]
    assert await reader.blocks(old) == []


async def test_a_refused_turns_files_are_not_sent(reader: Reader) -> None:
    turn = await reader.turn(("a.txt", b"hello"))
    hidden = Entry("user", "", turn.ts, hidden=True, files=turn.files)
    assert await reader.blocks(hidden, Entry("user", "and?", "2.1")) == []


async def test_when_all_files_are_too_much_the_oldest_go_and_never_come_back(reader: Reader) -> None:
    turns = [await reader.turn((f"{n}.txt", b"x" * 6_000)) for n in range(4)]
    reader.set(FileLimits(thread_bytes=20_000))
    assert [block[0]["title"] for block in await reader.blocks(*turns)] == ["3.txt"]
    reader.set()
    assert [block[0]["title"] for block in await reader.blocks(*turns)] == ["3.txt"]


async def test_a_file_that_does_not_fit_beside_the_others_of_its_message_is_told(reader: Reader) -> None:
    reader.set(FileLimits(thread_bytes=10_000))
    taken = await reader.files.take(await reader.shared(("a.txt", b"x" * 6_000), ("b.txt", b"x" * 6_000)))
    assert [file.name for file in taken.files] == ["a.txt"]
    assert taken.left_out[0].startswith("`b.txt` does not fit beside")


async def test_linked_pictures_are_sent_if_a_setting_says_so(reader: Reader) -> None:
    text = "see <https://example.org/cat.png>"
    assert (await reader.turn(text=text)).files == ()
    reader.set(IMAGE_LINKS="on")
    turn = await reader.turn(text=text)
    assert (await reader.blocks(turn))[0][0]["source"] == {"type": "url", "url": "https://example.org/cat.png"}
    assert await reader.files.forget_links(reader.thread, [turn])
    assert not await reader.files.forget_links(reader.thread, [turn])
    assert await reader.blocks(turn) == []


async def test_files_that_are_not_kept_yet_are_left_out_where_reading_may_be_what_goes_wrong(reader: Reader) -> None:
    message = await reader.shared(("a.txt", b"hello"))
    kept = (await reader.files.take(message)).files
    more = await reader.shared(("b.txt", b"hello"))
    both = replace(message, files=(*message.files, *more.files))
    taken = await reader.files.take(both, only_kept=True)
    assert taken.files == kept
    assert taken.left_out == (f"`b.txt` {ATTEMPTS}.",)
    assert len(reader.sandbox.journal.entries("slack.download")) == 1


@pytest.mark.parametrize("name", [name for name in WHY if name != "not_started"])
def test_every_reason_has_a_sentence_for_people(name: str) -> None:
    why = WHY[name].format(pages=1, most=1, millions=1)
    assert not set("{}") & set(why)
    assert not why.endswith(".")


def test_every_reason_that_a_process_may_give_is_known() -> None:
    assert set(WHY) == {*REASONS, "crash", "not_started", "time"} - {"large"}


async def test_what_is_too_much_for_a_process_is_a_sentence_and_counted(
    reader: Reader, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "PROGRAM", reader_program.PROGRAM)
    reader.files.metrics = Metrics(redis, reader.sandbox.team)
    await redis.sadd(keys.TEAMS, reader.sandbox.team)
    assert await reader.left_out("a.txt", b"act:die 9") == f"`a.txt` {WHY['crash']}."
    assert await reader.left_out("b.txt", b"act:eat 1000000000") == f"`b.txt` {WHY['memory']}."
    assert await reader.left_out("c.txt", b"\0") == f"`c.txt` {WHY['type']}."
    await reader.files.metrics.flush()
    counted = {("files_over_limit", "crash"): 1, ("files_over_limit", "memory"): 1}
    assert await totals(redis, reader.sandbox.team) == counted


async def test_a_jpeg_of_too_many_scans_is_a_sentence(reader: Reader) -> None:
    assert "more scans than I can open" in await reader.left_out("a.jpg", hostile_files.progressive_jpeg(101, 50))


async def test_who_would_hold_too_many_bytes_waits_and_nobody_passes() -> None:
    held, order = HeldBytes(100), list[str]()

    async def hold(name: str, size: int, until: asyncio.Event) -> None:
        async with held.hold(size):
            order.append(name)
            await until.wait()

    ends = {name: asyncio.Event() for name in ("first", "large", "small")}
    sizes = {"first": 60, "large": 60, "small": 10}
    tasks = [asyncio.create_task(hold(name, sizes[name], end)) for name, end in ends.items()]
    await asyncio.sleep(0.05)
    assert order == ["first"]
    ends["first"].set()
    await asyncio.sleep(0.05)
    assert order == ["first", "large", "small"]
    for end in ends.values():
        end.set()
    await asyncio.gather(*tasks)


async def test_one_file_larger_than_all_that_may_be_held_is_held_alone() -> None:
    held = HeldBytes(100)
    async with held.hold(500):
        waiting = asyncio.create_task(held.hold(1).__aenter__())
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await waiting


async def test_who_no_longer_waits_leaves_room_for_the_next() -> None:
    held = HeldBytes(100)
    async with held.hold(100):
        gone = asyncio.create_task(held.hold(50).__aenter__())
        await asyncio.sleep(0.05)
        gone.cancel()
    async with asyncio.timeout(5), held.hold(100):
        pass


sizes = st.lists(st.integers(1, 20_000), max_size=30)


@given(sizes, st.integers(0, 3), st.integers(10_000, 60_000), st.integers(2, 20))
def test_what_fits_is_the_newest_and_cutting_twice_cuts_no_more(
    sizes: list[int], newest: int, most: int, count: int
) -> None:
    limits = FileLimits(thread_bytes=most, per_thread=count)
    files = [Attachment(str(n), "a", "text", "text/plain", 1, size) for n, size in enumerate(sizes)]
    newest = min(newest, len(files))
    sent = list(fitting(files, newest, limits))
    assert sent == files[len(files) - len(sent) :]
    assert len(sent) >= newest
    if len(sent) > newest:
        assert sum(file.size for file in sent) <= most
        assert len(sent) <= count
    assert list(fitting(sent, newest, limits)) == sent


@given(st.text(max_size=300))
def test_a_name_is_one_short_line_of_code(name: str) -> None:
    line = shown(name)
    assert len(line) <= 82
    assert line.isprintable()
    assert line == "A file" or (line.count("`") == 2 and not set("<>[]") & set(line))

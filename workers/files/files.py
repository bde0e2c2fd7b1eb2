"""The files of a thread as content blocks for Claude, and a sentence for each that Claude cannot see."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.store.metrics import Metrics
from bot.store.threads import files as store
from bot.store.threads.files import Attachment, ContentBlock, FileKind
from bot.store.threads.history import Entry
from bot.talk.file import File
from bot.talk.message import Message, Thread
from workers.files import picture_links
from workers.files.download import DownloadLimits, LeftOut, described, fetch, megabytes
from workers.reader.contents import Contents, NotRead, Order, Pdf, Picture, Text, text_tokens
from workers.reader.reader import Reader

log = logging.getLogger("parley.files")

# Of one message, so that the files of others come between.
AT_ONCE = 2
# Of all files that a process has fetched and not yet kept.
MOST_BYTES_HELD = 60_000_000
LABEL_TOKENS = 16
NAME_LENGTH = 80

TYPES = (
    "is of a type that I cannot read; I read pictures (JPEG, PNG, GIF, WebP), PDFs and text files, so please convert "
    "it to one of them"
)
EMPTY = "is empty"
BROKEN = "is damaged, so I cannot open it"
LOCKED = "is protected with a password; please share it without one"
PIXELS = "has more than {millions} million pixels; please share a smaller one"
PAGES = "has {pages} pages, and I can read {most} at once; please share the part that matters"
SCANS = "is a progressive JPEG with more scans than I can open in reasonable time; please save it as an ordinary JPEG"
TIME = "takes too long to open; please share a smaller or simpler one"
MEMORY = "takes more memory to open than I may use for one file; please share a smaller one"
CRASH = "broke the program that I open files with, so I leave it out"
NOT_STARTED = "could not be opened right now; please share it again in a minute"
ATTEMPTS = "is left out because something went wrong on my side each time that I read the files of this message"
NO_ROOM = "does not fit beside the other files of the message; please share it in a message of its own"
TOO_MANY = "I looked at the first {most} of {shared} files."
WHY = {
    "broken": BROKEN,
    "crash": CRASH,
    "empty": EMPTY,
    "locked": LOCKED,
    "memory": MEMORY,
    "not_started": NOT_STARTED,
    "pages": PAGES,
    "pixels": PIXELS,
    "scans": SCANS,
    "time": TIME,
    "type": TYPES,
}
# Those that operators count: the file was too much for the process that opened it.
OVER_LIMIT = ("crash", "memory", "scans", "time")
CUT = "[The file goes on, but only this much of it could be sent.]"


@dataclass(frozen=True)
class FileLimits:
    """How much is read of what people share.

    A text is cut after `text_characters`, a PDF may have up to `pages` pages, a picture `pixels`. Of one message the
    first `per_message` files are read. A request holds at most `per_thread` files of the thread and `thread_bytes` of
    them, counted as they are sent, where they take a third more than on disk; Claude takes 32 MB in all.
    """

    fetching: DownloadLimits = field(default_factory=DownloadLimits)
    pages: int = 100
    text_characters: int = 100_000
    pixels: int = 50_000_000
    per_message: int = 10
    per_thread: int = 50
    thread_bytes: int = 28_000_000


LIMITS = FileLimits()


@dataclass(frozen=True)
class Taken:
    """What became of a message's files. `left_out` are whole sentences, for people."""

    files: tuple[Attachment, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What Claude learns about the files that it does not see; empty if it sees all."""
        if not self.left_out:
            return ""
        return f"[Shared with this message, but not readable for you. {' '.join(self.left_out)}]"


class HeldBytes:
    """How many bytes of files are in memory. Who would hold more than `most` waits, in the order of coming."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, size: int) -> AsyncIterator[None]:
        async with self._turn, self._freed:
            await self._freed.wait_for(lambda: not self._held or self._held + size <= self._most)
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            async with self._freed:
                self._freed.notify_all()


class SharedFiles:
    """One for each process: it bounds how many files are in its memory at the same time. Close it."""

    def __init__(self, settings: Settings, redis: Redis, slack: AsyncWebClient, limits: FileLimits = LIMITS) -> None:
        self._settings, self._redis, self._slack, self._limits = settings, redis, slack, limits
        self._held = HeldBytes(MOST_BYTES_HELD)
        self.reader = Reader()
        self.metrics: Metrics | None = None

    async def close(self) -> None:
        await self.reader.close()

    async def take(self, message: Message, *, only_kept: bool = False) -> Taken:
        """Fetch the message's files and keep what Claude is sent of them; those kept before are taken as they are.

        With `only_kept`, the others are left out: reading them may be what has ended earlier attempts.

        Raises redis.RedisError.
        """
        most = self._limits.per_message
        left_out: list[str] = []
        if len(message.files) > most:
            left_out = [TOO_MANY.format(most=most, shared=len(message.files))]
        chosen = message.files[:most]
        kept = await store.find(self._redis, message.thread, [file.id for file in chosen if file.id])
        taken: list[Attachment | str]
        if only_kept:
            taken = [
                kept.get(file.id) or self._left_out(message, file, LeftOut("attempts", ATTEMPTS)) for file in chosen
            ]
        else:
            at_once = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._take(message, file, kept, at_once)) for file in chosen]
            taken = [task.result() for task in tasks]
        if self._settings.image_links:
            for url in picture_links.pictures(message.text)[:most]:
                link, blocks = picture_links.block(url)
                taken.append(await self._keep(message.thread, link, blocks))
        files: list[Attachment] = []
        for file in taken:
            if isinstance(file, str):
                left_out.append(file)
            elif file.size + _size(files) > self._limits.thread_bytes:
                left_out.append(f"{shown(file.name)} {NO_ROOM}.")
            else:
                files.append(file)
        return Taken(tuple(files), tuple(left_out))

    async def blocks(self, thread: Thread, entries: Sequence[Entry]) -> dict[str, list[ContentBlock]]:
        """The content blocks of the entries' files, by file id; without those that are no longer kept.

        What the thread does not need any more is forgotten, and so are its oldest files when all of them are too much.
        """
        needed = [file for entry in entries if not entry.hidden for file in entry.files]
        kept = await store.blocks(self._redis, thread, list(dict.fromkeys(file.id for file in needed)))
        there = [file for file in needed if file.id in kept]
        newest = len(entries[-1].files) if entries else 0
        sent = {file.id for file in fitting(there, newest, self._limits)}
        await store.forget_others(self._redis, thread, sent)
        return {file_id: blocks for file_id, blocks in kept.items() if file_id in sent}

    async def forget_links(self, thread: Thread, entries: Sequence[Entry]) -> bool:
        """Forget the linked pictures, of which one that is gone spoils the whole request; whether there was any."""
        ids = [file.id for entry in entries for file in entry.files if file.kind == "link"]
        return bool(await store.forget(self._redis, thread, ids))

    async def _take(
        self, message: Message, file: File, kept: Mapping[str, Attachment], at_once: asyncio.Semaphore
    ) -> Attachment | str:
        """The file, or the sentence that says why not."""
        if file.id in kept:
            return kept[file.id]
        most = self._limits.fetching.most_bytes
        try:
            async with at_once:
                file = await described(self._slack, file)
                async with self._held.hold(min(file.size or most, most)):
                    data = await fetch(self._slack, file, self._limits.fetching)
                    contents = await self._read(file, data)
                    attachment, blocks = await asyncio.to_thread(converted, file, data, contents, self._limits)
                    return await self._keep(message.thread, attachment, blocks)
        except LeftOut as left_out:
            return self._left_out(message, file, left_out)

    async def _read(self, file: File, data: bytes) -> Contents:
        """Raises LeftOut."""
        limits = self._limits
        order = Order(file.mimetype, limits.text_characters, limits.pages, limits.pixels)
        try:
            return await self.reader.read(data, order)
        except NotRead as not_read:
            why = WHY[not_read.reason].format(
                pages=not_read.figure, most=limits.pages, millions=limits.pixels // 1_000_000
            )
            raise LeftOut(not_read.reason, why) from None

    def _left_out(self, message: Message, file: File, left_out: LeftOut) -> str:
        """Log and count it; the sentence for people."""
        log.info(
            "file left out thread=%s ts=%s file=%s reason=%s",
            message.thread,
            message.ts,
            file.id,
            left_out.reason,
        )
        if self.metrics and left_out.reason in OVER_LIMIT:
            self.metrics.count("files_over_limit", left_out.reason)
        return f"{shown(file.name)} {left_out.why}."

    async def _keep(self, thread: Thread, attachment: Attachment, blocks: list[ContentBlock]) -> Attachment:
        return await store.keep(self._redis, thread, attachment, blocks, self._settings.history_days)


def converted(file: File, data: bytes, contents: Contents, limits: FileLimits) -> tuple[Attachment, list[ContentBlock]]:
    """The file as Claude takes it. This may take a moment: run it in a thread. Raises LeftOut."""
    match contents:
        case Picture():
            return _picture(file, contents)
        case Pdf():
            return _pdf(file, data, contents, limits)
        case Text():
            return _text(file, contents)


def fitting(files: Sequence[Attachment], newest: int, limits: FileLimits) -> Sequence[Attachment]:
    """Which of the files, oldest first, are sent: all, or if those are too much, the newest up to half the limit.

    With half of it, the prompt's prefix seldom changes (invariant 11). The last `newest` files stay in any case.
    """
    most, count = limits.thread_bytes, limits.per_thread
    if _size(files) <= most and len(files) <= count:
        return files
    keep = newest
    while keep < len(files) and keep < count // 2 and _size(files[-keep - 1 :]) <= most // 2:
        keep += 1
    return files[len(files) - keep :]


def shown(name: str) -> str:
    """A file's name for people, as code: no markup in it comes to life."""
    return f"`{plain(name)}`" if plain(name) else "A file"


def plain(name: str) -> str:
    """A file's name on one line, without markup."""
    line = "".join(c if c.isprintable() and c not in "`<>[]" else " " for c in name).strip()
    if len(line) > NAME_LENGTH:
        return f"{line[: NAME_LENGTH - 20]}…{line[-19:]}"
    return line


def _picture(file: File, picture: Picture) -> tuple[Attachment, list[ContentBlock]]:
    frame = ", its first frame" if picture.is_first_frame else ""
    label = f"{plain(file.name)}{frame}:"
    source = {"type": "base64", "media_type": picture.media_type, "data": base64.b64encode(picture.data).decode()}
    blocks: list[ContentBlock] = [{"type": "text", "text": label}, {"type": "image", "source": source}]
    return _attachment(file, "image", picture.media_type, picture.tokens, len(source["data"])), blocks


def _pdf(file: File, data: bytes, pdf: Pdf, limits: FileLimits) -> tuple[Attachment, list[ContentBlock]]:
    encoded = base64.b64encode(memoryview(data)[pdf.start :]).decode()
    if len(encoded) > limits.thread_bytes:
        raise LeftOut("too_large", f"is larger than {megabytes(limits.thread_bytes * 3 // 4)}, the most for a PDF")
    source = {"type": "base64", "media_type": "application/pdf", "data": encoded}
    blocks = [{"type": "document", "source": source, "title": plain(file.name)}]
    tokens = pdf.tokens(len(data) - pdf.start)
    return _attachment(file, "document", "application/pdf", tokens, len(encoded)), blocks


def _text(file: File, text: Text) -> tuple[Attachment, list[ContentBlock]]:
    content = f"{text.text}\n{CUT}" if text.is_cut else text.text
    source = {"type": "text", "media_type": "text/plain", "data": content}
    blocks = [{"type": "document", "source": source, "title": plain(file.name)}]
    return _attachment(file, "text", "text/plain", text_tokens(content), len(content.encode())), blocks


def _attachment(file: File, kind: FileKind, media_type: str, tokens: int, size: int) -> Attachment:
    return Attachment(file.id, file.name, kind, media_type, tokens + LABEL_TOKENS, size)


def _size(files: Sequence[Attachment]) -> int:
    return sum(file.size for file in files)

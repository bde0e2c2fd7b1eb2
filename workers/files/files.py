"""The files of a thread as content blocks for Claude, and a sentence for each that Claude cannot see."""

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.store.threads import files as store
from bot.store.threads.files import Attachment, ContentBlock, FileKind
from bot.store.threads.history import Entry
from bot.talk.file import File
from bot.talk.message import Message, Thread
from workers.files import documents, picture_links, pictures
from workers.files.download import DownloadLimits, LeftOut, described, fetch, megabytes

log = logging.getLogger("parley.files")

# Files that a process fetches and converts at the same time: each may take 20 MB, and more as a picture.
AT_ONCE = 4
LABEL_TOKENS = 16
NAME_LENGTH = 80

TYPES = (
    "is of a type that I cannot read; I read pictures (JPEG, PNG, GIF, WebP), PDFs and text files, so please convert "
    "it to one of them"
)
EMPTY = "is empty"
BROKEN = "is damaged, so I cannot open it"
LOCKED = "is protected with a password; please share it without one"
PIXELS = f"has more than {pictures.MOST_PIXELS // 1_000_000} million pixels; please share a smaller one"
PAGES = "has {pages} pages, and I can read {most} at once; please share the part that matters"
NO_ROOM = "does not fit beside the other files of the message; please share it in a message of its own"
TOO_MANY = "I looked at the first {most} of {shared} files."
CUT = "[The file goes on, but only this much of it could be sent.]"


@dataclass(frozen=True)
class FileLimits:
    """How much is read of what people share.

    A text is cut after `text_characters`, a PDF may have up to `pages` pages. Of one message the first `per_message`
    files are read. A request holds at most `per_thread` files of the thread and `thread_bytes` of them, counted as they
    are sent, where they take a third more than on disk; Claude takes 32 MB in all.
    """

    fetching: DownloadLimits = field(default_factory=DownloadLimits)
    pages: int = 100
    text_characters: int = 100_000
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


class SharedFiles:
    """One for each process: it bounds how many files are in its memory at the same time."""

    def __init__(self, settings: Settings, redis: Redis, slack: AsyncWebClient, limits: FileLimits = LIMITS) -> None:
        self._settings, self._redis, self._slack, self._limits = settings, redis, slack, limits
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def take(self, message: Message) -> Taken:
        """Fetch the message's files and keep what Claude is sent of them; those kept before are taken as they are.

        Raises redis.RedisError.
        """
        most = self._limits.per_message
        left_out: list[str] = []
        if len(message.files) > most:
            left_out = [TOO_MANY.format(most=most, shared=len(message.files))]
        chosen = message.files[:most]
        kept = await store.find(self._redis, message.thread, [file.id for file in chosen if file.id])
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._take(message, shared, kept)) for shared in chosen]
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

    async def _take(self, message: Message, file: File, kept: Mapping[str, Attachment]) -> Attachment | str:
        """The file, or the sentence that says why not."""
        if file.id in kept:
            return kept[file.id]
        try:
            async with self._at_once:
                file = await described(self._slack, file)
                data = await fetch(self._slack, file, self._limits.fetching)
                attachment, blocks = await asyncio.to_thread(converted, file, data, self._limits)
                return await self._keep(message.thread, attachment, blocks)
        except LeftOut as left_out:
            log.info(
                "file left out thread=%s ts=%s file=%s reason=%s",
                message.thread,
                message.ts,
                file.id,
                left_out.reason,
            )
            return f"{shown(file.name)} {left_out.why}."

    async def _keep(self, thread: Thread, attachment: Attachment, blocks: list[ContentBlock]) -> Attachment:
        return await store.keep(self._redis, thread, attachment, blocks, self._settings.history_days)


def converted(file: File, data: bytes, limits: FileLimits) -> tuple[Attachment, list[ContentBlock]]:
    """The file as Claude takes it. This may take a second of processor time: run it in a thread. Raises LeftOut."""
    if not data:
        raise LeftOut("empty", EMPTY)
    match documents.kind(data, file.mimetype):
        case "picture":
            return _picture(file, data)
        case "pdf":
            return _pdf(file, data, limits)
        case "text":
            return _text(file, data, limits.text_characters)
    raise LeftOut("type", TYPES)


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


def _picture(file: File, data: bytes) -> tuple[Attachment, list[ContentBlock]]:
    try:
        picture = pictures.prepared(data)
    except pictures.TooManyPixels:
        raise LeftOut("pixels", PIXELS) from None
    except pictures.Broken:
        raise LeftOut("broken", BROKEN) from None
    frame = ", its first frame" if picture.is_first_frame else ""
    label = f"{plain(file.name)}{frame}:"
    source = {"type": "base64", "media_type": picture.media_type, "data": base64.b64encode(picture.data).decode()}
    blocks: list[ContentBlock] = [{"type": "text", "text": label}, {"type": "image", "source": source}]
    return _attachment(file, "image", picture.media_type, picture.tokens, len(source["data"])), blocks


def _pdf(file: File, data: bytes, limits: FileLimits) -> tuple[Attachment, list[ContentBlock]]:
    # Some writers put a few bytes before it, which Claude does not take.
    data = data[data.index(b"%PDF-") :]
    if documents.is_locked(data):
        raise LeftOut("locked", LOCKED)
    pages = documents.pages(data) or 0
    if pages > limits.pages:
        raise LeftOut("pages", PAGES.format(pages=pages, most=limits.pages))
    encoded = base64.b64encode(data).decode()
    if len(encoded) > limits.thread_bytes:
        raise LeftOut("too_large", f"is larger than {megabytes(limits.thread_bytes * 3 // 4)}, the most for a PDF")
    source = {"type": "base64", "media_type": "application/pdf", "data": encoded}
    blocks = [{"type": "document", "source": source, "title": plain(file.name)}]
    return _attachment(file, "document", "application/pdf", documents.pdf_tokens(data), len(encoded)), blocks


def _text(file: File, data: bytes, most: int) -> tuple[Attachment, list[ContentBlock]]:
    text = documents.shortened(documents.decoded(data, file.mimetype) or "", most)
    if not text.text.strip():
        raise LeftOut("empty", EMPTY)
    content = f"{text.text}\n{CUT}" if text.is_cut else text.text
    source = {"type": "text", "media_type": "text/plain", "data": content}
    blocks = [{"type": "document", "source": source, "title": plain(file.name)}]
    return _attachment(file, "text", "text/plain", documents.text_tokens(content), len(content.encode())), blocks


def _attachment(file: File, kind: FileKind, media_type: str, tokens: int, size: int) -> Attachment:
    return Attachment(file.id, file.name, kind, media_type, tokens + LABEL_TOKENS, size)


def _size(files: Sequence[Attachment]) -> int:
    return sum(file.size for file in files)

"""A long text as a Markdown file with a preview, shared in a thread.

Slack shares a file a moment after it said ok, and now and then never (observed): what counts is what files.info says.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, error_name, verdict
from bot.slack.upload import NoUpload, complete, put
from bot.talk.message import Thread

__all__ = ["NoUpload", "upload_markdown"]

# After this, a file that Slack has not shared is taken for one that it never will.
SHARE_WAITS = (0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True)
class MarkdownFile:
    text: str
    name: str
    title: str


async def upload_markdown(
    slack: AsyncWebClient,
    thread: Thread,
    file: MarkdownFile,
    *,
    known: str | None = None,
    keep: Callable[[str], Awaitable[None]],
) -> None:
    """Share the file in the thread and return when it is there.

    `keep` gets the file's id before people can see it; with that id as `known` a second call finds what the first one
    did, and uploads again only what is not there. What `keep` raises (a lost lease) ends the upload unseen.

    Raises NoUpload, and what the Web API client raises: SlackApiError, aiohttp.ClientError, TimeoutError.
    """
    if known and await _is_shared(slack, known, thread, blind=False):
        return
    file_id = await put(slack, file.name, file.text.encode(), "markdown")
    await keep(file_id)
    completed = await complete(slack, {file_id: file.title}, thread.channel, thread.ts)
    if _shows((completed.get("files") or [{}])[0], thread):
        return
    if not await _is_shared(slack, file_id, thread, blind=True):
        raise NoUpload("never_shared")


async def _is_shared(slack: AsyncWebClient, file: str, thread: Thread, *, blind: bool) -> bool:
    """Whether the file is shared in the thread, now or in a moment; `blind` if we may not look.

    One that was never completed is not. One that somebody deleted was there and is not wanted back.
    """
    for wait in (*SHARE_WAITS, None):
        try:
            info = (await slack.files_info(file=file)).get("file")
        except SLACK_OR_REDIS_TROUBLE as error:
            match error_name(error):
                case "file_not_found":
                    return False
                case "file_deleted":
                    return True
            if verdict(error) == "permanent":
                return blind
            if wait is None:
                raise
            info = None
        if _shows(info or {}, thread):
            return True
        if wait is not None:
            await asyncio.sleep(wait)
    return False


def _shows(file: dict[str, Any], thread: Thread) -> bool:
    """`shares`: https://docs.slack.dev/reference/objects/file-object."""
    if file.get("mode") == "tombstone":
        return True
    shares = [share for channels in (file.get("shares") or {}).values() for share in channels.get(thread.channel) or ()]
    return any(share.get("thread_ts") == thread.ts for share in shares)

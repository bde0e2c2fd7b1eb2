"""A long text as a Markdown file with a preview, shared in a thread.

Slack shares a file a moment after it said ok, and now and then never (observed): what counts is what files.info says.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, error_name, verdict
from bot.slack.upload import NoUpload, complete, put

__all__ = ["NoUpload", "upload_markdown"]

# After this, a file that Slack has not shared is taken for one that it never will.
SHARE_WAITS = (0.2, 0.4, 0.8, 1.6, 3.2)


async def upload_markdown(
    slack: AsyncWebClient,
    channel: str,
    thread_ts: str,
    text: str,
    *,
    filename: str,
    title: str,
    known: str | None = None,
    keep: Callable[[str], Awaitable[None]],
) -> None:
    """Share `text` as a file of the thread and return when it is there.

    `keep` gets the file's id before people can see it; with that id as `known` a second call finds what the first one
    did, and uploads again only what is not there. What `keep` raises (a lost lease) ends the upload unseen.

    Raises NoUpload, and what the Web API client raises: SlackApiError, aiohttp.ClientError, TimeoutError.
    """
    if known and await _is_shared(slack, known, channel, thread_ts, blind=False):
        return
    file = await put(slack, filename, text.encode(), "markdown")
    await keep(file)
    completed = await complete(slack, {file: title}, channel, thread_ts)
    if _shows((completed.get("files") or [{}])[0], channel, thread_ts):
        return
    if not await _is_shared(slack, file, channel, thread_ts, blind=True):
        raise NoUpload("never_shared")


async def _is_shared(slack: AsyncWebClient, file: str, channel: str, thread_ts: str, *, blind: bool) -> bool:
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
        if _shows(info or {}, channel, thread_ts):
            return True
        if wait is not None:
            await asyncio.sleep(wait)
    return False


def _shows(file: dict[str, Any], channel: str, thread_ts: str) -> bool:
    """`shares`: https://docs.slack.dev/reference/objects/file-object."""
    if file.get("mode") == "tombstone":
        return True
    shares = [share for places in (file.get("shares") or {}).values() for share in places.get(channel) or ()]
    return any(share.get("thread_ts") == thread_ts for share in shares)

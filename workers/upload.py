"""A long text as a Markdown file with a preview, shared in a thread.

Slack shares a file a moment after it said ok, and now and then never (observed): what counts is what files.info says.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import CALL_ERRORS, error_name, verdict
from bot.upload import NoUpload, complete, put

__all__ = ["NoUpload", "Uploaded", "upload_markdown"]

# After this, a file that Slack has not shared is taken for one that it never will.
SHARE_WAITS = (0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True)
class Uploaded:
    """`ts` is the message that shows the file, None where Slack does not say; `permalink` is the file's page."""

    file: str
    permalink: str | None = None
    ts: str | None = None


async def upload_markdown(
    slack: AsyncWebClient,
    channel: str,
    thread_ts: str,
    text: str,
    *,
    filename: str,
    title: str,
    comment: str | None = None,
    known: str | None = None,
    keep: Callable[[str], Awaitable[None]],
) -> Uploaded:
    """Share `text` as a file of the thread and return when it is there.

    `keep` gets the file's id before people can see it; with that id as `known` a second call finds what the first one
    did, and uploads again only what is not there. What `keep` raises (a lost lease) ends the upload unseen.

    Raises NoUpload, and what the Web API client raises: SlackApiError, aiohttp.ClientError, TimeoutError.
    """
    if known and (found := await _find(slack, known, channel, thread_ts, blind=None)):
        return found
    file = await put(slack, filename, text.encode(), "markdown")
    await keep(file)
    completed = await complete(slack, {file: title}, channel, thread_ts, comment)
    shared = _shared((completed.get("files") or [{}])[0], channel, thread_ts)
    shared = shared or await _find(slack, file, channel, thread_ts, blind=Uploaded(file))
    if shared is None:
        raise NoUpload("never_shared")
    return shared


async def _find(
    slack: AsyncWebClient, file: str, channel: str, thread_ts: str, *, blind: Uploaded | None
) -> Uploaded | None:
    """The file, once it is shared in the thread; None if it is not, or was never completed; `blind` if we may not look.

    One that somebody deleted was there and is not wanted back.
    """
    for wait in (*SHARE_WAITS, None):
        try:
            info = (await slack.files_info(file=file)).get("file")
        except CALL_ERRORS as error:
            match error_name(error):
                case "file_not_found":
                    return None
                case "file_deleted":
                    return Uploaded(file)
            if verdict(error) == "permanent":
                return blind
            if wait is None:
                raise
            info = None
        if found := _shared(info or {}, channel, thread_ts):
            return found
        if wait is not None:
            await asyncio.sleep(wait)
    return None


def _shared(file: dict[str, Any], channel: str, thread_ts: str) -> Uploaded | None:
    """`shares`: https://docs.slack.dev/reference/objects/file-object."""
    if file.get("mode") == "tombstone":
        return Uploaded(str(file.get("id")))
    for places in (file.get("shares") or {}).values():
        for share in places.get(channel) or ():
            if share.get("thread_ts") == thread_ts:
                return Uploaded(str(file.get("id")), file.get("permalink"), str(share.get("ts")))
    return None

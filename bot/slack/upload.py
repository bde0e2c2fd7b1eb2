"""A file for Slack: get an upload URL, send the bytes there, complete.

https://docs.slack.dev/messaging/working-with-files. The SDK's own `files_upload_v2` tells the file's id only when all
is done, too late for a retry to find the file of a lost answer.
"""

from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import error_name

UPLOAD_SECONDS = 30.0
# Refused for every file in this workspace, or for this one; the conversation itself takes messages
# (docs.slack.dev/reference/methods/files.getUploadURLExternal).
NO_FILES = {
    "access_denied",
    "file_update_failed",
    "file_upload_size_restricted",
    "file_uploads_disabled",
    "file_uploads_except_images_disabled",
    "malware_detected",
    "missing_scope",
    "slack_connect_file_upload_sharing_blocked",
    "snippet_too_large",
    "storage_limit_reached",
    "unknown_snippet_type",
}


class NoUpload(Exception):
    """Slack takes no such file here, now or later. Holds Slack's error string or our own."""


async def put(slack: AsyncWebClient, filename: str, content: bytes, snippet_type: str | None = None) -> str:
    """Send the bytes; the file's id. Nobody sees it before it is complete.

    Raises NoUpload, and what the Web API client raises: SlackApiError, aiohttp.ClientError, TimeoutError.
    """
    try:
        granted = await slack.files_getUploadURLExternal(
            filename=filename, length=len(content), snippet_type=snippet_type
        )
    except SlackApiError as error:
        raise _read(error) from None
    await _send(slack, str(granted["upload_url"]), content)
    return str(granted["file_id"])


async def complete(
    slack: AsyncWebClient,
    titles: Mapping[str, str],
    channel: str,
    thread_ts: str | None = None,
    comment: str | None = None,
) -> AsyncSlackResponse:
    """Share files in one message; `titles` are theirs by file id. Raises as `put`."""
    files: list[dict[str, str | None]] = [{"id": file, "title": title} for file, title in titles.items()]
    try:
        return await slack.files_completeUploadExternal(
            files=files, channel_id=channel, thread_ts=thread_ts, initial_comment=comment
        )
    except SlackApiError as error:
        raise _read(error) from None


def _read(error: SlackApiError) -> Exception:
    return NoUpload(error_name(error)) if error_name(error) in NO_FILES else error


async def _send(slack: AsyncWebClient, url: str, content: bytes) -> None:
    """The URL itself is the permission: no token goes there."""
    if slack.session is None:
        raise RuntimeError("the client has no session: make it with bot.slack.client.client")
    timeout = aiohttp.ClientTimeout(total=UPLOAD_SECONDS)
    async with slack.session.post(url, data=content, timeout=timeout, proxy=slack.proxy) as response:
        if 400 <= response.status < 500 and response.status not in (408, 429):
            raise NoUpload(f"status_{response.status}")
        response.raise_for_status()

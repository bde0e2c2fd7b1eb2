"""Uploads a file to Slack in three steps: get an upload URL, send the bytes there, complete the upload.

https://docs.slack.dev/messaging/working-with-files. The SDK's `files_upload_v2` returns the file's id only after all
three. If Slack's last answer is lost, a retry needs the id to find the file.
"""

from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.errors import error_name

UPLOAD_SECONDS = 30.0
# Slack refuses every file in this workspace, or this one. Messages may still be posted
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
    """Slack takes no such file here, now or later. Its text is Slack's error string, or one of ours."""


async def put(slack: AsyncWebClient, filename: str, content: bytes, snippet_type: str | None = None) -> str:
    """Send the bytes; returns the file's id. Nobody sees the file before `complete`.

    Raises NoUpload, and what the Web API client raises: SlackApiError, aiohttp.ClientError, TimeoutError.
    """
    try:
        answer = await slack.files_getUploadURLExternal(
            filename=filename, length=len(content), snippet_type=snippet_type
        )
    except SlackApiError as error:
        raise _read(error) from None
    await _send(slack, str(answer["upload_url"]), content)
    return str(answer["file_id"])


async def complete(
    slack: AsyncWebClient,
    titles: Mapping[str, str],
    channel: str,
    thread_ts: str | None = None,
    comment: str | None = None,
) -> AsyncSlackResponse:
    """Share files in one message; `titles` has their titles by file id. Raises what `put` raises."""
    files: list[dict[str, str | None]] = [{"id": file, "title": title} for file, title in titles.items()]
    try:
        return await slack.files_completeUploadExternal(
            files=files, channel_id=channel, thread_ts=thread_ts, initial_comment=comment
        )
    except SlackApiError as error:
        raise _read(error) from None


def _read(error: SlackApiError) -> Exception:
    """The error to raise: NoUpload if Slack takes no such file."""
    name = error_name(error)
    return NoUpload(name) if name in NO_FILES else error


async def _send(slack: AsyncWebClient, url: str, content: bytes) -> None:
    """The URL itself is the permission, so no token is sent."""
    if slack.session is None:
        raise RuntimeError("the client has no session: make it with bot.slack.client.client")
    timeout = aiohttp.ClientTimeout(total=UPLOAD_SECONDS)
    async with slack.session.post(
        url, data=content, timeout=timeout, proxy=slack.proxy, allow_redirects=False
    ) as response:
        if 300 <= response.status < 500 and response.status not in (408, 429):
            raise NoUpload(f"status_{response.status}")
        response.raise_for_status()

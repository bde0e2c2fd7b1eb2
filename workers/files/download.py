"""The bytes of a file that somebody shared in Slack.

https://docs.slack.dev/messaging/working-with-files: the bot token opens `url_private`. It goes to Slack's own file
server only, and never where a redirect points.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_TROUBLE, error_name, retry_after, verdict
from bot.slack.hosts import serves_files
from bot.talk.file import File

ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
LONGEST_WAIT = 5.0
CHUNK_BYTES = 64 * 1024

GONE = "was deleted from Slack before I could read it"
NO_ACCESS = (
    "cannot be opened by me; whoever runs Parley can check that the Slack app has the scope `files:read`, and that it "
    "was reinstalled since"
)
FAILED = "could not be fetched from Slack right now; please share it again in a minute"
# https://docs.slack.dev/reference/objects/file-object
NO_BYTES = {
    "tombstone": GONE,
    "hidden_by_limit": "is hidden by the limits of this workspace's Slack plan",
    "external": "is only linked in Slack, not uploaded; please upload it here",
}
REFUSALS = {"file_deleted": GONE, "file_not_found": GONE, "missing_scope": NO_ACCESS, "access_denied": NO_ACCESS}


class LeftOut(Exception):
    """A file that Claude will not see. `why` ends a sentence that begins with its name; `reason` is for the log."""

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.why = why


class _Passing(Exception):
    """Another attempt may help, after so many seconds."""


@dataclass(frozen=True)
class DownloadLimits:
    """The largest file that is fetched, and how long that may take."""

    most_bytes: int = 20_000_000
    seconds: float = 30.0


async def described(slack: AsyncWebClient, file: File) -> File:
    """The file with all that Slack knows about it; Slack is asked if the event did not say all.

    Raises LeftOut and redis.RedisError.
    """
    if file.access != "check_file_info" and file.url:
        return _with_bytes(file)
    _with_bytes(file)
    if not file.id:
        raise LeftOut("no_id", FAILED)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            known = File.of((await slack.files_info(file=file.id)).get("file"))
            break
        except SLACK_TROUBLE as error:
            name = error_name(error)
            if verdict(error) in ("limited", "transient") and attempt < ATTEMPTS:
                await asyncio.sleep(min(retry_after(error), LONGEST_WAIT))
                continue
            raise LeftOut(name or "unreachable", REFUSALS.get(name or "", FAILED)) from None
    if known is None or not _with_bytes(known).url:
        raise LeftOut("no_url", NO_ACCESS)
    return replace(known, id=file.id, access="visible")


async def fetch(slack: AsyncWebClient, file: File, limits: DownloadLimits) -> bytes:
    """The file's bytes. Raises LeftOut."""
    _check_size(file.size, limits)
    if not serves_files(file.url, str(slack.base_url)):
        raise LeftOut("foreign_host", NO_BYTES["external"])
    try:
        async with asyncio.timeout(limits.seconds):
            for attempt in range(ATTEMPTS):
                try:
                    return await _get(slack, file, limits)
                except _Passing as passing:
                    await asyncio.sleep(passing.args[0])
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(BACKOFF_SECONDS * 2**attempt)
    except TimeoutError:
        raise LeftOut("timeout", FAILED) from None
    raise LeftOut("unreachable", FAILED)


async def _get(slack: AsyncWebClient, file: File, limits: DownloadLimits) -> bytes:
    if slack.session is None:
        raise RuntimeError("the client has no session: make it with bot.slack.client.client")
    async with slack.session.get(
        file.url,
        headers={"Authorization": f"Bearer {slack.token}"},
        allow_redirects=False,
        proxy=slack.proxy,
        timeout=aiohttp.ClientTimeout(total=None),
    ) as response:
        _check_status(response.status, response.headers)
        _check_size(response.content_length or 0, limits)
        data = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            data += chunk
            _check_size(len(data), limits)
        # A missing scope or a wrong token gives a login page with status 200 (observed).
        if response.content_type == "text/html" and (file.mimetype != "text/html" or len(data) != file.size):
            raise LeftOut("login_page", NO_ACCESS)
        return bytes(data)


def _check_status(status: int, headers: Mapping[str, str]) -> None:
    if 300 <= status < 400 or status in (401, 403):
        raise LeftOut(f"status_{status}", NO_ACCESS)
    if status in (404, 410):
        raise LeftOut(f"status_{status}", GONE)
    if status != 200:
        retry_after = headers.get("Retry-After", "")
        if retry_after.isdecimal():
            raise _Passing(min(float(retry_after), LONGEST_WAIT))
        raise _Passing(BACKOFF_SECONDS)


def _check_size(size: int, limits: DownloadLimits) -> None:
    if size > limits.most_bytes:
        raise LeftOut("too_large", f"is larger than {megabytes(limits.most_bytes)}, the most that I can read")


def _with_bytes(file: File) -> File:
    """The file again. Raises LeftOut if it has no bytes that could be fetched."""
    why = NO_BYTES.get(file.mode)
    if why is not None:
        raise LeftOut(file.mode, why)
    return file


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"

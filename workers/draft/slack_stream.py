"""Slack's native streams, for those who set STREAMING: smoother than edits, but nothing can be taken back.

https://docs.slack.dev/reference/methods/chat.startStream. A stream ends after about five minutes, whatever is appended
(observed, https://github.com/slackapi/python-slack-sdk/issues/1859).
"""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import error_name
from bot.store import keys
from bot.talk.message import Message

Mode = Literal["edit", "native", "auto"]

# The next block that ends after this may be the last of its stream; then its end is now.
ROTATE_SECONDS = 240.0
LONGEST_SECONDS = 270.0

UNAVAILABLE = {"unknown_method", "method_deprecated", "feature_not_enabled", "feature_disabled", "team_not_supported"}
STOPPED_BY_USER = "stopped_by_user"
NOT_STREAMING = "message_not_in_streaming_state"
STILL_STREAMING = "streaming_state_conflict"


@dataclass
class SlackStream:
    """An open stream. `sent` is what people see of it, `length` how much of its message's own text that is."""

    sent: str
    length: int
    began: float = field(default_factory=time.monotonic)

    @property
    def age(self) -> float:
        return time.monotonic() - self.began


class SlackStreams:
    """The calls of one reply's streams, and whether the workspace has them."""

    def __init__(self, slack: AsyncWebClient, redis: Redis, message: Message, mode: Mode) -> None:
        self._slack, self._redis, self._message, self._mode = slack, redis, message, mode
        self._thread = message.thread

    async def are_wanted(self) -> bool:
        """`auto` remembers for a day that a workspace has none."""
        if self._mode == "auto":
            return not await self._redis.exists(keys.no_streams(self._thread.team))
        return self._mode == "native"

    async def refused(self, error: Exception) -> None:
        if error_name(error) in UNAVAILABLE:
            await self._redis.set(keys.no_streams(self._thread.team), 1, ex=keys.no_streams.seconds)

    async def start(self, text: str) -> str:
        """Its timestamp. In channels Slack wants to know whom it is for."""
        started = await self._slack.chat_startStream(
            channel=self._thread.channel,
            thread_ts=self._thread.ts,
            recipient_team_id=self._message.user_team or self._thread.team,
            recipient_user_id=self._message.user,
            markdown_text=text,
        )
        return str(started["ts"])

    async def append(self, ts: str, text: str) -> None:
        await self._slack.chat_appendStream(channel=self._thread.channel, ts=ts, markdown_text=text)

    async def stop(self, ts: str, text: str, content: dict[str, Any] | None) -> None:
        """`content` is what `messages.payload` says; the text is in the stream already, what stands below it is not."""
        blocks = (content or {}).get("blocks", [])[1:]
        await self._slack.chat_stopStream(
            channel=self._thread.channel,
            ts=ts,
            markdown_text=text or None,
            blocks=blocks or None,
            metadata=content["metadata"] if content else None,
        )

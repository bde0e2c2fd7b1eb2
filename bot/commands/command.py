"""A command that somebody typed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.slack.admins import Admins
from bot.store.threads.inbox import Inbox


@dataclass(frozen=True)
class Asked:
    """Who typed it where, the words after its name, and what it may look at.

    At `response_url` more can be said within half an hour; with `trigger_id` a form can be opened within three seconds.
    """

    team: str
    channel: str
    user: str
    words: Sequence[str]
    response_url: str
    trigger_id: str
    inbox: Inbox
    redis: Redis
    web: AsyncWebClient
    settings: Settings
    admins: Admins

    def after(self, count: int) -> "Asked":
        return replace(self, words=self.words[count:])

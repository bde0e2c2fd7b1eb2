"""A command that somebody typed."""

from dataclasses import dataclass

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.store.inbox import Inbox


@dataclass(frozen=True)
class Asked:
    """Where it was typed, with which words after its name, and what it may look at.

    At `response_url` more can be said within half an hour.
    """

    team: str
    channel: str
    user: str
    text: str
    response_url: str
    inbox: Inbox
    redis: "Redis"
    web: AsyncWebClient
    settings: Settings

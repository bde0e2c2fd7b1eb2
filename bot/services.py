"""What listeners and commands work with, made once in each process that listens to Slack."""

from dataclasses import dataclass
from functools import cached_property

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.admission import Admission
from bot.intake.audience import Audience
from bot.intake.intake import Intake
from bot.settings import Settings
from bot.slack.admins import Admins
from bot.slack.directory import Directory
from bot.slack.identity import Identity
from bot.store.metrics import Metrics
from bot.store.threads.inbox import Inbox


@dataclass(frozen=True)
class Services:
    """Settings and connections, and what is made of them.

    `web` keeps to Slack's rate limits, for which it asks Redis before each call.
    """

    settings: Settings
    redis: Redis
    web: AsyncWebClient
    identity: Identity
    inbox: Inbox
    metrics: Metrics

    @cached_property
    def plain_web(self) -> AsyncWebClient:
        """A client that asks nobody before it calls Slack: for what people are to see although Redis is away."""
        client = AsyncWebClient(
            token=self.settings.slack_bot_token,
            base_url=self.web.base_url,
            session=self.web.session,
            retry_handlers=[],
        )
        client.proxy = self.web.proxy
        return client

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.redis, self.web)

    @cached_property
    def admins(self) -> Admins:
        return Admins(self.settings, self.web, self.redis)

    @cached_property
    def admission(self) -> Admission:
        return Admission(Audience.of(self.settings), self.redis, self.directory)

    @cached_property
    def intake(self) -> Intake:
        return Intake(self.inbox, self.redis, self.web, self.admission)

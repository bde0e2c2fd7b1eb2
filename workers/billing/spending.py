"""Asks the budgets whether a call to Claude may be paid for, and tells people if not."""

import logging

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot import models
from bot.settings import Settings
from bot.slack.admins import MOST_NAMED, Admins
from bot.slack.directory import Directory
from bot.store.rules.budgets import Budgets, Hold
from bot.talk.message import Message
from bot.views import refusals

log = logging.getLogger("parley.spending")

# The hold of a worker that died ends this long after the answer's deadline.
GRACE_SECONDS = 60.0
SOMEBODY = "an admin or owner of this workspace"


class Spending:
    def __init__(self, settings: Settings, slack: AsyncWebClient, redis: Redis) -> None:
        self._budgets = Budgets(redis, settings.answer_seconds + GRACE_SECONDS)
        self._admins = Admins(settings, slack, redis)
        self._directory = Directory(redis, slack)

    async def begin(self, message: Message, model: str, input_tokens: int, max_output: int) -> Hold | str:
        """Hold the most that the call can cost, or return the sentence that says why it cannot be made.

        A second attempt at the message takes over the first one's hold. Models without known prices hold and spend
        nothing. Raises redis.RedisError.
        """
        thread = message.thread
        estimate = models.estimate(model, input_tokens, max_output) or 0
        name = f"{thread.channel}:{message.ts}"
        reserved = await self._budgets.reserve(thread.team, thread.channel, message.user, estimate, name)
        if isinstance(reserved, Hold):
            return reserved
        budget = reserved.budget
        log.info(
            "over budget thread=%s ts=%s user=%s scope=%s period=%s in_flight=%s",
            thread,
            message.ts,
            message.user,
            budget.scope,
            budget.period,
            reserved.in_flight,
        )
        return refusals.spent(reserved, await self._whom_to_ask(thread.team))

    async def _whom_to_ask(self, team: str) -> str:
        """The admins' names, not mentions: everybody in the thread reads them, and nobody shall be pinged."""
        admins = (await self._admins.named(team))[:MOST_NAMED]
        names = await self._directory.names(team, admins)
        return " or ".join([*names.values(), SOMEBODY])

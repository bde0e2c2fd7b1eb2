"""Whether a call to Claude may be paid for, and what people are told if not."""

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

# An answer ends by itself; what its worker held when it died is free again this long after.
GRACE_SECONDS = 60.0
SOMEBODY = "an admin or owner of this workspace"


class Spending:
    def __init__(self, settings: Settings, slack: AsyncWebClient, redis: Redis) -> None:
        self._budgets = Budgets(redis, settings.answer_seconds + GRACE_SECONDS)
        self._admins = Admins(settings, slack, redis)
        self._directory = Directory(redis, slack)

    async def begin(self, message: Message, model: str, input_tokens: int, max_output: int) -> Hold | str:
        """Hold back what the call may cost at most, or the sentence that says why it cannot be made.

        Whoever takes the message over holds it once. What models without known prices cost is not capped: they hold and
        spend nothing. Raises redis.RedisError.
        """
        thread = message.thread
        estimate = models.estimate(model, input_tokens, max_output) or 0
        name = f"{thread.channel}:{message.ts}"
        given = await self._budgets.reserve(thread.team, thread.channel, message.user, estimate, name)
        if isinstance(given, Hold):
            return given
        budget = given.budget
        log.info(
            "over budget thread=%s ts=%s user=%s scope=%s period=%s in_flight=%s",
            *(thread, message.ts, message.user, budget.scope, budget.period, given.in_flight),
        )
        return refusals.spent(given, await self._whom(thread.team))

    async def _whom(self, team: str) -> str:
        """By name: everybody in the thread reads it, and nobody shall be pinged."""
        named = (await self._admins.named(team))[:MOST_NAMED]
        names = await self._directory.names(team, named)
        return " or ".join([*names.values(), SOMEBODY])

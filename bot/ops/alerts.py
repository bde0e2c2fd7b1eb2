"""Tells the admins that budgets run out: all new warnings in one message, and each mark of a budget once.

A warning is kept in Redis until Slack has taken it, so a process that dies in between repeats it at worst.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.admins import Admins
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe, verdict
from bot.store import keys
from bot.store.rules import audit, budgets
from bot.store.rules.budgets import Warned, budget_field
from bot.views.refusals import warning

log = logging.getLogger("parley.alerts")

EVERY_SECONDS = 5.0
# How far back to look for who set a budget.
MOST_CHANGES = 1_000


class Alerts:
    """Warnings go to `channel`, else to the admins whose ids we know, else to those who set the budgets."""

    def __init__(self, redis: Redis, web: AsyncWebClient, admins: Admins, channel: str | None, team: str) -> None:
        self._redis, self._web, self._admins, self._team = redis, web, admins, team
        self._channel = channel

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Look every five seconds while entered."""
        task = asyncio.create_task(self._keep_telling())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def tell(self) -> int:
        """Send the new warnings, unless another process is at it; how many they were. Raises redis.RedisError."""
        if not await self._redis.exists(keys.warnings(self._team)):
            return 0
        if not await self._redis.set(keys.warning(self._team), 1, nx=True, ex=keys.warning.seconds):
            return 0
        try:
            warnings = await budgets.warnings(self._redis, self._team)
            if not warnings or not await self._post(warnings):
                return 0
            await budgets.warned(self._redis, self._team, len(warnings))
            return len(warnings)
        finally:
            await self._redis.delete(keys.warning(self._team))

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.tell()
            except RedisError as error:
                log.debug("not told error=%s", type(error).__name__)

    async def _post(self, warnings: Sequence[Warned]) -> bool:
        """Whether the warnings are done with: somebody has them, or nobody can ever get them."""
        async for recipients in self._recipients(warnings):
            told, may_work_later = await self._tell(recipients, warnings)
            if told or may_work_later:
                return told > 0
        return True

    async def _tell(self, recipients: Sequence[str], warnings: Sequence[Warned]) -> tuple[int, bool]:
        """How many recipients got the warnings, and whether a failed post may work later."""
        told, may_work_later = 0, False
        text = warning(warnings)
        for recipient in recipients:
            try:
                # A user's id is their direct message with us: https://docs.slack.dev/reference/methods/chat.postMessage
                await self._web.chat_postMessage(channel=recipient, text=text)
                told += 1
            except SLACK_OR_REDIS_TROUBLE as error:
                log.warning("no warning team=%s to=%s error=%s", self._team, recipient, describe(error))
                may_work_later = may_work_later or verdict(error) in ("transient", "limited")
        log.info("warned team=%s warnings=%d recipients=%d of=%d", self._team, len(warnings), told, len(recipients))
        return told, may_work_later

    async def _recipients(self, warnings: Sequence[Warned]) -> AsyncIterator[Sequence[str]]:
        """Groups of recipients. The next group is for when nobody of the one before can be told.

        A channel may be archived, for example, or we may be no member of it.
        """
        if self._channel:
            yield [self._channel]
        yield await self._admins.named(self._team)
        set_budgets = {f"budget {budget_field(warned.budget.scope, warned.budget.period)}" for warned in warnings}
        newest_first = await audit.changes(self._redis, self._team, 0, MOST_CHANGES)
        set_by = {change.what: change.by for change in reversed(newest_first) if change.what in set_budgets}
        yield sorted(set(set_by.values()))

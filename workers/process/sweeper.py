"""Wakes threads that a dead process left behind, and removes Slack's own Stop when an answer is over.

Only threads of our own teams: those of another deployment on the same Redis have sweepers of their own.
"""

import asyncio
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import native_stop
from bot.slack.own_teams import OwnTeams
from bot.store.threads.inbox import Inbox

log = logging.getLogger("parley.sweeper")

EVERY_SECONDS = 1.0


async def sweep(inbox: Inbox, own: OwnTeams) -> None:
    """Every second, wake threads whose time has come. Never returns."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            woken = await inbox.sweep(await own.among(await inbox.teams()))
            if woken:
                log.info("woken threads=%d", woken)
        except RedisError as error:
            log.warning("no sweep error=%s", type(error).__name__)
        except Exception:
            # Something is wrong with one team or thread: the others must still be looked after.
            log.warning("no sweep", exc_info=True)


async def end_sessions(web: AsyncWebClient, redis: Redis, inbox: Inbox, own: OwnTeams) -> None:
    """Every second, end Slack's sessions whose answer is over. Never returns."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await native_stop.end_those_that_are_over(web, redis, await own.among(await inbox.teams()))
        except RedisError as error:
            log.warning("sessions stay error=%s", type(error).__name__)
        except Exception:
            log.warning("sessions stay", exc_info=True)

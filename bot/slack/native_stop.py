"""Slack's own Stop button beside a thread that we work on. It shows while the thread's session is `processing`.

https://docs.slack.dev/reference/methods/agents.sessions.setStatus. Not every app and workspace has sessions, and no
answer waits for one.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import sessions
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, SLACK_TROUBLE, describe, error_name, verdict
from bot.talk.message import Thread

log = logging.getLogger("parley.status")

# The workspace or the app has no sessions.
UNAVAILABLE = {
    "feature_disabled",
    "feature_not_enabled",
    "method_deprecated",
    "missing_scope",
    "not_agent_app",
    "unknown_method",
}
# A warning of Slack's: the session shows, but without a Stop.
NO_STOP = "missing_agent_session_stopped_event_subscription"


async def begin(web: AsyncWebClient, redis: Redis, thread: Thread) -> None:
    """Show the Stop, if the workspace has sessions and the rate limits leave room."""
    try:
        if not await sessions.begin(redis, thread):
            return
        answer = await web.agents_sessions_setStatus(
            channel_id=thread.channel, thread_ts=thread.ts, status="processing"
        )
        await sessions.began(redis, thread)
        if NO_STOP in str(answer.get("warning")):
            await sessions.are_none(redis, thread.team)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no session thread=%s error=%s", thread, describe(error))
        with suppress(RedisError):
            if error_name(error) in UNAVAILABLE:
                await sessions.are_none(redis, thread.team)
            if verdict(error) != "transient":
                await sessions.drop(redis, thread)


async def end_those_that_are_over(web: AsyncWebClient, redis: Redis, teams: Iterable[str]) -> None:
    """End the sessions, of these teams, of threads in which nothing waits any more. Raises redis.RedisError."""
    for team in teams:
        for thread, mark in await sessions.over(redis, team):
            try:
                await web.agents_sessions_setStatus(channel_id=thread.channel, thread_ts=thread.ts, status="active")
            except SLACK_TROUBLE as error:
                log.debug("session not ended thread=%s error=%s", thread, describe(error))
                if verdict(error) in ("transient", "limited"):
                    continue
            await sessions.ended(redis, thread, mark)

"""What shows that a question was heard: a status below the thread, or eyes on the question where that fails."""

import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe, verdict
from bot.store.threads import replies
from bot.talk.message import Thread

log = logging.getLogger("parley.status")

THINKING = "is thinking…"
EYES = "eyes"


async def show(web: AsyncWebClient, redis: Redis, thread: Thread, ts: str, text: str = THINKING) -> bool:
    """Set the status, or put eyes on the question `ts` if Slack refuses it for good; whether the status shows.

    Slack clears a status after two minutes, and with our next message in the thread.

    https://docs.slack.dev/reference/methods/assistant.threads.setStatus
    """
    try:
        await web.assistant_threads_setStatus(channel_id=thread.channel, thread_ts=thread.ts, status=text)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no status thread=%s error=%s", thread, describe(error))
        if verdict(error) == "permanent":
            await look(web, redis, thread, ts)
        return False
    return True


async def look(web: AsyncWebClient, redis: Redis, thread: Thread, ts: str) -> None:
    """Put eyes on the question `ts`, once."""
    try:
        if await replies.mark_seen(redis, thread, ts):
            await web.reactions_add(channel=thread.channel, timestamp=ts, name=EYES)
            if not await replies.is_seen(redis, thread, ts):
                # `look_away` came before Slack had the eyes, and found none to take off.
                await web.reactions_remove(channel=thread.channel, timestamp=ts, name=EYES)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no eyes thread=%s ts=%s error=%s", thread, ts, describe(error))


async def is_looking(redis: Redis, thread: Thread, ts: str) -> bool:
    """Whether our eyes are on the question; False if Redis does not say."""
    try:
        return await replies.is_seen(redis, thread, ts)
    except RedisError:
        return False


async def look_away(web: AsyncWebClient, redis: Redis, thread: Thread, ts: str) -> None:
    """Take our eyes off the question, if they are on it."""
    try:
        if await replies.unmark_seen(redis, thread, ts):
            await web.reactions_remove(channel=thread.channel, timestamp=ts, name=EYES)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("eyes stay thread=%s ts=%s error=%s", thread, ts, describe(error))

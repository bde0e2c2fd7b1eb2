"""What the channel of a message is called, for saying where something was said."""

import logging

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_TROUBLE, describe
from bot.store import keys
from bot.talk.message import Message

log = logging.getLogger("parley.channels")

KEEP_SECONDS = 3600
# Where Slack does not tell: a scope may be missing for good.
RETRY_SECONDS = 300
DIRECT = "a direct message"
GROUP = "a group direct message"


async def place(redis: Redis, slack: AsyncWebClient, message: Message) -> str:
    """`#name`, DIRECT or GROUP; the channel's id if Slack does not tell its name. Raises redis.RedisError."""
    if message.direct:
        return DIRECT
    team, channel = message.thread.team, message.thread.channel
    known = await redis.get(keys.place(team, channel))
    if known:
        return str(known)
    found, seconds = await _asked(slack, channel)
    await redis.set(keys.place(team, channel), found, ex=seconds)
    return found


async def _asked(slack: AsyncWebClient, channel: str) -> tuple[str, int]:
    """https://docs.slack.dev/reference/objects/conversation-object"""
    try:
        answer = await slack.conversations_info(channel=channel)
    except SLACK_TROUBLE as error:
        log.warning("no name channel=%s error=%s", channel, describe(error))
        return channel, RETRY_SECONDS
    found = answer.get("channel") or {}
    if found.get("is_im"):
        return DIRECT, KEEP_SECONDS
    if found.get("is_mpim"):
        return GROUP, KEEP_SECONDS
    return f"#{found['name']}" if found.get("name") else channel, KEEP_SECONDS

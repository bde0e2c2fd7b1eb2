"""The first time: a short introduction in a channel that we are added to, and for whoever opens our direct messages."""

import logging
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncApp

from bot import background
from bot.manifest import COMMAND
from bot.services import Services
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.store import keys
from bot.talk.message import is_id

log = logging.getLogger("parley.listeners")

IN_CHANNEL = (
    "Hi! I answer questions with Claude, an AI model. Mention <@{bot}> with a question, here or in a thread, and I "
    "answer in the thread; there you can go on without mentioning me. I may be wrong, so check what matters. "
    f"`{COMMAND} help` tells more."
)
IN_DIRECT = (
    "Hi! I answer questions with Claude, an AI model. Just write to me: each message begins a conversation in its own "
    f"thread. I may be wrong, so check what matters. `{COMMAND} help` tells more."
)
PROMPTS_TITLE = "For a start"
# Four at the most: https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts
PROMPTS = (
    {"title": "Explain something", "message": "Explain how DNS works, in five sentences."},
    {"title": "Improve a text", "message": "Make this text shorter and friendlier: "},
    {"title": "Write a draft", "message": "Draft a short announcement of our new office hours."},
    {"title": "Think it through", "message": "What speaks for and against a four-day week?"},
)


def register(app: AsyncApp) -> None:
    app.event("member_joined_channel")(joined)


async def joined(event: dict[str, Any], services: Services, team: str) -> None:
    """https://docs.slack.dev/reference/events/member_joined_channel. Raises redis.RedisError."""
    channel = event.get("channel")
    bot_user = services.identity.user
    if event.get("user") == bot_user and is_id(channel):
        await introduce(services, team, channel, IN_CHANNEL.format(bot=bot_user))


async def greet(services: Services, team: str, channel: str) -> None:
    """Introduce ourselves in a direct message. Raises redis.RedisError."""
    await introduce(services, team, channel, IN_DIRECT)


async def introduce(services: Services, team: str, channel: str, text: str) -> None:
    """Post the text, once in a channel. Raises redis.RedisError."""
    if await services.redis.set(keys.introduced(team, channel), 1, nx=True, ex=keys.introduced.seconds):
        background.run(_post(services, team, channel, text))


def suggest(services: Services, channel: str) -> None:
    """Show the prompts of our direct messages, without waiting for Slack."""
    background.run(_suggest(services, channel))


async def _post(services: Services, team: str, channel: str, text: str) -> None:
    try:
        await services.web.chat_postMessage(channel=channel, text=text, unfurl_links=False, unfurl_media=False)
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("not introduced team=%s channel=%s error=%s", team, channel, describe(error))
        with suppress(RedisError):
            await services.redis.delete(keys.introduced(team, channel))


async def _suggest(services: Services, channel: str) -> None:
    try:
        await services.web.assistant_threads_setSuggestedPrompts(
            channel_id=channel, title=PROMPTS_TITLE, prompts=[dict(prompt) for prompt in PROMPTS]
        )
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("no prompts channel=%s error=%s", channel, describe(error))

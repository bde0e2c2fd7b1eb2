"""`/parley persona`: how Claude shall answer, written in a form."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from bot.commands.command import Asked
from bot.commands.scope import check, policy, take_scope
from bot.slack.directory import ASK_SECONDS
from bot.slack.errors import SLACK_TROUBLE, describe
from bot.store.rules import audit
from bot.talk.arguments import Unclear, Words
from bot.views.persona import form
from bot.views.scope import render_scope as shown

log = logging.getLogger("parley.listeners")

FIELD = "persona"
SCOPES = ("workspace", "channel")
USAGE = "Say `/parley persona` for this channel, `/parley persona workspace`, or `/parley persona #general`."


async def answer(asked: Asked) -> str | None:
    """None: the form says it all. Slack gives three seconds to open it. Raises Unclear and redis.RedisError."""
    words = Words(asked.words)
    scope = take_scope(words, asked, SCOPES, f"channel:{asked.channel}")
    words.end(USAGE)
    await check(scope, asked.web)
    text = await cast("Awaitable[str | None]", asked.redis.hget(policy(asked.team, scope), FIELD))
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await asked.web.views_open(trigger_id=asked.trigger_id, view=form(scope, text or ""))
    except SLACK_TROUBLE as error:
        log.warning("no form team=%s error=%s", asked.team, describe(error))
        raise Unclear("Slack does not let me open the form right now. Please try again.") from None
    return None


async def save(redis: Redis, team: str, user: str, scope: str, text: str) -> str:
    """Keep it; what there is to say about that. Raises redis.RedisError."""
    key = policy(team, scope)
    changed = await audit.change(redis, team, user, f"persona {scope}", key, FIELD, text or None)
    if not changed.is_new:
        return "Nothing was changed."
    return f"Done: the persona of {shown(scope)} is {'saved' if text else 'gone'}. It holds from the next question on."

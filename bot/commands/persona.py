"""`/parley persona`: how Claude shall answer, written in a form."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from bot.commands.command import Command
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


async def answer(command: Command) -> str | None:
    """Open the form, for which Slack gives three seconds; then nothing is left to say.

    Raises Unclear and redis.RedisError.
    """
    services = command.services
    words = Words(command.words)
    scope = take_scope(words, command, SCOPES, f"channel:{command.channel}")
    words.end(USAGE)
    await check(scope, services.web)
    text = await cast("Awaitable[str | None]", services.redis.hget(policy(command.team, scope), FIELD))
    try:
        async with asyncio.timeout(ASK_SECONDS):
            await services.web.views_open(trigger_id=command.trigger_id, view=form(scope, text or ""))
    except SLACK_TROUBLE as error:
        log.warning("no form team=%s error=%s", command.team, describe(error))
        raise Unclear("Slack does not let me open the form right now. Please try again.") from None
    return None


async def save(redis: Redis, team: str, user: str, scope: str, text: str) -> str:
    """Keep the persona, and return what its author is told. Raises redis.RedisError."""
    key = policy(team, scope)
    wanted = audit.SettingChange(team, user, f"persona {scope}", key, FIELD, text or None)
    changed = await audit.change(redis, wanted)
    if not changed.is_new:
        return "Nothing was changed."
    return f"Done: the persona of {shown(scope)} is {'saved' if text else 'gone'}. It holds from the next question on."

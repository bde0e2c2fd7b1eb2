"""`/parley persona`: how Claude shall answer, written in a form."""

import logging
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from bot.slack import CALL_ERRORS, error_name
from bot.steering.order import Order, Unclear, Words, check, policy, take_scope
from bot.store import audit
from bot.views.persona import form
from bot.views.refusals import scope as shown

log = logging.getLogger("parley.listeners")

FIELD = "persona"
SCOPES = ("workspace", "channel")
USAGE = "Say `/parley persona` for this channel, `/parley persona workspace`, or `/parley persona #general`."


async def answer(order: Order) -> str:
    """Empty where the form says it all. Slack gives three seconds to open it. Raises Unclear."""
    words = Words(order.words)
    scope = take_scope(words, order, SCOPES, f"channel:{order.channel}")
    words.end(USAGE)
    await check(scope, order.web)
    text = await cast("Awaitable[str | None]", order.redis.hget(policy(order.team, scope), FIELD))
    try:
        await order.web.views_open(trigger_id=order.trigger_id, view=form(scope, text or ""))
    except CALL_ERRORS as error:
        log.warning("no form team=%s error=%s", order.team, error_name(error) or type(error).__name__)
        raise Unclear("Slack does not let me open the form right now. Please try again.") from None
    return ""


async def save(redis: "Redis", team: str, user: str, scope: str, text: str) -> str:
    """Keep it; what there is to say about that. Raises redis.RedisError."""
    key = policy(team, scope)
    changed = await audit.change(redis, team, user, f"persona {scope}", key, FIELD, text or None)
    if not changed.is_new:
        return "Nothing was changed."
    return f"Done: the persona of {shown(scope)} is {'saved' if text else 'gone'}. It holds in threads that begin now."

"""What admins decide with `/parley`: budgets, limits, models, personas, access. Everybody else is told who can."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.commands import access, audit, budget, limit, model, persona
from bot.commands.command import Asked
from bot.slack.admins import Admins
from bot.slack.deadline import NotDone, within_three_seconds
from bot.views.persona import INPUT, PERSONA, read_form, saved

log = logging.getLogger("parley.listeners")

AWAY = "I cannot keep this right now. Please try again in a minute."

ORDERS: dict[str, Callable[[Asked], Awaitable[str | None]]] = {
    "budget": budget.answer,
    "limit": limit.answer,
    "model": model.answer,
    "persona": persona.answer,
    "access": access.answer,
    "audit": audit.answer,
}
HELP = {
    "budget": "shows, sets and clears what may be spent (admins).",
    "limit": "shows, sets and clears how many messages I take (admins).",
    "model": "tells which model answers here; admins choose it.",
    "persona": "says how I answer here (admins).",
    "access": "says whom I answer, and where (admins).",
    "audit": "shows what admins changed (admins).",
}


def register(app: AsyncApp) -> None:
    app.view({"type": "view_submission", "callback_id": PERSONA})(keep_persona)


async def obey(name: str, asked: Asked) -> str | None:
    """Raises Unclear and redis.RedisError."""
    if name == "model" and not asked.words:
        return await model.show(asked)
    return await asked.admins.refusal(asked.team, asked.user) or await ORDERS[name](asked)


async def keep_persona(body: dict[str, Any], ack: AsyncAck, redis: Redis, admins: Admins, team: str) -> None:
    """Whoever submits the form may have lost the right to since it was opened."""
    user = body.get("user")
    person = user.get("id") if isinstance(user, dict) else None
    found = read_form(body.get("view"))
    if found is None or not isinstance(person, str):
        log.debug("ignored type=view_submission reason=not a persona")
        await ack()
        return
    try:
        async with within_three_seconds("persona", team=team, user=person):
            if refusal := await admins.refusal(team, person):
                await ack(response_action="errors", errors={INPUT: refusal})
                return
            said = await persona.save(redis, team, person, *found)
    except NotDone:
        await ack(response_action="errors", errors={INPUT: AWAY})
        return
    log.info("persona team=%s scope=%s user=%s chars=%d", team, found[0], person, len(found[1]))
    await ack(response_action="update", view=saved(said))

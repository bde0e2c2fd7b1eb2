"""Somebody submitted the form for a persona, which `/parley persona` opens."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.commands import persona
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.talk.payload import find
from bot.views.persona import INPUT, PERSONA, read_form, saved

log = logging.getLogger("parley.listeners")

AWAY = "I cannot keep this right now. Please try again in a minute."


def register(app: AsyncApp) -> None:
    app.view({"type": "view_submission", "callback_id": PERSONA})(submitted)


async def submitted(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    """Whoever submits the form may have lost the right to since it was opened."""
    user = find(body, "user", "id")
    form = read_form(body.get("view"))
    if form is None or not isinstance(user, str):
        log.debug("ignored type=view_submission reason=not a persona")
        await ack()
        return
    scope, text = form
    try:
        async with within_three_seconds("persona", team=team, user=user):
            if refusal := await services.admins.refusal(team, user):
                await ack(response_action="errors", errors={INPUT: refusal})
                return
            answer = await persona.save(services.redis, team, user, scope, text)
    except NotDone:
        await ack(response_action="errors", errors={INPUT: AWAY})
        return
    log.info("persona team=%s scope=%s user=%s chars=%d", team, scope, user, len(text))
    await ack(response_action="update", view=saved(answer))

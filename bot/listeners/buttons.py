"""Somebody used a button of ours in a message.

Slack does not send a click again, so each is answered, if need be with a sentence that only its author sees.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.commands import usage
from bot.intake import read_click
from bot.intake.admission import Way
from bot.intake.read_click import Click
from bot.listeners import feedback, forget, regenerate, stop
from bot.listeners.ephemeral import Notice, tell
from bot.services import Services
from bot.slack.deadline import NotDone, within_three_seconds
from bot.talk.payload import Ignored
from bot.views import feedback as feedback_view
from bot.views import footer
from bot.views import forget as forget_view
from bot.views import usage as usage_view

log = logging.getLogger("parley.listeners")

AWAY = Notice("I cannot do that right now. Please try again in a minute.")
ASKING_AGAIN = {footer.REGENERATE, footer.CONTINUE}

HANDLERS: dict[str, Callable[[Click, Services], Awaitable[Notice | None]]] = {
    footer.STOP: stop.press,
    footer.REGENERATE: regenerate.regenerate,
    footer.CONTINUE: regenerate.go_on,
    footer.FEEDBACK: feedback.vote,
    f"{footer.FEEDBACK}_good": feedback.vote,
    f"{footer.FEEDBACK}_bad": feedback.vote,
    feedback_view.COMMENT: feedback.open_comment,
    usage_view.POST: usage.post,
    forget_view.CONFIRM: forget.confirm,
}


def register(app: AsyncApp) -> None:
    for action_id in HANDLERS:
        app.action({"type": "block_actions", "action_id": action_id})(receive)


async def receive(body: dict[str, Any], ack: AsyncAck, services: Services, team: str) -> None:
    await ack()
    click = read_click.read(body, team, services.identity.enterprise)
    if isinstance(click, Ignored):
        log.debug("ignored type=block_actions reason=%s", click.reason)
        return
    try:
        async with within_three_seconds("click", action=click.action_id, thread=click.thread, user=click.user):
            notice = await _obey(click, services)
    except NotDone:
        tell(services.plain_web, click.thread, click.user, AWAY)
        return
    tell(services.web, click.thread, click.user, notice)


async def _obey(click: Click, services: Services) -> Notice | None:
    way = Way.ASK_AGAIN if click.action_id in ASKING_AGAIN else Way.CLICK
    if reason := await services.admission.refusal(click.asker, way, click.where):
        log.debug("ignored type=block_actions reason=%s", reason)
        return Notice(reason.sentence)
    return await HANDLERS[click.action_id](click, services)

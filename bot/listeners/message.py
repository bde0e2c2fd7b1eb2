"""A message in a channel we are in, or to us."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

from bot.intake.read_message import read
from bot.listeners import stop, welcome
from bot.services import Services
from bot.talk.payload import Ignored

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    app.event("message")(receive)


async def receive(body: dict[str, Any], context: AsyncBoltContext, services: Services, team: str) -> None:
    """Keep a message that is for us. Raises redis.RedisError, and then Slack delivers it again."""
    heard = read(body, team, services.identity.user, context.enterprise_id)
    if isinstance(heard, Ignored):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), heard.reason)
        return
    if heard.says_stop and await stop.obey(heard, services):
        return
    if reason := await services.intake.take(heard):
        log.debug("ignored event_id=%s reason=%s", body.get("event_id"), reason)
        return
    if heard.message.direct:
        await welcome.greet(services, team, heard.message.thread.channel)

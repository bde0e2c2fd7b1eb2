"""Somebody used a button below a reply.

Slack does not send a click again, so each is answered, if need be with a sentence that only its author sees.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot import clicks
from bot.admins import Admins
from bot.audience import Audience
from bot.clicks import Click
from bot.guests import is_guest
from bot.incoming import Ignored
from bot.listeners import again, feedback, stop, usage
from bot.listeners.notice import Notice, tell
from bot.slack import Identity
from bot.store.access import rules
from bot.store.inbox import Inbox
from bot.views import feedback as feedback_view
from bot.views import reply
from bot.views import usage as usage_view

log = logging.getLogger("parley.listeners")

# Slack waits three seconds (https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response).
MOST_SECONDS = 2.5
AWAY = Notice("I cannot do that right now. Please try again in a minute.")
NOT_HERE = Notice("I may not answer you here.")
# Who uses these asks for an answer.
ASKING = {reply.REGENERATE, reply.CONTINUE}

HANDLERS: dict[str, Callable[[Click, Inbox, "Redis", AsyncWebClient, Admins], Awaitable[Notice | None]]] = {
    reply.STOP: stop.press,
    reply.REGENERATE: again.regenerate,
    reply.CONTINUE: again.go_on,
    reply.FEEDBACK: feedback.vote,
    f"{reply.FEEDBACK}_good": feedback.vote,
    f"{reply.FEEDBACK}_bad": feedback.vote,
    feedback_view.COMMENT: feedback.open_comment,
    usage_view.POST: usage.post,
}


def register(app: AsyncApp) -> None:
    for action_id in HANDLERS:
        app.action({"type": "block_actions", "action_id": action_id})(receive)


async def receive(
    body: dict[str, Any],
    ack: AsyncAck,
    inbox: Inbox,
    redis: "Redis",
    web: AsyncWebClient,
    client: AsyncWebClient,
    admins: Admins,
    audience: Audience,
    identity: Identity,
    team: str,
) -> None:
    await ack()
    click = clicks.read(body, team, identity.enterprise)
    if isinstance(click, Ignored):
        log.debug("ignored type=block_actions reason=%s", click.reason)
        return
    try:
        async with asyncio.timeout(MOST_SECONDS):
            audience = audience.under(await rules(redis, team, click.thread.channel))
            if reason := await _unwelcome(click, audience, redis, web):
                log.debug("ignored type=block_actions reason=%s", reason.reason)
                notice: Notice | None = NOT_HERE
            else:
                notice = await HANDLERS[click.action_id](click, inbox, redis, web, admins)
    except (RedisError, TimeoutError) as error:
        log.warning("not done action=%s thread=%s error=%s", click.action_id, click.thread, type(error).__name__)
        # The other client would ask the budget first, which is in Redis.
        tell(client, click.thread, click.user, AWAY)
        return
    tell(web, click.thread, click.user, notice)


async def _unwelcome(click: Click, audience: Audience, redis: "Redis", web: AsyncWebClient) -> Ignored | None:
    """The reason why the click is not for us: whoever may not ask may not do so by a button. Raises redis.RedisError.

    Guests may stop what they have asked, and say what they think.
    """
    thread = click.thread
    if click.outsider and not audience.external:
        return Ignored("a person of another company")
    if click.action_id not in ASKING:
        return None
    if not audience.is_in(thread.channel, direct=thread.channel.startswith("D")):
        return Ignored("a channel that is not on the list")
    if not audience.guests and await is_guest(redis, web, thread.team, click.user):
        return Ignored("a guest")
    return None

"""Somebody confirms that we forget conversations. What is done takes as long as Redis has keys, so nobody waits."""

import logging

from redis.exceptions import RedisError

from bot import background
from bot.commands import forget
from bot.intake.read_click import Click
from bot.services import Services
from bot.slack.errors import describe
from bot.slack.respond import replace
from bot.views import forget as view
from bot.views.forget import Scope

log = logging.getLogger("parley.listeners")

AWAY = "I could not forget everything, because my memory is out of reach. Please try again in a minute."


async def confirm(click: Click, services: Services) -> None:
    """What comes of it stands in place of the question, which nobody else sees. Raises redis.RedisError."""
    scope = await forget.confirmed(services, click.asker, click.where, click.value)
    if scope is None:
        log.info("not confirmed team=%s channel=%s user=%s", click.thread.team, click.thread.channel, click.user)
    background.run(_answer(services, click, scope))


async def _answer(services: Services, click: Click, scope: Scope | None) -> None:
    text = await _forget(services, click, scope) if scope else view.STALE
    if click.response_url:
        await replace(services.web, click.response_url, text)


async def _forget(services: Services, click: Click, scope: Scope) -> str:
    try:
        return view.done(await forget.forget(services.redis, click.where, click.user, scope))
    except RedisError as error:
        log.warning(
            "not forgotten team=%s channel=%s error=%s", click.thread.team, click.thread.channel, describe(error)
        )
        return AWAY

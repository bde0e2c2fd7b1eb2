"""The app is removed from a workspace, or its token is taken away: the two events come in any order.

https://docs.slack.dev/reference/events/app_uninstalled and .../tokens_revoked
"""

import logging
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.services import Services
from bot.store.threads.erase import erase
from bot.talk.payload import find, items

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)


async def uninstalled(services: Services, team: str) -> None:
    """Raises redis.RedisError, and then Slack delivers it again."""
    deleted = await erase(services.redis, services.inbox, team)
    log.info("uninstalled team=%s keys_erased=%d", team, deleted)


async def revoked(event: dict[str, Any], services: Services, team: str) -> None:
    """Erase the team if our own token was revoked; those of people do not matter. Raises redis.RedisError."""
    if services.identity.user in items(find(event, "tokens", "bot")):
        deleted = await erase(services.redis, services.inbox, team)
        log.info("token revoked team=%s keys_erased=%d", team, deleted)

"""The app is removed from a workspace, or its token is taken away: the two events come in any order.

https://docs.slack.dev/reference/events/app_uninstalled and .../tokens_revoked
"""

import logging
from typing import Any

from redis.asyncio import Redis
from slack_bolt.async_app import AsyncApp

from bot.slack.identity import Identity
from bot.store.threads.erase import erase
from bot.store.threads.inbox import Inbox

log = logging.getLogger("parley.listeners")


def register(app: AsyncApp) -> None:
    app.event("app_uninstalled")(uninstalled)
    app.event("tokens_revoked")(revoked)


async def uninstalled(inbox: Inbox, redis: Redis, team: str) -> None:
    """Raises redis.RedisError, and then Slack delivers it again."""
    deleted = await erase(redis, inbox, team)
    log.info("uninstalled team=%s keys_erased=%d", team, deleted)


async def revoked(event: dict[str, Any], inbox: Inbox, redis: Redis, team: str, identity: Identity) -> None:
    """People's own tokens are no business of ours, the bot's is. Raises redis.RedisError."""
    tokens = event.get("tokens")
    bots = tokens.get("bot") if isinstance(tokens, dict) else None
    if isinstance(bots, list) and identity.user in bots:
        deleted = await erase(redis, inbox, team)
        log.info("token revoked team=%s keys_erased=%d", team, deleted)

"""The three seconds within which Slack wants an answer to a click, a command or a form.

https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe

log = logging.getLogger("parley.listeners")

# Enough to ask Slack twice for a second each (`directory.ASK_SECONDS`), and Redis. The rest is for the network.
MOST_SECONDS = 2.2


class NotDone(Exception):
    """Redis or Slack failed, or one of them took too long. `why` is what was raised."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


@asynccontextmanager
async def within_three_seconds(what: str, **about: object) -> AsyncIterator[None]:
    """Cancel the block when there is no more time for it. Raises NotDone after logging it.

    The log line has `what` and `about`, so neither may hold anything that people wrote.
    """
    try:
        async with asyncio.timeout(MOST_SECONDS):
            yield
    except SLACK_OR_REDIS_TROUBLE as error:
        told = "".join(f" {name}={value}" for name, value in about.items())
        log.warning("not done what=%s%s error=%s", what, told, describe(error))
        raise NotDone(error) from error

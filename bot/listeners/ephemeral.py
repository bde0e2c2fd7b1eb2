"""A notice: what one person is told in a thread, seen by nobody else."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot import background
from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe
from bot.talk.message import Thread
from bot.views.blocks import Block

log = logging.getLogger("parley.listeners")


@dataclass(frozen=True)
class Notice:
    """`text` stands in for `blocks` where those are not shown."""

    text: str
    blocks: Sequence[Block] = ()


def tell(web: AsyncWebClient, thread: Thread, user: str, notice: Notice | None) -> None:
    """Show the notice, if there is one, without waiting for Slack."""
    if notice:
        background.run(_post(web, thread, user, notice))


async def _post(web: AsyncWebClient, thread: Thread, user: str, notice: Notice) -> None:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
    try:
        await web.chat_postEphemeral(
            channel=thread.channel, user=user, thread_ts=thread.ts, text=notice.text, blocks=notice.blocks or None
        )
    except SLACK_OR_REDIS_TROUBLE as error:
        log.debug("not told thread=%s user=%s error=%s", thread, user, describe(error))

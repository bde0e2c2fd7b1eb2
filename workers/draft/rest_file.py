"""The file with the rest of an answer that is too long for messages."""

import logging

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.errors import SLACK_OR_REDIS_TROUBLE, describe, retry_after, verdict
from bot.store.threads import replies
from workers.draft.clock import Clock
from workers.draft.turn import Turn
from workers.draft.upload import MarkdownFile, NoUpload, upload_markdown

log = logging.getLogger("parley.draft")

FILE_NAME = "answer.md"


class RestFile:
    """One for each draft; a file that an earlier attempt of the turn has shared is found again."""

    def __init__(self, slack: AsyncWebClient, redis: Redis, turn: Turn, clock: Clock) -> None:
        self._slack, self._redis, self._turn, self._clock = slack, redis, turn, clock
        self._id = turn.reply.file

    async def share(self, text: str) -> bool:
        """Share the text in the thread, however often that takes; False if Slack takes no file."""
        thread = self._turn.message.thread
        file = MarkdownFile(text, FILE_NAME, FILE_NAME)
        while True:
            try:
                self._turn.may_send()
                await upload_markdown(self._slack, thread, file, known=self._id, keep=self._keep)
                return True
            except NoUpload as refusal:
                log.warning("no file thread=%s error=%s", thread, refusal)
                return False
            except SLACK_OR_REDIS_TROUBLE as error:
                log.warning("file not shared thread=%s error=%s", thread, describe(error))
                kind = verdict(error)
                if kind not in ("limited", "transient"):
                    return False
                pause = retry_after(error) if kind == "limited" else 0.0
                await self._clock.wait(max(pause, self._clock.backoff.wait))

    async def _keep(self, file: str) -> None:
        self._turn.may_send()
        self._id = file
        await replies.save_file(self._redis, self._turn.message.thread, self._turn.message.ts, file)

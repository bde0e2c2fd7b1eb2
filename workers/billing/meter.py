"""Counts what an attempt at a question bills, whatever becomes of it (invariant 12), at the prices of today."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot import models
from bot.models import Usage
from bot.settings import Settings
from bot.store.counts.bills import Bill
from bot.store.counts.usage import BilledPiece, Counted, Outcome
from bot.store.rules.budgets import Hold, Settled
from bot.store.threads import replies
from bot.store.threads.replies import Reply
from bot.talk.message import Message
from workers.claude.stream import CHARS_PER_TOKEN


class Meter:
    """Learns what calls bill (a UsageObserver), and makes the bill of the attempt.

    `model` is the model to be asked, later the one that answered. `hold` is the budget's hold for the call.
    `unread` says that the prompt cache was due to be read and was not.
    """

    def __init__(self, settings: Settings, redis: Redis, message: Message) -> None:
        self._settings, self._redis, self._message = settings, redis, message
        self._began = time.monotonic()
        self._first_text: float | None = None
        self._usage: list[Usage] = []
        self.model = settings.model
        self.hold: Hold | None = None
        self.unread = False

    def take_over(self, reply: Reply) -> None:
        """Count what an attempt billed whose worker died. Its output is estimated from the text that people saw."""
        self._usage = [Usage(**piece) for piece in reply.billed]
        if self._usage and self._usage[-1].estimated:
            output = max(self._usage[-1].output, -(-len(reply.text) // CHARS_PER_TOKEN))
            self._usage[-1] = replace(self._usage[-1], output=output)

    async def began(self, usage: Sequence[Usage]) -> None:
        """Store what the call has billed so far, for the next attempt if this process is killed."""
        pieces = [asdict(piece) for piece in (*self._usage, *usage)]
        with suppress(RedisError):
            await replies.save_billed(self._redis, self._message.thread, self._message.ts, pieces)

    def add(self, usage: Sequence[Usage]) -> None:
        """A call is over: `usage` is all that it billed."""
        self._usage += usage

    def show(self) -> None:
        """The first text has arrived; later calls change nothing."""
        if self._first_text is None:
            self._first_text = time.monotonic() - self._began

    def bill(self, outcome: Outcome | None) -> Bill | None:
        """The bill, or None if there is nothing to write down. Without an outcome the question will be retried."""
        if outcome is None and not self._usage and self.hold is None:
            return None
        message = self._message
        pieces = tuple(priced(usage) for usage in self._usage)
        counted = Counted(
            message.thread.team,
            message.thread.channel,
            message.user,
            time.time(),
            self.model,
            outcome,
            pieces,
            self._first_text,
            time.monotonic() - self._began,
            self.unread,
            self._settings.usage_days,
        )
        cost = sum(piece.cost or 0 for piece in pieces)
        return Bill(counted, Settled(self.hold, cost) if self.hold else None)


def priced(usage: Usage) -> BilledPiece:
    return BilledPiece(
        usage.model,
        usage.input,
        usage.output,
        usage.write_5m,
        usage.write_1h,
        usage.read,
        usage.searches,
        models.cost(usage),
        models.saved(usage),
        usage.estimated,
    )

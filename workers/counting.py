"""What a question cost, for the counts of bot.store.usage: each billed piece with its price of today."""

from collections.abc import Iterable

from bot.incoming import Message
from bot.store.usage import KEEP_DAYS, Counted, Outcome, Piece
from workers import models
from workers.models import Usage


def counted(
    message: Message,
    at: float,
    model: str,
    outcome: Outcome | None,
    usage: Iterable[Usage] = (),
    *,
    first_text: float | None = None,
    total: float | None = None,
    keep_days: int = KEEP_DAYS,
) -> Counted:
    """`at` is in seconds since the epoch, `model` the one that answered or was to answer.

    `outcome` is None for an attempt after which the question is given back; times of 0 are none.
    """
    return Counted(
        message.thread.team,
        message.thread.channel,
        message.user,
        at,
        model,
        outcome,
        tuple(map(piece, usage)),
        first_text or None,
        total or None,
        keep_days,
    )


def piece(usage: Usage) -> Piece:
    return Piece(
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

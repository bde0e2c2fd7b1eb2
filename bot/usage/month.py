"""This month at a glance, for the Home tab: what one person used, and for admins what the workspace did."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from redis.asyncio import Redis

from bot.store.rules.budgets import EACH, PERIODS, Cap, Caps, Spent
from bot.usage import report
from bot.usage.query import Query, Subject, known_from, read_period
from bot.usage.report import Report


@dataclass(frozen=True)
class Overview:
    """`budgets` are those that hold for the person, or all that are set in the workspace."""

    report: Report
    budgets: Sequence[Spent]


async def of_person(redis: Redis, team: str, user: str, today: date) -> Overview:
    """Raises redis.RedisError."""
    return Overview(
        *await asyncio.gather(
            report.gather(redis, team, Query(read_period("month", today), Subject("user", user)), today),
            _own_budgets(Caps(redis, 0), team, user, today),
        )
    )


async def of_workspace(redis: Redis, team: str, today: date, keep_days: int) -> Overview:
    """Raises redis.RedisError."""
    query = Query(read_period("month", today), known_from=known_from(today, keep_days))
    return Overview(
        *await asyncio.gather(
            report.gather(redis, team, query, today),
            Caps(redis, 0).spending(team),
        )
    )


async def _own_budgets(caps: Caps, team: str, user: str, today: date) -> list[Spent]:
    """A person's own budget of a day or month stands in place of what holds for each."""
    scope, names = f"user:{user}", {"day": f"{today}", "month": f"{today:%Y-%m}"}
    found = {(each.cap.scope, each.cap.period): each for each in await caps.spending(team)}
    own = []
    for period in PERIODS:
        if given := found.get((scope, period)):
            own.append(given)
        elif each := found.get((EACH, period)):
            own.append(Spent(Cap(scope, period, each.cap.amount), await caps.spent(team, scope, names[period])))
    return own

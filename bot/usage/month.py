"""This month at a glance, for the Home tab: what one person used, and for admins what the whole workspace used."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from redis.asyncio import Redis

from bot.store.rules.budgets import BUDGET_PERIODS, EACH, Budget, Budgets, Spent
from bot.usage import report
from bot.usage.query import Query, Subject, known_from, read_period
from bot.usage.report import Report


@dataclass(frozen=True)
class Overview:
    """The report of this month. `budgets` are those that hold for the person, or all that are set in the workspace."""

    report: Report
    budgets: Sequence[Spent]


async def of_person(redis: Redis, team: str, user: str, today: date) -> Overview:
    """Raises redis.RedisError."""
    query = Query(read_period("month", today), Subject("user", user))
    own, budgets = await asyncio.gather(
        report.gather(redis, team, query, today),
        _own_budgets(Budgets(redis, 0), team, user, today),
    )
    return Overview(own, budgets)


async def of_workspace(redis: Redis, team: str, today: date, keep_days: int) -> Overview:
    """Raises redis.RedisError."""
    query = Query(read_period("month", today), known_from=known_from(today, keep_days))
    whole, budgets = await asyncio.gather(
        report.gather(redis, team, query, today),
        Budgets(redis, 0).spending(team),
    )
    return Overview(whole, budgets)


async def _own_budgets(budgets: Budgets, team: str, user: str, today: date) -> list[Spent]:
    """The budgets that hold for a person: their own one of a day or month, else that of each person."""
    scope = f"user:{user}"
    names = {"day": f"{today}", "month": f"{today:%Y-%m}"}
    known = {(spent.budget.scope, spent.budget.period): spent for spent in await budgets.spending(team)}
    own = []
    for period in BUDGET_PERIODS:
        if (scope, period) in known:
            own.append(known[scope, period])
        elif (EACH, period) in known:
            budget = Budget(scope, period, known[EACH, period].budget.amount)
            own.append(Spent(budget, await budgets.spent(team, scope, names[period])))
    return own

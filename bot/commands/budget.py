"""`/parley budget`: what may be spent."""

from typing import cast

from bot.commands.command import Command
from bot.commands.scope import check, take_scope
from bot.commands.verbs import follow
from bot.store import keys
from bot.store.rules import audit
from bot.store.rules.budgets import BUDGET_PERIODS, BudgetPeriod, Budgets, budget_field
from bot.talk.arguments import Unclear, Words
from bot.usage import money
from bot.usage.money import dollars
from bot.views.scope import render_scope as shown

DOLLARS = {"usd", "dollar", "dollars"}
SCOPES = ("workspace", "channel", "each", "user")
USAGE = (
    "Say, for example, `/parley budget set $20 month`, `/parley budget set $5 day #general`, "
    "`/parley budget set $1 day each`, or `/parley budget clear day @ben`."
)
WORDS = {"day": "day", "daily": "day", "month": "month", "monthly": "month"}


async def answer(command: Command) -> str:
    """Raises Unclear."""
    return await follow(command, {"show": _show, "set": _set, "clear": _clear}, "budgets", USAGE)


async def _show(command: Command) -> str:
    Words(command.words).end(USAGE)
    spending = await Budgets(command.services.redis, 0).spending(command.team)
    if not spending:
        return f"There are no budgets here: everybody may ask as much as they like. {USAGE}"
    lines = ["Budgets (days and months are UTC):"]
    for spent in spending:
        budget = spent.budget
        line = f"• {shown(budget.scope)}: {dollars(budget.amount)} a {budget.period}"
        if spent.spent is not None:
            line += f", {dollars(spent.spent)} of it spent ({_share(spent.spent, budget.amount)})"
        lines.append(line)
    return "\n".join(lines)


async def _set(command: Command) -> str:
    words = Words(command.words)
    period = _period(words)
    scope = take_scope(words, command, SCOPES, "workspace")
    amount = words.take("amount", money.is_amount)
    if any(word.lower() not in DOLLARS for word in words.take_all(money.is_currency)):
        raise Unclear(f"{money.DOLLARS_ONLY} Nothing was changed.")
    words.end(USAGE)
    if amount is None:
        raise Unclear(f"How much? {USAGE}")
    if period is None:
        raise Unclear(f"For a `day` or a `month`? {USAGE}")
    try:
        micro = money.read(amount)
    except money.InvalidAmount as amiss:
        raise Unclear(f"{amiss} Nothing was changed.") from None
    await check(scope, command.services.web)
    before = await _change(command, scope, period, str(micro))
    was = "There was no budget before." if before is None else f"It was {dollars(int(before))}."
    return f"Done: {shown(scope)} may spend {dollars(micro)} a {period}. {was}"


async def _clear(command: Command) -> str:
    words = Words(command.words)
    period = _period(words)
    scope = take_scope(words, command, SCOPES, "workspace")
    words.end(USAGE)
    gone = []
    for cleared in (period,) if period else BUDGET_PERIODS:
        before = await _change(command, scope, cleared, None)
        if before is not None:
            gone.append(f"{dollars(int(before))} a {cleared}")
    if not gone:
        return f"There was no budget to take away from {shown(scope)}."
    rest = " What holds for each person counts for them again." if scope.startswith("user:") else ""
    return f"Done: the budget of {shown(scope)} is gone (it was {' and '.join(gone)}).{rest}"


async def _change(command: Command, scope: str, period: BudgetPeriod, value: str | None) -> str | None:
    """Set the budget in micro-dollars, None clears it; what was set before."""
    redis, team = command.services.redis, command.team
    field = budget_field(scope, period)
    wanted = audit.SettingChange(team, command.user, f"budget {field}", keys.caps(team), field, value)
    changed = await audit.change(redis, wanted)
    return changed.before


def _period(words: Words) -> BudgetPeriod | None:
    word = words.take("period", lambda word: word.lower() in WORDS)
    return cast("BudgetPeriod", WORDS[word.lower()]) if word else None


def _share(spent: int, amount: int) -> str:
    return f"{100 * spent // amount} %" if amount else "100 %"

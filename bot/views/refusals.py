"""What people are told who may not ask, and when a budget or a limit is reached; and admins before it is."""

from collections.abc import Sequence

from bot.store.rules.budgets import WORKSPACE, Budget, OverBudget, Warned
from bot.store.rules.limits import EACH_PERSON, TooMany
from bot.usage.money import dollars
from bot.views.scope import render_scope

NOT_HERE = "I may not answer you here."
UNKNOWN = "I could not check with Slack whether you may ask me. Please try again in a minute."
IN_FLIGHT = "The answers that I am writing right now may use up the rest of {budget}. Please try again in a minute."
SPENT = "{budget} is used up. It starts anew on {when}. If you need more, ask {whom}."
MOST_WARNINGS = 20


def spent(refused: OverBudget, whom: str) -> str:
    """The sentence for whoever asked. `whom` is whom to ask for more."""
    budget = _budget(refused.budget)
    if refused.in_flight:
        return IN_FLIGHT.format(budget=budget)
    when = f"{refused.resets:%A}, {refused.resets.day} {refused.resets:%B} at 00:00 UTC"
    return SPENT.format(budget=_capitalized(budget), when=when, whom=whom)


def warning(warned: Sequence[Warned]) -> str:
    """One message for the admins about every budget that has reached a mark."""
    lines = [_warning_line(budget) for budget in warned[:MOST_WARNINGS]]
    more = len(warned) - len(lines)
    if more > 0:
        lines.append(f"… and {more} more. `/parley budget` shows what is set.")
    return "\n".join(["Budgets that run out:", *lines])


def slow_down(too_many: TooMany) -> str:
    """The kind sentence for whoever has written too much, with how long to wait."""
    is_of_person = too_many.scope == EACH_PERSON or too_many.scope.startswith("user:")
    where = "from you" if is_of_person else "in this channel"
    if not too_many.most:
        return f"I take no messages {where} at the moment: so the admins here have decided."
    count = "1 message" if too_many.most == 1 else f"{too_many.most} messages"
    wait = _in(too_many.wait)
    return f"I take {count} a {too_many.window} {where}, so I left out your last one. Please ask again {wait}."


def _warning_line(warned: Warned) -> str:
    scope = _capitalized(render_scope(warned.whose))
    spent, amount = dollars(warned.spent), _amount(warned.budget)
    return f"• {scope}: {warned.level} % reached, {spent} of {amount}"


def _budget(budget: Budget) -> str:
    amount = _amount(budget)
    if budget.scope == WORKSPACE:
        return f"this workspace's budget of {amount}"
    if budget.scope.startswith("channel:"):
        return f"this channel's budget of {amount}"
    return f"your budget of {amount}"


def _amount(budget: Budget) -> str:
    return f"{dollars(budget.amount)} {'today' if budget.period == 'day' else 'this month'}"


def _capitalized(text: str) -> str:
    """`str.capitalize` would also make small letters of an id."""
    return text[0].upper() + text[1:]


def _in(seconds: float) -> str:
    if seconds <= 90:
        return f"in {max(1, round(seconds))} seconds"
    if seconds <= 5400:
        return f"in {round(seconds / 60)} minutes"
    return f"in {round(seconds / 3600)} hours"

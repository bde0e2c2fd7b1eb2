"""What people are told when a budget or a limit is reached, and admins before it is."""

from collections.abc import Sequence

from bot.store.rules.budgets import EACH, WORKSPACE, Cap, Refused, Warned
from bot.store.rules.limits import EACH_CHANNEL, EACH_PERSON, TooMany
from bot.usage.money import dollars

IN_FLIGHT = "The answers that I am writing right now may use up the rest of {cap}. Please try again in a minute."
SPENT = "{cap} is used up. It starts anew on {when}. If you need more, ask {whom}."
MOST_WARNINGS = 20


def spent(refused: Refused, whom: str) -> str:
    """The sentence for whoever asked. `whom` is whom to ask for more."""
    cap = _budget(refused.cap)
    if refused.in_flight:
        return IN_FLIGHT.format(cap=cap)
    when = f"{refused.resets:%A}, {refused.resets.day} {refused.resets:%B} at 00:00 UTC"
    return SPENT.format(cap=cap[0].upper() + cap[1:], when=when, whom=whom)


def warning(warned: Sequence[Warned]) -> str:
    """One message for the admins about every budget that has reached a mark."""
    lines = [
        f"• {scope(each.whose)[0].upper()}{scope(each.whose)[1:]}: {each.level} % reached, {dollars(each.spent)} of "
        f"{dollars(each.cap.amount)} {'today' if each.cap.period == 'day' else 'this month'}"
        for each in warned[:MOST_WARNINGS]
    ]
    more = len(warned) - len(lines)
    rest = [f"… and {more} more. `/parley budget` shows what is set."] if more > 0 else []
    return "\n".join(["Budgets that run out:", *lines, *rest])


def slow_down(too_many: TooMany) -> str:
    """Kindly, and with how long to wait."""
    count = "no messages" if not too_many.most else f"{too_many.most} message{'s' if too_many.most > 1 else ''}"
    window = "minute" if too_many.window == "minute" else "day"
    where = "from you" if too_many.scope == EACH_PERSON or too_many.scope.startswith("user:") else "in this channel"
    if not too_many.most:
        return f"I take no messages {where} at the moment: so the admins here have decided."
    return f"I take {count} a {window} {where}, so I left out your last one. Please ask again {_in(too_many.wait)}."


def scope(name: str) -> str:
    """A scope as people read it."""
    names = {WORKSPACE: "this workspace", EACH: "each person", EACH_CHANNEL: "each channel"}
    kind, _, id = name.partition(":")
    shown = {"channel": f"<#{id}>", "thread": f"a thread of <#{id.partition(':')[0]}>", "user": f"<@{id}>"}
    return names.get(name) or shown[kind]


def _budget(cap: Cap) -> str:
    amount = f"{dollars(cap.amount)} {'today' if cap.period == 'day' else 'this month'}"
    if cap.scope == WORKSPACE:
        return f"this workspace's budget of {amount}"
    if cap.scope.startswith("channel:"):
        return f"this channel's budget of {amount}"
    return f"your budget of {amount}"


def _in(seconds: float) -> str:
    if seconds <= 90:
        return f"in {max(1, round(seconds))} seconds"
    if seconds <= 5400:
        return f"in {round(seconds / 60)} minutes"
    return f"in {round(seconds / 3600)} hours"

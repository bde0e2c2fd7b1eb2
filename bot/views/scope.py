"""How people read a scope: where a budget, a limit, or another thing that admins decide holds."""

from bot.store.rules.budgets import EACH, WORKSPACE
from bot.store.rules.limits import EACH_CHANNEL


def render_scope(scope: str) -> str:
    """`this workspace`, `each person`, or a mention of the channel or person, as mrkdwn."""
    names = {WORKSPACE: "this workspace", EACH: "each person", EACH_CHANNEL: "each channel"}
    if scope in names:
        return names[scope]
    kind, _, id = scope.partition(":")
    mentions = {"channel": f"<#{id}>", "thread": f"a thread of <#{id.partition(':')[0]}>", "user": f"<@{id}>"}
    return mentions[kind]

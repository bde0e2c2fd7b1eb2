"""The Home tab: what happens to what people say, their newest threads, what was used, and a button to forget."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.manifest import COMMAND
from bot.store.counts.usage import DIRECT, Top
from bot.store.rules.budgets import Spent
from bot.usage.figures import change, shortened
from bot.usage.money import dollars
from bot.usage.month import Overview
from bot.views.blocks import (
    Block,
    View,
    actions,
    button,
    context,
    divider,
    fields,
    header,
    mrkdwn,
    plain_text,
    section,
)
from bot.views.scope import render_scope

FORGET = "parley_forget"
MOST_THREADS = 5
MOST_BUDGETS = 10
AWAY = "I cannot look that up right now. Open this tab again in a minute."
NONE_YET = "None yet."

DATA = (
    "• Of what is said in a channel I keep only the threads that I take part in. They are sent to Anthropic's Claude "
    "API for an answer, and kept for {days} days after a thread's last answer.\n"
    "• If you edit or delete a message, I follow. `{command} forget` makes me forget what only you asked me in a "
    "channel; for an admin, all of it.\n"
    "• Answers come from an AI model and may be wrong."
)
FOR_ADMINS = {
    "usage month": "the month in full: a chart, and who, where and which model; `export` gives it as a file",
    "budget": "what may be spent; `budget set $20 month` sets it",
    "access": "whom I answer, and where",
    "audit": "who changed what",
}


@dataclass(frozen=True)
class RecentThread:
    """A thread in which the person wrote to us; `link` is None where Slack gives none."""

    channel: str
    ts: str
    link: str | None


def home(
    threads: Sequence[RecentThread] | None,
    direct: str | None,
    history_days: int,
    own: Overview | None = None,
    workspace: Overview | None = None,
) -> View:
    """The view. `threads` and `own` are None if they could not be looked up.

    `direct` is the value of the button that forgets the person's direct messages with us. `workspace` is for admins
    only.
    """
    blocks = [
        header("Parley"),
        section("Ask me anything: mention me in a channel, or write to me under *Messages*."),
        header("What I do with what you say"),
        section(DATA.format(days=history_days, command=COMMAND)),
        header("Your newest threads"),
        _threads(threads),
        header("Your usage this month"),
        *_own(own),
    ]
    if workspace:
        blocks += _workspace(workspace)
    if direct:
        blocks += [divider(), actions(_forget(direct))]
    return {"type": "home", "blocks": blocks}


def _threads(threads: Sequence[RecentThread] | None) -> Block:
    if threads is None:
        return _context(AWAY)
    if not threads:
        return _context(NONE_YET)
    return section("\n".join(_thread_line(thread) for thread in threads[:MOST_THREADS]))


def _own(own: Overview | None) -> list[Block]:
    if own is None:
        return [_context(AWAY)]
    now = own.report.now
    figures = {
        "Questions": f"{now.requests:,}",
        "Answers": f"{now.answers:,}",
        "Tokens": f"{shortened(now.tokens - now.output)} in, {shortened(now.output)} out",
        "Cost": dollars(now.cost),
    }
    budgets = [_budget(spent) for spent in own.budgets]
    more = f"{own.report.query.period}, days are UTC. `{COMMAND} usage me month` tells more."
    return [fields(figures), *_budgets("Your budget", budgets), _context(more)]


def _workspace(workspace: Overview) -> list[Block]:
    report = workspace.report
    is_comparable = report.query.is_comparable
    figures = {
        "Cost": f"{dollars(report.now.cost)}{change(report.change('cost'), is_comparable)}",
        "Questions": f"{report.now.requests:,}{change(report.change('requests'), is_comparable)}",
        "People": f"{report.tops['user'].number:,}",
        "Top channel": _top_channel(report.tops["channel"]),
    }
    budgets = [f"{render_scope(spent.budget.scope)}: {_budget(spent)}" for spent in workspace.budgets]
    commands = "\n".join(f"• `{COMMAND} {command}`: {what}" for command, what in FOR_ADMINS.items())
    return [
        divider(),
        header("This workspace this month"),
        _context(f"For admins only. {report.query.period}, {report.query.comparison}. Days are UTC."),
        fields(figures),
        *(_budgets("Budgets", budgets) or [_context("There are no budgets.")]),
        section(commands),
    ]


def _top_channel(channels: Top) -> str:
    if not channels.rows:
        return "–"
    channel, counts = channels.rows[0]
    name = "direct messages" if channel == DIRECT else f"<#{channel}>"
    return f"{name}, {dollars(counts.cost)}"


def _budgets(title: str, budgets: Sequence[str]) -> list[Block]:
    if not budgets:
        return []
    lines = [f"*{title}*", *(f"• {budget}" for budget in budgets[:MOST_BUDGETS])]
    if len(budgets) > MOST_BUDGETS:
        lines.append(f"… and {len(budgets) - MOST_BUDGETS} more.")
    return [section("\n".join(lines))]


def _budget(spent: Spent) -> str:
    amount = f"{dollars(spent.budget.amount)} a {spent.budget.period}"
    if spent.spent is None:
        return amount
    percent = 100 * spent.spent // spent.budget.amount if spent.budget.amount else 100
    return f"{dollars(spent.spent)} of {amount} spent ({percent} %)"


def _thread_line(thread: RecentThread) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""
    seconds = int(float(thread.ts))
    link = f"^{thread.link}" if thread.link else ""
    date = f"<!date^{seconds}^{{date_short_pretty}}, {{time}}{link}|a thread>"
    where = "in our direct messages" if thread.channel.startswith("D") else f"in <#{thread.channel}>"
    return f"• {date} {where}"


def _forget(direct: str) -> Block:
    confirm = {
        "title": plain_text("Forget?"),
        "text": plain_text("I forget all that we said in our direct messages. The messages stay in Slack."),
        "confirm": plain_text("Forget"),
        "deny": plain_text("Keep"),
        "style": "danger",
    }
    return button(FORGET, plain_text("Forget our direct messages"), direct, style="danger", confirm=confirm)


def _context(text: str) -> Block:
    return context(mrkdwn(text))

"""The Home tab: what happens to what people say, their newest threads, what was used, and a button to forget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.manifest import COMMAND
from bot.store.counts.usage import DIRECT
from bot.store.rules.budgets import Spent
from bot.usage.figures import change, shortened
from bot.usage.money import dollars
from bot.usage.month import Overview
from bot.views.refusals import scope

Block = dict[str, Any]

FORGET = "parley_forget"
MOST_THREADS = 5
MOST_BUDGETS = 10
AWAY = "I cannot look that up right now. Open this tab again in a minute."
NONE_YET = "None yet."

DATA = (
    "• Of what is said in a channel I keep only the threads that I take part in. They are sent to Anthropic's Claude "
    "API for an answer, and kept for {days} days after a thread's last answer.\n"
    "• If you edit or delete a message, I follow. `{command} forget` makes me forget all that was said to me in a "
    "channel.\n"
    "• Answers come from an AI model and may be wrong."
)
FOR_ADMINS = {
    "usage month": "the month in full: a chart, and who, where and which model; `export` gives it as a file",
    "budget": "what may be spent; `budget set $20 month` sets it",
    "access": "whom I answer, and where",
    "audit": "who changed what",
}


@dataclass(frozen=True)
class Talk:
    """A thread with us; `link` is None where Slack gives none."""

    channel: str
    ts: str
    link: str | None


def home(
    talks: Sequence[Talk] | None,
    direct: str | None,
    history_days: int,
    own: Overview | None = None,
    whole: Overview | None = None,
) -> dict[str, Any]:
    """The view. None for what could not be looked up; `whole` is for admins and left out for everybody else.

    `direct` is the person's direct message with us, which the button forgets.
    """
    blocks: list[Block] = [
        _header("Parley"),
        _section("Ask me anything: mention me in a channel, or write to me under *Messages*."),
        _header("What I do with what you say"),
        _section(DATA.format(days=history_days, command=COMMAND)),
        _header("Your newest threads"),
        _threads(talks),
        _header("Your usage this month"),
        *([_context(AWAY)] if own is None else _own(own)),
        *([] if whole is None else _whole(whole)),
    ]
    if direct:
        blocks += [{"type": "divider"}, {"type": "actions", "elements": [_forget(direct)]}]
    return {"type": "home", "blocks": blocks}


def _threads(talks: Sequence[Talk] | None) -> Block:
    if not talks:
        return _context(AWAY if talks is None else NONE_YET)
    return _section("\n".join(_line(talk) for talk in talks[:MOST_THREADS]))


def _own(own: Overview) -> list[Block]:
    now = own.report.now
    figures = {
        "Questions": f"{now.requests:,}",
        "Answers": f"{now.answers:,}",
        "Tokens": f"{shortened(now.tokens - now.output)} in, {shortened(now.output)} out",
        "Cost": dollars(now.cost),
    }
    more = f"{own.report.query.period}, days are UTC. `{COMMAND} usage me month` tells more."
    return [_fields(figures), *_budgets("Your budget", [_budget(each) for each in own.budgets]), _context(more)]


def _whole(whole: Overview) -> list[Block]:
    report, is_comparable = whole.report, whole.report.query.is_comparable
    people, channels = (report.tops[kind] for kind in ("user", "channel"))
    figures = {
        "Cost": f"{dollars(report.now.cost)}{change(report.change('cost'), is_comparable)}",
        "Questions": f"{report.now.requests:,}{change(report.change('requests'), is_comparable)}",
        "People": f"{people.number:,}",
        "Top channel": f"{_place(channels.rows[0][0])}, {dollars(channels.rows[0][1].cost)}" if channels.rows else "–",
    }
    budgets = [f"{scope(each.cap.scope)}: {_budget(each)}" for each in whole.budgets]
    commands = "\n".join(f"• `{COMMAND} {command}`: {what}" for command, what in FOR_ADMINS.items())
    return [
        {"type": "divider"},
        _header("This workspace this month"),
        _context(f"For admins only. {report.query.period}, {report.query.comparison}. Days are UTC."),
        _fields(figures),
        *(_budgets("Budgets", budgets) or [_context("There are no budgets.")]),
        _section(commands),
    ]


def _budgets(title: str, budgets: Sequence[str]) -> list[Block]:
    if not budgets:
        return []
    more = [f"… and {len(budgets) - MOST_BUDGETS} more."] if len(budgets) > MOST_BUDGETS else []
    return [_section("\n".join([f"*{title}*", *(f"• {each}" for each in budgets[:MOST_BUDGETS]), *more]))]


def _budget(each: Spent) -> str:
    amount = f"{dollars(each.cap.amount)} a {each.cap.period}"
    if each.spent is None:
        return amount
    share = f"{100 * each.spent // each.cap.amount} %" if each.cap.amount else "100 %"
    return f"{dollars(each.spent)} of {amount} spent ({share})"


def _place(channel: str) -> str:
    return "direct messages" if channel == DIRECT else f"<#{channel}>"


def _line(talk: Talk) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""
    seconds = int(float(talk.ts))
    date = f"<!date^{seconds}^{{date_short_pretty}}, {{time}}{f'^{talk.link}' if talk.link else ''}|a thread>"
    return f"• {date} {'in our direct messages' if talk.channel.startswith('D') else f'in <#{talk.channel}>'}"


def _forget(direct: str) -> Block:
    return {
        "type": "button",
        "action_id": FORGET,
        "value": direct,
        "style": "danger",
        "text": _plain("Forget our direct messages"),
        "confirm": {
            "title": _plain("Forget?"),
            "text": _plain("I forget all that we said in our direct messages. The messages stay in Slack."),
            "confirm": _plain("Forget"),
            "deny": _plain("Keep"),
            "style": "danger",
        },
    }


def _fields(figures: dict[str, str]) -> Block:
    shown = [{"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in figures.items()]
    return {"type": "section", "fields": shown}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text)}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}

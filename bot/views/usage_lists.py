"""The figures of a usage report as text, for where Slack takes no charts and tables."""

from collections.abc import Mapping

from bot.store.counts.usage import Top, UsageKind
from bot.usage.figures import bar, many, shortened
from bot.usage.money import dollars
from bot.usage.report import Report
from bot.views.usage_names import caption, name_as_mrkdwn

TEXT_ROWS = 10


def bars(report: Report) -> str:
    """The cost of each day or hour as a bar of characters."""
    most = max(cost for _, cost in report.costs)
    width = max(len(label) for label, _ in report.costs)
    lines = [f"{label:>{width}}  {bar(cost, most)} {dollars(cost)}" for label, cost in report.costs]
    return f"*Cost per {report.step}*\n```\n" + "\n".join(lines) + "\n```"


def ranking(kind: UsageKind, top: Top, names: Mapping[str, str] | None) -> str:
    """A numbered line for each person, channel or model."""
    rows = top.rows[:TEXT_ROWS]
    lines = [f"*{caption(kind, top, len(rows))}*"]
    for rank, (name, counts) in enumerate(rows, start=1):
        questions, tokens = many(counts.requests, "question"), f"{shortened(counts.tokens)} tokens"
        shown = name_as_mrkdwn(kind, name, names)
        lines.append(f"{rank}. {shown} · {dollars(counts.cost)} · {questions} · {tokens}")
    return "\n".join(lines)

"""The usage report: with charts and sortable tables, or as text where Slack does not take these blocks."""

from collections.abc import Mapping

from bot.store.counts.cells import Time
from bot.store.counts.usage import UsageKind
from bot.usage.figures import change, many, part, seconds, shortened
from bot.usage.money import dollars
from bot.usage.query import Subject
from bot.usage.report import Report
from bot.views.blocks import Block, actions, button, context, fields, header, mrkdwn, plain_text, section
from bot.views.usage_lists import bars, ranking
from bot.views.usage_names import name_as_mrkdwn
from bot.views.usage_tables import charts, table

POST = "parley_post_report"

BUTTON_VALUE_LENGTH = 2_000
NOTHING = "Nobody asked me anything in this time."

_PREPOSITIONS: Mapping[UsageKind, str] = {"user": "by", "channel": "in", "model": "of"}
_OUTCOMES = (("errors", "failed"), ("refusals", "refused"), ("stops", "stopped"))


def summary(report: Report) -> str:
    """One line, for notifications and where blocks are not shown."""
    now = report.now
    return f"Usage {report.query.period}: {dollars(now.cost)} for {many(now.requests, 'question')}."


def blocks(report: Report, value: str | None = None, names: Mapping[str, str] | None = None) -> list[Block]:
    """`value` is that of the button that posts the report; without one there is no button.

    `names` are display names by user id, for a report in which nobody may be mentioned. Without them people are
    mentioned, which alerts nobody in a message that only one person sees.
    """
    shown = _head(report, names)
    if not report.is_empty:
        shown += charts(report)
        shown += [table(kind, top, names) for kind, top in report.tops.items() if top.rows]
    return shown + _post_button(value)


def text_blocks(report: Report, value: str | None = None, names: Mapping[str, str] | None = None) -> list[Block]:
    """The same as text."""
    shown = _head(report, names)
    if not report.is_empty:
        if len(report.costs) > 1:
            shown.append(section(bars(report)))
        shown += [section(ranking(kind, top, names)) for kind, top in report.tops.items() if top.rows]
    return shown + _post_button(value)


def _head(report: Report, names: Mapping[str, str] | None) -> list[Block]:
    query = report.query
    subject = _subject(query.subject, names) if query.subject else ""
    shown = [
        header(f"Usage, {query.period}"),
        context(mrkdwn(f"What was asked{subject}, {query.comparison}. Days are UTC.")),
    ]
    if report.is_empty:
        return [*shown, section(NOTHING)]
    remarks = [context(mrkdwn(remark)) for remark in _remarks(report)]
    return [*shown, fields(_figures(report)), *remarks]


def _subject(subject: Subject, names: Mapping[str, str] | None) -> str:
    """` by @ada`, ` in #general`, ` of a model`"""
    name = name_as_mrkdwn(subject.kind, subject.name, names)
    shown = f"`{name}`" if subject.kind == "model" else name
    return f" {_PREPOSITIONS[subject.kind]} {shown}"


def _figures(report: Report) -> dict[str, str]:
    """Values by their names."""
    now, is_comparable = report.now, report.query.is_comparable
    outcomes = [f"{part(report.part(name))} {word}" for name, word in _OUTCOMES]
    return {
        "Cost": f"{dollars(now.cost)}{change(report.change('cost'), is_comparable)}",
        "Questions": f"{now.requests:,}{change(report.change('requests'), is_comparable)}",
        "Tokens": f"{shortened(now.tokens - now.output)} in, {shortened(now.output)} out",
        "Saved by the cache": f"{dollars(now.saved)}, {shortened(now.read)} tokens read",
        "First words": _times(report, "first"),
        "Whole answer": _times(report, "total"),
        "Ended otherwise": ", ".join(outcomes),
        "Web searches": f"{now.searches:,}",
        "Feedback": f"👍 {now.good:,}  👎 {now.bad:,}",
    }


def _times(report: Report, time: Time) -> str:
    median, p95 = report.seconds(time, 0.5), report.seconds(time, 0.95)
    if median is None or p95 is None:
        return "–"
    return f"{seconds(median)} (p50), {seconds(p95)} (p95)"


def _remarks(report: Report) -> list[str]:
    """What the figures leave out or only estimate."""
    now = report.now
    remarks = []
    if now.unpriced:
        remarks.append(f"{many(now.unpriced, 'call')} of models without a known price are not in the cost.")
    if now.estimated:
        remarks.append(f"{dollars(now.estimated)} of the cost is estimated: of answers that broke off.")
    if now.unread:
        remarks.append(f"For {many(now.unread, 'question')} the prompt cache had nothing although it should have.")
    return remarks


def _post_button(value: str | None) -> list[Block]:
    if value is None or len(value) > BUTTON_VALUE_LENGTH:
        return []
    return [actions(button(POST, plain_text("Post to channel"), value))]

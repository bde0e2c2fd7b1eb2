"""The usage report: with a chart and sortable tables, or as text where Slack does not take these blocks."""

from collections.abc import Mapping
from typing import Any

from bot.store.counts.cells import Counts, Time
from bot.store.counts.usage import DIRECT, Kind, Top
from bot.usage.figures import bar, change, many, part, seconds, shortened
from bot.usage.money import dollars
from bot.usage.query import Subject
from bot.usage.report import Report

Block = dict[str, Any]

POST = "parley_post_report"

# https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block; two charts to a message are observed.
CATEGORIES = 20
# More would be more than one looks at, and tables have 10,000 characters in all.
TABLE_ROWS = 20
TEXT_ROWS = 10
PAGE_SIZE = 5
MODEL_LENGTH = 60
BUTTON_VALUE_LENGTH = 2_000

TITLES: Mapping[Kind, tuple[str, str]] = {
    "user": ("People", "Person"),
    "channel": ("Channels", "Channel"),
    "model": ("Models", "Model"),
}
COLUMNS = ("Cost, USD", "Questions", "Tokens", "From cache", "Failed")
NOTHING = "Nobody asked me anything in this time."


def summary(report: Report) -> str:
    """One line, for notifications and where blocks are not shown."""
    now = report.now
    return f"Usage {report.query.period}: {dollars(now.cost)} for {many(now.requests, 'question')}."


def blocks(report: Report, value: str | None = None, names: Mapping[str, str] | None = None) -> list[Block]:
    """`value` is that of the button that posts it; without one there is no button.

    `names` are display names by user id, for whoever must not be mentioned; without them people are mentioned, which
    alerts nobody in a message that only one person sees.
    """
    shown = _head(report, names)
    if not report.is_empty:
        shown += _charts(report)
        shown += [_table(kind, top, names) for kind, top in report.tops.items() if top.rows]
    return shown + _button(value)


def text_blocks(report: Report, value: str | None = None, names: Mapping[str, str] | None = None) -> list[Block]:
    """The same as text."""
    shown = _head(report, names)
    if not report.is_empty:
        if len(report.costs) > 1:
            shown.append(_section(_bars(report)))
        shown += [_section(_list(kind, top, names)) for kind, top in report.tops.items() if top.rows]
    return shown + _button(value)


def _head(report: Report, names: Mapping[str, str] | None) -> list[Block]:
    query, subject = report.query, report.query.subject
    about = f" {_ABOUT[subject.kind]} {_subject(subject, names)}" if subject else ""
    shown: list[Block] = [
        {"type": "header", "text": {"type": "plain_text", "text": f"Usage, {query.period}"}},
        _context(f"What was asked{about}, {query.comparison}. Days are UTC."),
    ]
    if report.is_empty:
        return [*shown, _section(NOTHING)]
    fields = [{"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in _figures(report)]
    return [*shown, {"type": "section", "fields": fields}, *(_context(line) for line in _remarks(report))]


def _figures(report: Report) -> list[tuple[str, str]]:
    """Ten at the most: https://docs.slack.dev/reference/block-kit/blocks/section-block."""
    now, is_comparable = report.now, report.query.is_comparable
    ended = [f"{part(report.part(name))} {word}" for name, word in _OUTCOMES]
    return [
        ("Cost", f"{dollars(now.cost)}{change(report.change('cost'), is_comparable)}"),
        ("Questions", f"{now.requests:,}{change(report.change('requests'), is_comparable)}"),
        ("Tokens", f"{shortened(now.tokens - now.output)} in, {shortened(now.output)} out"),
        ("Saved by the cache", f"{dollars(now.saved)}, {shortened(now.read)} tokens read"),
        ("First words", _times(report, "first")),
        ("Whole answer", _times(report, "total")),
        ("Ended otherwise", ", ".join(ended)),
        ("Web searches", f"{now.searches:,}"),
        ("Feedback", f"👍 {now.good:,}  👎 {now.bad:,}"),
    ]


_ABOUT: Mapping[Kind, str] = {"user": "by", "channel": "in", "model": "of"}
_OUTCOMES = (("errors", "failed"), ("refusals", "refused"), ("stops", "stopped"))


def _times(report: Report, time: Time) -> str:
    half, most = report.seconds(time, 0.5), report.seconds(time, 0.95)
    return f"{seconds(half)} (p50), {seconds(most)} (p95)" if half is not None and most is not None else "–"


def _remarks(report: Report) -> list[str]:
    now, found = report.now, []
    if now.unpriced:
        found.append(f"{many(now.unpriced, 'call')} of models without a known price are not in the cost.")
    if now.estimated:
        found.append(f"{dollars(now.estimated)} of the cost is estimated: of answers that broke off.")
    if now.unread:
        found.append(f"For {many(now.unread, 'question')} the prompt cache had nothing although it should have.")
    return found


def _charts(report: Report) -> list[Block]:
    """The cost of each day or hour; two charts where there are more than one may have."""
    costs = report.costs
    if len(costs) < 2:
        return []
    word = "day" if len(report.query.period.days) > 1 else "hour"
    parts = [costs]
    if len(costs) > CATEGORIES:
        half = (len(costs) + 1) // 2
        parts = [costs[:half], costs[half:]]
    shown = []
    for some in parts:
        span = f", {some[0][0]} to {some[-1][0]}" if len(parts) > 1 else ""
        axis = {"categories": [label for label, _ in some], "y_label": "USD"}
        data = [{"label": label, "value": _usd(cost)} for label, cost in some]
        chart = {"type": "bar", "series": [{"name": "Cost, USD", "data": data}], "axis_config": axis}
        shown.append({"type": "data_visualization", "title": f"Cost per {word}, USD{span}", "chart": chart})
    return shown


def _table(kind: Kind, top: Top, names: Mapping[str, str] | None) -> Block:
    """https://docs.slack.dev/reference/block-kit/blocks/data-table-block"""
    rows = top.rows[:TABLE_ROWS]
    head = [_raw(TITLES[kind][1]), *map(_raw, COLUMNS)]
    return {
        "type": "data_table",
        "caption": _caption(kind, top, len(rows)),
        "rows": [head, *([_cell(kind, name, names), *map(_number, _row(counts))] for name, counts in rows)],
        "page_size": PAGE_SIZE,
        "row_header_column_index": 0,
    }


def _row(counts: Counts) -> tuple[float, ...]:
    return _usd(counts.cost), counts.requests, counts.tokens, counts.read, counts.errors


def _cell(kind: Kind, name: str, names: Mapping[str, str] | None) -> Block:
    if kind == "channel" and name != DIRECT:
        return _rich({"type": "channel", "channel_id": name})
    if kind == "user" and names is None and _is_person(name):
        return _rich({"type": "user", "user_id": name})
    return _raw(_name(kind, name, names))


def _name(kind: Kind, name: str, names: Mapping[str, str] | None) -> str:
    if kind == "channel":
        return "Direct messages"
    return (names or {}).get(name, name) if kind == "user" else name[:MODEL_LENGTH]


def _bars(report: Report) -> str:
    most = max(cost for _, cost in report.costs)
    wide = max(len(label) for label, _ in report.costs)
    lines = [f"{label:>{wide}}  {bar(cost, most)} {dollars(cost)}" for label, cost in report.costs]
    word = "day" if len(report.query.period.days) > 1 else "hour"
    return f"*Cost per {word}*\n```\n" + "\n".join(lines) + "\n```"


def _list(kind: Kind, top: Top, names: Mapping[str, str] | None) -> str:
    rows = top.rows[:TEXT_ROWS]
    lines = [
        f"{place}. {_mrkdwn(kind, name, names)} · {dollars(counts.cost)} · {many(counts.requests, 'question')} · "
        f"{shortened(counts.tokens)} tokens"
        for place, (name, counts) in enumerate(rows, start=1)
    ]
    return "\n".join([f"*{_caption(kind, top, len(rows))}*", *lines])


def _mrkdwn(kind: Kind, name: str, names: Mapping[str, str] | None) -> str:
    if kind == "channel" and name != DIRECT:
        return f"<#{name}>"
    if kind == "user" and names is None and _is_person(name):
        return f"<@{name}>"
    return _escaped(_name(kind, name, names))


def _is_person(name: str) -> bool:
    """Bots ask too, and cannot be mentioned."""
    return name[:1] in ("U", "W")


def _subject(subject: Subject, names: Mapping[str, str] | None) -> str:
    shown = _mrkdwn(subject.kind, subject.name, names)
    return f"`{shown}`" if subject.kind == "model" else shown


def _caption(kind: Kind, top: Top, shown: int) -> str:
    title = TITLES[kind][0]
    return title if top.number <= shown else f"{title}: the {shown} that cost most of {top.number:,}"


def _button(value: str | None) -> list[Block]:
    if value is None or len(value) > BUTTON_VALUE_LENGTH:
        return []
    words = {"type": "plain_text", "text": "Post to channel"}
    return [{"type": "actions", "elements": [{"type": "button", "action_id": POST, "text": words, "value": value}]}]


def _usd(micro: int) -> float:
    """To the cent, small sums to a hundredth of one."""
    return round(micro / 1e6, 2 if micro >= 1_000_000 else 4)


def _number(value: float) -> Block:
    return {"type": "raw_number", "value": value}


def _raw(text: str) -> Block:
    return {"type": "raw_text", "text": text or "–"}


def _rich(element: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text; no display name ends code or becomes a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")

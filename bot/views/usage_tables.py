"""The figures of a usage report as charts and sortable tables, the newest of Slack's blocks."""

from collections.abc import Mapping, Sequence

from bot.store.counts.cells import Counts
from bot.store.counts.usage import Top, UsageKind
from bot.usage.report import Report
from bot.views.blocks import Block, rich_section, rich_text
from bot.views.usage_names import TITLES, caption, display_name, mention

# https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block; two charts to a message are observed.
CATEGORIES = 20
# More would be more than one looks at, and tables have 10,000 characters in all.
TABLE_ROWS = 20
PAGE_SIZE = 5
COLUMNS = ("Cost, USD", "Questions", "Tokens", "From cache", "Failed")


def charts(report: Report) -> list[Block]:
    """The cost of each day or hour; in two charts if one has no room for them, in none if there is but one."""
    costs = report.costs
    if len(costs) < 2:
        return []
    title = f"Cost per {report.step}, USD"
    if len(costs) <= CATEGORIES:
        return [_chart(title, costs)]
    middle = (len(costs) + 1) // 2
    return [_chart(f"{title}, {half[0][0]} to {half[-1][0]}", half) for half in (costs[:middle], costs[middle:])]


def table(kind: UsageKind, top: Top, names: Mapping[str, str] | None) -> Block:
    """https://docs.slack.dev/reference/block-kit/blocks/data-table-block"""
    top_rows = top.rows[:TABLE_ROWS]
    head = [_raw_text(title) for title in (TITLES[kind][1], *COLUMNS)]
    rows = [[_name(kind, name, names), *_numbers(counts)] for name, counts in top_rows]
    return {
        "type": "data_table",
        "caption": caption(kind, top, len(top_rows)),
        "rows": [head, *rows],
        "page_size": PAGE_SIZE,
        "row_header_column_index": 0,
    }


def _chart(title: str, costs: Sequence[tuple[str, int]]) -> Block:
    axis = {"categories": [label for label, _ in costs], "y_label": "USD"}
    data = [{"label": label, "value": _usd(cost)} for label, cost in costs]
    chart = {"type": "bar", "series": [{"name": "Cost, USD", "data": data}], "axis_config": axis}
    return {"type": "data_visualization", "title": title, "chart": chart}


def _name(kind: UsageKind, name: str, names: Mapping[str, str] | None) -> Block:
    mentioned = mention(kind, name, names)
    if mentioned is None:
        return _raw_text(display_name(kind, name, names))
    return rich_text(rich_section({"type": mentioned, f"{mentioned}_id": name}))


def _numbers(counts: Counts) -> list[Block]:
    """One for each of COLUMNS."""
    numbers = (counts.requests, counts.tokens, counts.read, counts.errors)
    return [_raw_number(_usd(counts.cost), _cents(counts.cost)), *(_raw_number(n, f"{n:,}") for n in numbers)]


def _raw_number(value: float, text: str) -> Block:
    """The table is sorted by the value and shows the text."""
    return {"type": "raw_number", "value": value, "text": text}


def _raw_text(text: str) -> Block:
    return {"type": "raw_text", "text": text or "–"}


def _usd(micro: int) -> float:
    """To the cent, small sums to a hundredth of one."""
    return round(micro / 1e6, 2 if micro >= 1_000_000 else 4)


def _cents(micro: int) -> str:
    """The same as text: `1,234.50`, small sums `0.0123`."""
    digits = 4 if 0 < micro < 1_000_000 else 2
    return f"{_usd(micro):,.{digits}f}"

"""Blocks of figures: tables and charts."""

from typing import Any

from bot.sandbox.slack.block_kit.check import (
    Check,
    Rule,
    Shape,
    flag,
    kinds,
    listed,
    number,
    of_kind,
    one_of,
    positive_number,
    string,
    whole,
)
from bot.sandbox.slack.block_kit.rich_text import RICH_TEXT

_COLUMNS = 20
_CELL = 10_000

_RAW_TEXT = of_kind({"text": string(_CELL, least=1)}, needs=("text",))
_RAW_NUMBER = of_kind({"value": number, "text": string(_CELL, least=1)}, needs=("value", "text"))
_RICH_TEXT = of_kind({**RICH_TEXT, "block_id": string(255)}, needs=("elements",))
_TABLE_CELL = kinds({"raw_text": _RAW_TEXT, "rich_text": _RICH_TEXT})
_HEAD_CELL = kinds({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER})
_DATA_CELL = kinds({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": _RICH_TEXT})


def _row(cell: Rule) -> Rule:
    def rule(check: Check, value: Any, path: str) -> None:
        if not isinstance(value, list):
            check.wrong("must be an array", path)
            return
        if not 1 <= len(value) <= _COLUMNS:
            check.wrong(f"must have between 1 and {_COLUMNS} cells", path)
        for at, one in enumerate(value):
            cell(check, one, f"{path}/{at}")

    return rule


_TABLE_ROW, _HEAD_ROW, _DATA_ROW = _row(_TABLE_CELL), _row(_HEAD_CELL), _row(_DATA_CELL)
_SETTINGS = Shape({"align": one_of("left", "center", "right"), "is_wrapped": flag})


def _column(check: Check, value: Any, path: str) -> None:
    """Null leaves a column as it is."""
    if value is not None:
        _SETTINGS(check, value, path)


TABLE: dict[str, Rule] = {
    # The reference pages and @slack/types allow raw_number too, but Slack was seen to refuse it when posted:
    # https://github.com/slack-go/slack/pull/1560
    "rows": listed(_TABLE_ROW, 100),
    "column_settings": listed(_column, _COLUMNS, least=0),
}
"""https://docs.slack.dev/reference/block-kit/blocks/table-block"""


def _data_rows(check: Check, value: Any, path: str) -> None:
    """A header and 1 to 100 rows of the same length."""
    listed(lambda *_: None, 101, least=2)(check, value, path)
    if not isinstance(value, list):
        return
    for at, row in enumerate(value):
        rule = _HEAD_ROW if at == 0 else _DATA_ROW
        rule(check, row, f"{path}/{at}")
    if len({len(row) for row in value if isinstance(row, list)}) > 1:
        check.wrong("all rows must have the same number of cells", path)


def row_header(check: Check, block: Any, path: str) -> None:
    """The column that names the rows is one of the table's."""
    rows, column = block.get("rows"), block.get("row_header_column_index")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list) or not isinstance(column, int):
        return
    if column >= len(rows[0]):
        check.wrong("must be the index of a column", f"{path}/row_header_column_index")


DATA_TABLE: dict[str, Rule] = {
    "rows": _data_rows,
    "caption": string(10_000, least=1),
    "page_size": whole(1, 100),
    "row_header_column_index": whole(0, _COLUMNS - 1),
}
"""https://docs.slack.dev/reference/block-kit/blocks/data-table-block"""

_LABEL = string(20, least=1)
_SEGMENT = Shape({"label": _LABEL, "value": positive_number}, needs=("label", "value"))
_POINT = Shape({"label": _LABEL, "value": number}, needs=("label", "value"))
_SERIES = Shape({"name": _LABEL, "data": listed(_POINT, 20)}, needs=("name", "data"))
_AXIS = Shape(
    {"categories": listed(_LABEL, 20), "x_label": string(50), "y_label": string(50)},
    needs=("categories",),
)


def _series_fit(check: Check, chart: Any, path: str) -> None:
    """Series have different names, and each has a point for each category of the axis."""
    axis, series = chart.get("axis_config"), chart.get("series")
    if not isinstance(axis, dict) or not isinstance(series, list):
        return
    categories = axis.get("categories")
    wanted = sorted(str(category) for category in categories) if isinstance(categories, list) else []
    names = []
    for at, one in enumerate(series):
        if not isinstance(one, dict):
            continue
        names.append(str(one.get("name")))
        data = one.get("data")
        points = data if isinstance(data, list) else []
        if sorted(str(point.get("label")) for point in points if isinstance(point, dict)) != wanted:
            check.wrong("labels must match the axis categories", f"{path}/series/{at}/data")
    if len(set(names)) != len(names):
        check.wrong("series names must be unique", f"{path}/series")


_PIE = of_kind({"segments": listed(_SEGMENT, 6)}, needs=("segments",))
_WITH_AXES = of_kind(
    {"series": listed(_SERIES, 6), "axis_config": _AXIS}, needs=("series", "axis_config"), more=(_series_fit,)
)
CHART: dict[str, Rule] = {
    "title": string(50, least=1),
    "chart": kinds({"pie": _PIE, "bar": _WITH_AXES, "area": _WITH_AXES, "line": _WITH_AXES}),
}
"""https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""

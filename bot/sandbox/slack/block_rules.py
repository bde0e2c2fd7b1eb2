"""What each Block Kit block and element may hold. https://docs.slack.dev/reference/block-kit"""

import math
from collections.abc import Callable
from typing import Any, TypeGuard

from bot.sandbox.slack import block_fields
from bot.sandbox.slack.world.records import JSON

Rule = Callable[["Check", JSON, str], None]


class Check:
    """Collects what is wrong, in Slack's words: "must be less than 76 characters [json-pointer:/blocks/0/text]"."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self.problems: list[str] = []
        self._actions: set[tuple[str, str]] = set()

    def wrong(self, problem: str, path: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{path}]")

    def only(self, given: JSON, path: str, fields: frozenset[str]) -> None:
        """Slack's schema lets nothing else stand in a block."""
        for name in given.keys() - fields:
            self.wrong(f"invalid additional property: {name}", path)

    def string(self, given: JSON, name: str, path: str, most: int, *, required: bool = False) -> str:
        value = given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", path)
        elif not isinstance(value, str):
            self.wrong("must be a string", f"{path}/{name}")
        elif len(value) > most:
            self.wrong(f"must be less than {most + 1} characters", f"{path}/{name}")
        elif required and not value:
            self.wrong("must be more than 0 characters", f"{path}/{name}")
        return value if isinstance(value, str) else ""

    def items(
        self, given: JSON, name: str, path: str, most: int, *, least: int = 1, required: bool = True
    ) -> list[Any]:
        value = given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", path)
            return []
        if not isinstance(value, list):
            self.wrong("must be an array", f"{path}/{name}")
            return []
        if len(value) > most:
            self.wrong(f"no more than {most} items allowed", f"{path}/{name}")
        if len(value) < least:
            self.wrong(f"must provide at least {least} items", f"{path}/{name}")
        return value

    def text(
        self, given: JSON, name: str, path: str, most: int, *, required: bool = False, plain: bool = False
    ) -> None:
        """A text object: https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
        value = given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", path)
            return
        where = f"{path}/{name}"
        if not isinstance(value, dict):
            self.wrong("must be an object", where)
            return
        if value.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
            self.wrong(f"unsupported type: {value.get('type')}", f"{where}/type")
        else:
            self.only(value, where, block_fields.ELEMENTS[value["type"]])
        self.string(value, "text", where, most, required=True)

    def element(self, value: Any, path: str, allowed: frozenset[str]) -> None:
        if not isinstance(value, dict):
            self.wrong("must be an object", path)
            return
        kind = value.get("type")
        if kind not in allowed:
            self.wrong(f"unsupported type: {kind}", f"{path}/type")
            return
        if kind not in ("image", "plain_text", "mrkdwn"):
            action = self.string(value, "action_id", path, 255)
            # Unique in its block: https://docs.slack.dev/reference/block-kit/block-elements/button-element
            place = ("/".join(path.split("/")[:3]), action)
            if action and place in self._actions:
                self.wrong(f"action_id {action} already exists", f"{path}/action_id")
            self._actions.add(place)
        if kind in block_fields.ELEMENTS:
            self.only(value, path, block_fields.ELEMENTS[kind])
        ELEMENTS.get(str(kind), _plain)(self, value, path)


def _plain(check: Check, element: JSON, path: str) -> None:
    check.text(element, "placeholder", path, 150, plain=True)


def _button(check: Check, element: JSON, path: str) -> None:
    check.text(element, "text", path, 75, required=True, plain=True)
    check.string(element, "value", path, 2000)
    check.string(element, "url", path, 3000)
    check.string(element, "accessibility_label", path, 75)
    if element.get("style", "primary") not in ("primary", "danger"):
        check.wrong("must be one of: primary, danger", f"{path}/style")
    confirm = element.get("confirm")
    if isinstance(confirm, dict):
        check.only(confirm, f"{path}/confirm", block_fields.CONFIRM)
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            check.text(confirm, name, f"{path}/confirm", most, required=True, plain=name != "text")


def _feedback(check: Check, element: JSON, path: str) -> None:
    for name in ("positive_button", "negative_button"):
        button = element.get(name)
        if not isinstance(button, dict):
            check.wrong(f"missing required field: {name}", path)
            continue
        check.only(button, f"{path}/{name}", block_fields.FEEDBACK_BUTTON)
        check.text(button, "text", f"{path}/{name}", 75, required=True, plain=True)
        check.string(button, "value", f"{path}/{name}", 2000, required=True)


def _icon_button(check: Check, element: JSON, path: str) -> None:
    check.text(element, "text", path, 75, required=True, plain=True)
    check.string(element, "icon", path, 255, required=True)
    check.string(element, "value", path, 2000)


def _options(most: int) -> Rule:
    def rule(check: Check, element: JSON, path: str) -> None:
        _plain(check, element, path)
        groups = element.get("option_groups")
        lists = (
            [(group, f"{path}/option_groups/{n}") for n, group in enumerate(groups)] if groups else [(element, path)]
        )
        for holder, where in lists:
            for number, option in enumerate(check.items(holder, "options", where, most)):
                place = f"{where}/options/{number}"
                check.only(option, place, block_fields.OPTION)
                check.text(option, "text", place, 75, required=True)
                check.string(option, "value", place, 150, required=True)

    return rule


def _image(check: Check, element: JSON, path: str) -> None:
    check.string(element, "image_url", path, 3000)
    check.string(element, "alt_text", path, 2000, required=True)
    check.text(element, "title", path, 2000, plain=True)
    if not element.get("image_url") and not element.get("slack_file"):
        check.wrong("missing required field: image_url", path)


def _context_text(check: Check, element: JSON, path: str) -> None:
    check.string(element, "text", path, 3000, required=True)


ELEMENTS: dict[str, Rule] = {
    "button": _button,
    "feedback_buttons": _feedback,
    "icon_button": _icon_button,
    "overflow": _options(5),
    "static_select": _options(100),
    "multi_static_select": _options(100),
    "checkboxes": _options(10),
    "radio_buttons": _options(10),
    "image": _image,
    "plain_text": _context_text,
    "mrkdwn": _context_text,
}

_PICKERS = frozenset(
    {
        "static_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "external_select",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
    }
)
_MULTI = frozenset(
    {
        "multi_static_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
        "multi_external_select",
    }
)
_IN_ACTIONS = _PICKERS | _MULTI | {"button", "overflow", "rich_text_input", "workflow_button"}
_IN_SECTION = _PICKERS | _MULTI | {"button", "overflow", "image", "workflow_button"}
_IN_INPUT = (
    _PICKERS
    | _MULTI
    | {"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"}
)


def _section(check: Check, block: JSON, path: str) -> None:
    check.text(block, "text", path, 3000)
    for number, field in enumerate(check.items(block, "fields", path, 10, required=False)):
        check.text({"field": field}, "field", f"{path}/fields/{number}", 2000)
    if block.get("text") is None and not block.get("fields"):
        check.wrong("missing required field: text", path)
    if block.get("accessory") is not None:
        check.element(block["accessory"], f"{path}/accessory", _IN_SECTION)


def _header(check: Check, block: JSON, path: str) -> None:
    check.text(block, "text", path, 150, required=True, plain=True)


def _divider(check: Check, block: JSON, path: str) -> None:
    pass


def _elements(most: int, allowed: frozenset[str]) -> Rule:
    def rule(check: Check, block: JSON, path: str) -> None:
        for number, element in enumerate(check.items(block, "elements", path, most)):
            check.element(element, f"{path}/elements/{number}", allowed)

    return rule


def _messages_only(rule: Rule) -> Rule:
    def check_place(check: Check, block: JSON, path: str) -> None:
        if check.surface != "message":
            check.wrong(f"unsupported type: {block['type']}", f"{path}/type")
        rule(check, block, path)

    return check_place


def _input(check: Check, block: JSON, path: str) -> None:
    check.text(block, "label", path, 2000, required=True, plain=True)
    check.text(block, "hint", path, 2000, plain=True)
    if block.get("element") is None:
        check.wrong("missing required field: element", path)
    else:
        check.element(block["element"], f"{path}/element", _IN_INPUT)


def _markdown(check: Check, block: JSON, path: str) -> None:
    check.string(block, "text", path, 12_000, required=True)


def _rich_text(check: Check, block: JSON, path: str) -> None:
    kinds = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for number, element in enumerate(check.items(block, "elements", path, 1000, least=0)):
        if not isinstance(element, dict) or element.get("type") not in kinds:
            check.wrong("unsupported type", f"{path}/elements/{number}/type")


def _cells(check: Check, rows: list[Any], path: str, header: tuple[str, ...], body: tuple[str, ...]) -> None:
    for line, row in enumerate(rows):
        where = f"{path}/rows/{line}"
        if not isinstance(row, list):
            check.wrong("must be an array", where)
            continue
        if not 1 <= len(row) <= 20:
            check.wrong("must have between 1 and 20 cells", where)
        for number, cell in enumerate(row):
            kind = cell.get("type") if isinstance(cell, dict) else None
            if kind not in (header if line == 0 else body):
                check.wrong(f"unsupported type: {kind}", f"{where}/{number}/type")
            elif kind == "raw_text":
                check.string(cell, "text", f"{where}/{number}", 10_000, required=True)
            elif kind == "raw_number" and not _number(cell.get("value")):
                check.wrong("must be a number", f"{where}/{number}/value")


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _table(check: Check, block: JSON, path: str) -> None:
    rows = check.items(block, "rows", path, 100)
    check.items(block, "column_settings", path, 20, least=0, required=False)
    kinds = ("raw_text", "raw_number", "rich_text")
    _cells(check, rows, path, kinds, kinds)


def _data_table(check: Check, block: JSON, path: str) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-table-block: a header and 1 to 100 rows of one length."""
    check.string(block, "caption", path, 10_000, required=True)
    rows = check.items(block, "rows", path, 101, least=2)
    _cells(check, rows, path, ("raw_text", "raw_number"), ("raw_text", "raw_number", "rich_text"))
    if len({len(row) for row in rows if isinstance(row, list)}) > 1:
        check.wrong("all rows must have the same number of cells", f"{path}/rows")
    size = block.get("page_size", 5)
    if not isinstance(size, int) or not 1 <= size <= 100:
        check.wrong("must be between 1 and 100", f"{path}/page_size")


def _chart(check: Check, block: JSON, path: str) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""
    check.string(block, "title", path, 50, required=True)
    chart = block.get("chart")
    where = f"{path}/chart"
    if not isinstance(chart, dict) or chart.get("type") not in ("pie", "bar", "area", "line"):
        check.wrong("must be a pie, bar, area or line chart", where)
        return
    check.only(chart, where, block_fields.CHARTS[chart["type"]])
    if chart["type"] == "pie":
        _points(check, chart, "segments", where, 6, positive=True)
    else:
        _series(check, chart, where)


def _points(check: Check, holder: JSON, name: str, path: str, most: int, *, positive: bool = False) -> list[str]:
    labels = []
    for number, point in enumerate(check.items(holder, name, path, most)):
        where = f"{path}/{name}/{number}"
        if not isinstance(point, dict):
            check.wrong("must be an object", where)
            continue
        check.only(point, where, block_fields.POINT)
        labels.append(check.string(point, "label", where, 20, required=True))
        value = point.get("value")
        if not _number(value) or (positive and not value > 0):
            check.wrong("must be a positive number" if positive else "must be a number", f"{where}/value")
    return labels


def _series(check: Check, chart: JSON, path: str) -> None:
    axis = chart.get("axis_config")
    if not isinstance(axis, dict):
        check.wrong("missing required field: axis_config", path)
        return
    check.only(axis, f"{path}/axis_config", block_fields.AXIS)
    categories = check.items(axis, "categories", f"{path}/axis_config", 20)
    for number, category in enumerate(categories):
        check.string({"category": category}, "category", f"{path}/axis_config/categories/{number}", 20, required=True)
    for name in ("x_label", "y_label"):
        check.string(axis, name, f"{path}/axis_config", 50)
    names: list[str] = []
    for number, series in enumerate(check.items(chart, "series", path, 6)):
        where = f"{path}/series/{number}"
        if not isinstance(series, dict):
            check.wrong("must be an object", where)
            continue
        check.only(series, where, block_fields.SERIES)
        names.append(check.string(series, "name", where, 20, required=True))
        labels = _points(check, series, "data", where, 20)
        if sorted(labels) != sorted(str(category) for category in categories):
            check.wrong("labels must match the axis categories", f"{where}/data")
    if len(set(names)) != len(names):
        check.wrong("series names must be unique", f"{path}/series")


RULES: dict[str, Rule] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "image": _image,
    "context": _elements(10, frozenset({"image", "plain_text", "mrkdwn"})),
    "actions": _elements(25, frozenset(_IN_ACTIONS)),
    "context_actions": _messages_only(_elements(5, frozenset({"feedback_buttons", "icon_button"}))),
    "input": _input,
    "markdown": _messages_only(_markdown),
    "rich_text": _rich_text,
    "table": _messages_only(_table),
    "data_table": _messages_only(_data_table),
    "data_visualization": _messages_only(_chart),
}

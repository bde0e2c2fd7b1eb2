"""What each Block Kit block and element may hold. https://docs.slack.dev/reference/block-kit"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

from bot.sandbox.slack import block_fields
from bot.sandbox.slack.world.records import JSON


@dataclass(frozen=True)
class Part:
    """An object inside a payload, and the JSON pointer to it."""

    given: JSON
    path: str


class Check:
    """Collects what is wrong, in Slack's words: "must be less than 76 characters [json-pointer:/blocks/0/text]"."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self.problems: list[str] = []
        self._actions: set[tuple[str, str]] = set()

    def wrong(self, problem: str, path: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{path}]")

    def only(self, part: Part, fields: frozenset[str]) -> None:
        """Slack's schema allows no further fields."""
        for name in part.given.keys() - fields:
            self.wrong(f"invalid additional property: {name}", part.path)

    def string(self, part: Part, name: str, most: int, *, required: bool = False) -> str:
        value = part.given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", part.path)
        elif not isinstance(value, str):
            self.wrong("must be a string", f"{part.path}/{name}")
        elif len(value) > most:
            self.wrong(f"must be less than {most + 1} characters", f"{part.path}/{name}")
        elif required and not value:
            self.wrong("must be more than 0 characters", f"{part.path}/{name}")
        return value if isinstance(value, str) else ""

    def items(self, part: Part, name: str, most: int, *, least: int = 1, required: bool = True) -> list[Any]:
        value = part.given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", part.path)
            return []
        if not isinstance(value, list):
            self.wrong("must be an array", f"{part.path}/{name}")
            return []
        if len(value) > most:
            self.wrong(f"no more than {most} items allowed", f"{part.path}/{name}")
        if len(value) < least:
            self.wrong(f"must provide at least {least} items", f"{part.path}/{name}")
        return value

    def text(self, part: Part, name: str, most: int, *, required: bool = False, plain: bool = False) -> None:
        """Check a text object: https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
        value = part.given.get(name)
        if value is None:
            if required:
                self.wrong(f"missing required field: {name}", part.path)
            return
        where = f"{part.path}/{name}"
        if not isinstance(value, dict):
            self.wrong("must be an object", where)
            return
        if value.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
            self.wrong(f"unsupported type: {value.get('type')}", f"{where}/type")
        else:
            self.only(Part(value, where), block_fields.ELEMENTS[value["type"]])
        self.string(Part(value, where), "text", most, required=True)

    def element(self, value: Any, path: str, allowed: frozenset[str]) -> None:
        if not isinstance(value, dict):
            self.wrong("must be an object", path)
            return
        kind = value.get("type")
        if kind not in allowed:
            self.wrong(f"unsupported type: {kind}", f"{path}/type")
            return
        element = Part(value, path)
        if kind not in ("image", "plain_text", "mrkdwn"):
            action = self.string(element, "action_id", 255)
            # Unique in its block: https://docs.slack.dev/reference/block-kit/block-elements/button-element
            place = ("/".join(path.split("/")[:3]), action)
            if action and place in self._actions:
                self.wrong(f"action_id {action} already exists", f"{path}/action_id")
            self._actions.add(place)
        if kind in block_fields.ELEMENTS:
            self.only(element, block_fields.ELEMENTS[kind])
        ELEMENTS.get(str(kind), _plain)(self, element)


Rule = Callable[[Check, Part], None]


def _plain(check: Check, element: Part) -> None:
    check.text(element, "placeholder", 150, plain=True)


def _button(check: Check, element: Part) -> None:
    check.text(element, "text", 75, required=True, plain=True)
    check.string(element, "value", 2000)
    check.string(element, "url", 3000)
    check.string(element, "accessibility_label", 75)
    if element.given.get("style", "primary") not in ("primary", "danger"):
        check.wrong("must be one of: primary, danger", f"{element.path}/style")
    confirm = element.given.get("confirm")
    if isinstance(confirm, dict):
        asked = Part(confirm, f"{element.path}/confirm")
        check.only(asked, block_fields.CONFIRM)
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            check.text(asked, name, most, required=True, plain=name != "text")


def _feedback(check: Check, element: Part) -> None:
    for name in ("positive_button", "negative_button"):
        button = element.given.get(name)
        if not isinstance(button, dict):
            check.wrong(f"missing required field: {name}", element.path)
            continue
        part = Part(button, f"{element.path}/{name}")
        check.only(part, block_fields.FEEDBACK_BUTTON)
        check.text(part, "text", 75, required=True, plain=True)
        check.string(part, "value", 2000, required=True)


def _icon_button(check: Check, element: Part) -> None:
    check.text(element, "text", 75, required=True, plain=True)
    check.string(element, "icon", 255, required=True)
    check.string(element, "value", 2000)


def _options(most: int) -> Rule:
    def rule(check: Check, element: Part) -> None:
        _plain(check, element)
        groups = element.given.get("option_groups")
        holders = [element]
        if groups:
            holders = [Part(group, f"{element.path}/option_groups/{number}") for number, group in enumerate(groups)]
        for holder in holders:
            for number, given in enumerate(check.items(holder, "options", most)):
                option = Part(given, f"{holder.path}/options/{number}")
                check.only(option, block_fields.OPTION)
                check.text(option, "text", 75, required=True)
                check.string(option, "value", 150, required=True)

    return rule


def _image(check: Check, element: Part) -> None:
    check.string(element, "image_url", 3000)
    check.string(element, "alt_text", 2000, required=True)
    check.text(element, "title", 2000, plain=True)
    if not element.given.get("image_url") and not element.given.get("slack_file"):
        check.wrong("missing required field: image_url", element.path)


def _context_text(check: Check, element: Part) -> None:
    check.string(element, "text", 3000, required=True)


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


def _section(check: Check, block: Part) -> None:
    check.text(block, "text", 3000)
    for number, field in enumerate(check.items(block, "fields", 10, required=False)):
        check.text(Part({"field": field}, f"{block.path}/fields/{number}"), "field", 2000)
    if block.given.get("text") is None and not block.given.get("fields"):
        check.wrong("missing required field: text", block.path)
    if block.given.get("accessory") is not None:
        check.element(block.given["accessory"], f"{block.path}/accessory", _IN_SECTION)


def _header(check: Check, block: Part) -> None:
    check.text(block, "text", 150, required=True, plain=True)


def _divider(check: Check, block: Part) -> None:
    pass


def _elements(most: int, allowed: frozenset[str]) -> Rule:
    def rule(check: Check, block: Part) -> None:
        for number, element in enumerate(check.items(block, "elements", most)):
            check.element(element, f"{block.path}/elements/{number}", allowed)

    return rule


def _messages_only(rule: Rule) -> Rule:
    def check_place(check: Check, block: Part) -> None:
        if check.surface != "message":
            check.wrong(f"unsupported type: {block.given['type']}", f"{block.path}/type")
        rule(check, block)

    return check_place


def _input(check: Check, block: Part) -> None:
    check.text(block, "label", 2000, required=True, plain=True)
    check.text(block, "hint", 2000, plain=True)
    if block.given.get("element") is None:
        check.wrong("missing required field: element", block.path)
    else:
        check.element(block.given["element"], f"{block.path}/element", _IN_INPUT)


def _markdown(check: Check, block: Part) -> None:
    check.string(block, "text", 12_000, required=True)


def _rich_text(check: Check, block: Part) -> None:
    kinds = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for number, element in enumerate(check.items(block, "elements", 1000, least=0)):
        if not isinstance(element, dict) or element.get("type") not in kinds:
            check.wrong("unsupported type", f"{block.path}/elements/{number}/type")


def _rows(check: Check, rows: list[Any], path: str, header: tuple[str, ...], body: tuple[str, ...]) -> None:
    """`header` and `body` are the types that cells of the first row and of the others may have."""
    for line, row in enumerate(rows):
        where = f"{path}/rows/{line}"
        if not isinstance(row, list):
            check.wrong("must be an array", where)
            continue
        if not 1 <= len(row) <= 20:
            check.wrong("must have between 1 and 20 cells", where)
        for number, cell in enumerate(row):
            _cell(check, cell, f"{where}/{number}", header if line == 0 else body)


def _cell(check: Check, cell: Any, path: str, kinds: tuple[str, ...]) -> None:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind not in kinds:
        check.wrong(f"unsupported type: {kind}", f"{path}/type")
    elif kind == "raw_text":
        check.string(Part(cell, path), "text", 10_000, required=True)
    elif kind == "raw_number" and not _number(cell.get("value")):
        check.wrong("must be a number", f"{path}/value")


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _table(check: Check, block: Part) -> None:
    rows = check.items(block, "rows", 100)
    check.items(block, "column_settings", 20, least=0, required=False)
    kinds = ("raw_text", "raw_number", "rich_text")
    _rows(check, rows, block.path, kinds, kinds)


def _data_table(check: Check, block: Part) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-table-block: a header and 1 to 100 rows of one length."""
    check.string(block, "caption", 10_000, required=True)
    rows = check.items(block, "rows", 101, least=2)
    _rows(check, rows, block.path, ("raw_text", "raw_number"), ("raw_text", "raw_number", "rich_text"))
    if len({len(row) for row in rows if isinstance(row, list)}) > 1:
        check.wrong("all rows must have the same number of cells", f"{block.path}/rows")
    size = block.given.get("page_size", 5)
    if not isinstance(size, int) or not 1 <= size <= 100:
        check.wrong("must be between 1 and 100", f"{block.path}/page_size")


def _chart(check: Check, block: Part) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""
    check.string(block, "title", 50, required=True)
    given = block.given.get("chart")
    where = f"{block.path}/chart"
    if not isinstance(given, dict) or given.get("type") not in ("pie", "bar", "area", "line"):
        check.wrong("must be a pie, bar, area or line chart", where)
        return
    chart = Part(given, where)
    check.only(chart, block_fields.CHARTS[given["type"]])
    if given["type"] == "pie":
        _points(check, chart, "segments", 6, positive=True)
    else:
        _axes(check, chart)


def _points(check: Check, holder: Part, name: str, most: int, *, positive: bool = False) -> list[str]:
    """Check the points under `name`, and return their labels."""
    labels = []
    for number, given in enumerate(check.items(holder, name, most)):
        where = f"{holder.path}/{name}/{number}"
        if not isinstance(given, dict):
            check.wrong("must be an object", where)
            continue
        point = Part(given, where)
        check.only(point, block_fields.POINT)
        labels.append(check.string(point, "label", 20, required=True))
        value = given.get("value")
        if not _number(value) or (positive and not value > 0):
            check.wrong("must be a positive number" if positive else "must be a number", f"{where}/value")
    return labels


def _axes(check: Check, chart: Part) -> None:
    """Check the axis of a bar, area or line chart, then its series against the axis."""
    given = chart.given.get("axis_config")
    if not isinstance(given, dict):
        check.wrong("missing required field: axis_config", chart.path)
        return
    axis = Part(given, f"{chart.path}/axis_config")
    check.only(axis, block_fields.AXIS)
    categories = check.items(axis, "categories", 20)
    for number, category in enumerate(categories):
        check.string(Part({"category": category}, f"{axis.path}/categories/{number}"), "category", 20, required=True)
    for name in ("x_label", "y_label"):
        check.string(axis, name, 50)
    _series(check, chart, sorted(str(category) for category in categories))


def _series(check: Check, chart: Part, categories: list[str]) -> None:
    """`categories` are those of the axis, sorted; each series needs a point for each."""
    names: list[str] = []
    for number, given in enumerate(check.items(chart, "series", 6)):
        where = f"{chart.path}/series/{number}"
        if not isinstance(given, dict):
            check.wrong("must be an object", where)
            continue
        series = Part(given, where)
        check.only(series, block_fields.SERIES)
        names.append(check.string(series, "name", 20, required=True))
        if sorted(_points(check, series, "data", 20)) != categories:
            check.wrong("labels must match the axis categories", f"{where}/data")
    if len(set(names)) != len(names):
        check.wrong("series names must be unique", f"{chart.path}/series")


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

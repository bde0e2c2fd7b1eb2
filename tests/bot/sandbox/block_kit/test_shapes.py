"""Each field of each element and object: what it may hold is taken, and what it may not is refused by name."""

from typing import Any

import pytest

from bot.sandbox.slack.block_kit.payload import checked
from bot.sandbox.slack.methods import Refused
from bot.sandbox.slack.views import checked as checked_view

Json = dict[str, Any]


def plain(length: int = 3) -> Json:
    return {"type": "plain_text", "text": "a" * length}


def mrkdwn(length: int = 3) -> Json:
    return {"type": "mrkdwn", "text": "a" * length}


def option(value: str = "1", **more: Any) -> Json:
    return {"text": plain(), "value": value, **more}


def confirm(**more: Any) -> Json:
    return {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain(), **more}


def in_actions(kind: str, **fields: Any) -> list[Json]:
    return [{"type": "actions", "elements": [{"type": kind, **fields}]}]


def in_input(kind: str, **fields: Any) -> list[Json]:
    return [{"type": "input", "label": plain(), "element": {"type": kind, **fields}}]


def as_accessory(kind: str, **fields: Any) -> list[Json]:
    return [{"type": "section", "text": plain(), "accessory": {"type": kind, **fields}}]


def button(**fields: Any) -> list[Json]:
    return in_actions("button", text=plain(), **fields)


def select(**fields: Any) -> list[Json]:
    return in_actions("static_select", **fields)


def group(**more: Any) -> Json:
    return {"label": plain(), "options": [option()], **more}


def table(*rows: list[Json], kind: str = "table", **fields: Any) -> list[Json]:
    more = {"caption": "c"} if kind == "data_table" else {}
    return [{"type": kind, "rows": list(rows), **more, **fields}]


def raw(text: str = "a", **more: Any) -> Json:
    return {"type": "raw_text", "text": text, **more}


def number(**fields: Any) -> Json:
    return {"type": "raw_number", **fields}


def data(*cells: Json, **fields: Any) -> list[Json]:
    return table([raw() for _ in cells], list(cells), kind="data_table", **fields)


def rich(*parts: Json) -> list[Json]:
    return [{"type": "rich_text", "elements": list(parts)}]


def words(*words: Json) -> list[Json]:
    return rich({"type": "rich_text_section", "elements": list(words)})


def bullets(**fields: Any) -> list[Json]:
    return rich({"type": "rich_text_list", "elements": [], "style": "bullet", **fields})


WORD: Json = {"type": "text", "text": "a"}
PICTURE: Json = {"alt_text": "a", "image_url": "https://a.example/a.png"}
TRIGGER: Json = {"trigger": {"url": "https://slack.com/shortcuts/1"}}

Case = tuple[list[Json], list[Json], str]

CASES: dict[str, Case] = {
    "confirm is an object": (button(confirm=confirm()), button(confirm="sure?"), "must be an object"),
    "confirm's style": (
        button(confirm=confirm(style="danger")),
        button(confirm=confirm(style="bad")),
        "must be one of",
    ),
    "confirm's field": (button(confirm=confirm()), button(confirm=confirm(colour="red")), "invalid additional"),
    "confirm's text": (
        button(confirm=confirm(text=mrkdwn(300))),
        button(confirm=confirm(text=mrkdwn(301))),
        "must be less than 301",
    ),
    "confirm anywhere": (
        select(options=[option()], confirm=confirm()),
        select(options=[option()], confirm={}),
        "title",
    ),
    "label of a button": (button(accessibility_label="a" * 75), button(accessibility_label="a" * 76), "less than 76"),
    "prompt of a button": (button(agent_prompt="a" * 4000), button(agent_prompt="a" * 4001), "less than 4001"),
    "for whom a button is": (button(visible_to_user_ids=["U1"]), button(visible_to_user_ids="U1"), "must be an array"),
    "option is an object": (select(options=[option()]), select(options=["1"]), "must be an object"),
    "option's text is plain": (select(options=[option()]), select(options=[option(text=mrkdwn())]), "unsupported type"),
    "option's description": (
        select(options=[option(description=plain(75))]),
        select(options=[option(description=plain(76))]),
        "less than 76",
    ),
    "url of an option": (
        in_actions("overflow", options=[option(url="https://a.example")]),
        select(options=[option(url="https://a.example")]),
        "invalid additional property: url",
    ),
    "checkbox with mrkdwn": (
        in_actions("checkboxes", options=[option(text=mrkdwn())]),
        in_actions("overflow", options=[option(text=mrkdwn())]),
        "unsupported type",
    ),
    "checkboxes": (
        in_actions("checkboxes", options=[option(str(n)) for n in range(10)]),
        in_actions("checkboxes", options=[option(str(n)) for n in range(11)]),
        "no more than 10",
    ),
    "radio buttons need options": (
        in_actions("radio_buttons", options=[option()]),
        in_actions("radio_buttons"),
        "options",
    ),
    "what is chosen is an option": (
        select(options=[option()], initial_option=option()),
        select(options=[option()], initial_option=option("2")),
        "must be one of the options",
    ),
    "all that is chosen is an option": (
        in_actions("checkboxes", options=[option()], initial_options=[option()]),
        in_actions("checkboxes", options=[option()], initial_options=[option("2")]),
        "must be one of the options",
    ),
    "options or groups": (select(option_groups=[group()]), select(), "missing required field: options"),
    "not both": (select(options=[option()]), select(options=[option()], option_groups=[group()]), "only one of"),
    "a group's label": (
        select(option_groups=[group(label=plain(75))]),
        select(option_groups=[group(label=plain(76))]),
        "less than 76",
    ),
    "a group needs a label": (select(option_groups=[group()]), select(option_groups=[group(label=None)]), "label"),
    "groups": (select(option_groups=[group()] * 100), select(option_groups=[group()] * 101), "no more than 100"),
    "how many are chosen": (
        in_actions("multi_users_select", max_selected_items=1),
        in_actions("multi_users_select", max_selected_items=0),
        "must be between",
    ),
    "field of a picker": (in_actions("users_select"), in_actions("users_select", options=[option()]), "additional"),
    "which conversations": (
        in_actions("conversations_select", filter={"include": ["im"]}),
        in_actions("conversations_select", filter={"include": ["dm"]}),
        "must be one of",
    ),
    "some conversations": (
        in_actions("conversations_select", filter={"exclude_bot_users": True}),
        in_actions("conversations_select", filter={}),
        "missing required field: include",
    ),
    "date": (
        in_actions("datepicker", initial_date="2026-12-01"),
        in_actions("datepicker", initial_date="1.12.2026"),
        "YYYY-MM-DD",
    ),
    "time": (in_actions("timepicker", initial_time="23:59"), in_actions("timepicker", initial_time="24:00"), "HH:mm"),
    "date and time": (
        in_actions("datetimepicker", initial_date_time=1_796_000_000),
        in_actions("datetimepicker", initial_date_time=1),
        "must be between",
    ),
    "a date and time is no accessory": (
        as_accessory("datepicker"),
        as_accessory("datetimepicker"),
        "unsupported type: datetimepicker",
    ),
    "a number field": (
        in_input("number_input", is_decimal_allowed=True),
        in_input("number_input"),
        "is_decimal_allowed",
    ),
    "numbers are strings": (
        in_input("number_input", is_decimal_allowed=False, min_value="1", max_value="2"),
        in_input("number_input", is_decimal_allowed=False, min_value=1),
        "form of a number",
    ),
    "from and to": (
        in_input("number_input", is_decimal_allowed=False, min_value="1", max_value="1"),
        in_input("number_input", is_decimal_allowed=False, min_value="2", max_value="1"),
        "must not be greater than max_value",
    ),
    "length of a text": (
        in_input("plain_text_input", max_length=3000),
        in_input("plain_text_input", max_length=3001),
        "must be between 1 and 3000",
    ),
    "when a text is sent": (
        in_input("plain_text_input", dispatch_action_config={"trigger_actions_on": ["on_enter_pressed"]}),
        in_input("plain_text_input", dispatch_action_config={"trigger_actions_on": ["on_click"]}),
        "must be one of",
    ),
    "files": (in_input("file_input", max_files=10), in_input("file_input", max_files=11), "must be between 1 and 10"),
    "a file field has no hint": (in_input("file_input"), in_input("file_input", placeholder=plain()), "additional"),
    "a hint": (
        in_input("email_text_input", placeholder=plain(150)),
        in_input("email_text_input", placeholder=plain(151)),
        "less than 151",
    ),
    "an address": (in_input("url_text_input"), in_input("url_text_input", multiline=True), "additional"),
    "lines": (
        in_input("rich_text_input", min_lines=1),
        in_input("rich_text_input", min_lines=101),
        "between 1 and 100",
    ),
    "first rich text": (
        in_input("rich_text_input", initial_value=words(WORD)[0]),
        in_input("rich_text_input", initial_value="a"),
        "must be an object",
    ),
    "a flag": (in_input("plain_text_input", multiline=True), in_input("plain_text_input", multiline="yes"), "boolean"),
    "one focus": (
        in_input("plain_text_input", focus_on_load=True) + in_input("plain_text_input", focus_on_load=False),
        in_input("plain_text_input", focus_on_load=True) * 2,
        "only one element can have focus_on_load",
    ),
    "an optional input": (
        [{**in_input("plain_text_input")[0], "optional": True}],
        [{**in_input("plain_text_input")[0], "optional": 1}],
        "must be a boolean",
    ),
    "a workflow": (
        in_actions("workflow_button", text=plain(), workflow=TRIGGER),
        in_actions("workflow_button", text=plain(), workflow={"trigger": {}}),
        "missing required field: url",
    ),
    "an emoji flag": (
        [{"type": "header", "text": {**plain(), "emoji": True}}],
        [{"type": "header", "text": {**plain(), "emoji": "yes"}}],
        "must be a boolean",
    ),
    "one picture": (
        [{"type": "image", **PICTURE}],
        [{"type": "image", **PICTURE, "slack_file": {"id": "F1"}}],
        "only one of image_url, slack_file",
    ),
    "a picture in Slack": (
        [{"type": "image", "alt_text": "a", "slack_file": {"id": "F1"}}],
        [{"type": "image", "alt_text": "a", "slack_file": {"id": "F1", "url": "https://a.example"}}],
        "only one of id, url",
    ),
    "title of a picture": (
        [{"type": "image", **PICTURE, "title": plain()}],
        as_accessory("image", **PICTURE, title=plain()),
        "invalid additional property: title",
    ),
    "number with its text": (data(number(value=1, text="1")), data(number(value=1)), "missing required field: text"),
    "number with its value": (data(number(value=0, text="1")), data(number(text="1")), "missing required field: value"),
    "number is finite": (data(number(value=1.5, text="1")), data(number(value=float("nan"), text="1")), "a number"),
    "number in a table": (
        table([raw()]),
        table([number(value=1, text="1")]),
        "unsupported type: raw_number",
    ),
    "field of a cell": (table([raw()]), table([raw(bold=True)]), "invalid additional property: bold"),
    "text in a cell": (table([raw()]), table([raw("")]), "must be more than 0"),
    "rich text in a cell": (table(words(WORD)), table(words({"type": "text"})), "missing required field: text"),
    "columns": (
        table([raw()], column_settings=[None, {"align": "right", "is_wrapped": True}]),
        table([raw()], column_settings=[{"align": "justify"}]),
        "must be one of: left, center, right",
    ),
    "column that names rows": (
        data(raw(), raw(), row_header_column_index=1),
        data(raw(), raw(), row_header_column_index=2),
        "must be the index of a column",
    ),
    "rows of one length": (
        table([raw()], [raw()], kind="data_table"),
        table([raw()], [raw(), raw()], kind="data_table"),
        "same number of cells",
    ),
    "word": (words(WORD), words({"type": "text", "text": 1}), "must be a string"),
    "kind of word": (
        words({"type": "user", "user_id": "U1"}),
        words({"type": "person", "id": "U1"}),
        "unsupported type",
    ),
    "whom a word names": (words({"type": "user", "user_id": "U1"}), words({"type": "user"}), "user_id"),
    "how a word looks": (
        words({**WORD, "style": {"bold": True}}),
        words({**WORD, "style": {"big": True}}),
        "invalid additional property: big",
    ),
    "everybody": (
        words({"type": "broadcast", "range": "here"}),
        words({"type": "broadcast", "range": "all"}),
        "must be one of: here, channel, everyone",
    ),
    "a date in words": (
        words({"type": "date", "timestamp": 1, "format": "{date}"}),
        words({"type": "date", "timestamp": "1", "format": "{date}"}),
        "must be an integer",
    ),
    "list": (bullets(), bullets(style="dotted"), "must be one of: bullet, ordered"),
    "list of sections": (bullets(), bullets(elements=[WORD]), "unsupported type: text"),
    "indent": (bullets(indent=8), bullets(indent=9), "must be between 0 and 8"),
    "code": (
        rich({"type": "rich_text_preformatted", "elements": [WORD]}),
        rich({"type": "rich_text_preformatted", "elements": [{"type": "emoji", "name": "tada"}]}),
        "unsupported type: emoji",
    ),
    "quote": (
        rich({"type": "rich_text_quote", "elements": [WORD], "border": 1}),
        rich({"type": "rich_text_quote", "elements": [WORD], "border": 2}),
        "must be between 0 and 1",
    ),
}


@pytest.mark.parametrize(("fits", "not_", "told"), CASES.values(), ids=CASES.keys())
def test_what_slack_publishes_is_taken_and_what_differs_is_refused(
    fits: list[Json], not_: list[Json], told: str
) -> None:
    assert len(checked(fits, "message")) == len(fits)
    with pytest.raises(Refused) as refused:
        checked(not_, "message")
    assert refused.value.error == "invalid_blocks"
    assert told in " ".join(refused.value.more["response_metadata"]["messages"])


MODAL: Json = {"type": "modal", "title": plain(), "blocks": [{"type": "divider"}]}
HOME: Json = {"type": "home", "blocks": [{"type": "divider"}]}

VIEWS: dict[str, tuple[Json, Json, str]] = {
    "title": ({**MODAL, "title": plain(24)}, {**MODAL, "title": plain(25)}, "less than 25"),
    "no title": (MODAL, {**MODAL, "title": None}, "missing required field: title"),
    "blocks": (HOME, {**HOME, "blocks": []}, "must provide at least 1"),
    "external_id": ({**MODAL, "external_id": "a" * 255}, {**MODAL, "external_id": "a" * 256}, "less than 256"),
    "flags": ({**MODAL, "clear_on_close": True}, {**MODAL, "clear_on_close": "yes"}, "must be a boolean"),
    "what a Home tab lacks": (HOME, {**HOME, "title": plain()}, "invalid additional property: title"),
    "a form is sent": (
        {**MODAL, "blocks": in_input("plain_text_input"), "submit": plain()},
        {**MODAL, "blocks": in_input("plain_text_input")},
        "missing required field: submit",
    ),
}


@pytest.mark.parametrize(("fits", "not_", "told"), VIEWS.values(), ids=VIEWS.keys())
def test_views_are_held_against_what_slack_publishes(fits: Json, not_: Json, told: str) -> None:
    assert checked_view(fits, fits["type"])
    with pytest.raises(Refused) as refused:
        checked_view(not_, not_["type"])
    assert told in " ".join(refused.value.more["response_metadata"]["messages"])

"""Block elements: buttons, menus, pickers and fields. https://docs.slack.dev/reference/block-kit/block-elements"""

from typing import Any

from bot.sandbox.slack.block_kit.check import (
    Check,
    Rule,
    Shape,
    exactly_one,
    flag,
    kinds,
    listed,
    matching,
    of_kind,
    string,
    whole,
)
from bot.sandbox.slack.block_kit.objects import (
    COLORS,
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH,
    FEEDBACK_BUTTON,
    LABEL,
    MARKED_OPTION,
    OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    SLACK_FILE,
    WORKFLOW,
    initial_options,
    plain,
)
from bot.sandbox.slack.block_kit.rich_text import RICH_TEXT

_MANY = 100
_ID = string(255, least=1)
_IDS = listed(_ID, _MANY, least=0)
_LINES = whole(1, 100)
_DATE = matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "YYYY-MM-DD")
_TIME = matching(r"([01]\d|2[0-3]):[0-5]\d", "HH:mm")
_NUMBER = matching(r"-?\d+(\.\d+)?", "of a number")


def _action_id(check: Check, value: Any, path: str) -> None:
    string(255)(check, value, path)
    if isinstance(value, str) and value:
        check.action(value, path)


def _focus(check: Check, value: Any, path: str) -> None:
    flag(check, value, path)
    if value is True:
        check.focus(path)


def _element(*groups: dict[str, Rule], needs: tuple[str, ...] = (), more: tuple[Rule, ...] = ()) -> Shape:
    fields: dict[str, Rule] = {"action_id": _action_id}
    for group in groups:
        fields |= group
    return of_kind(fields, needs, more)


_CONFIRMED: dict[str, Rule] = {"confirm": CONFIRM}
_FOCUSED: dict[str, Rule] = {"focus_on_load": _focus}
_HINTED: dict[str, Rule] = {"placeholder": plain(150)}
_MENU = _CONFIRMED | _FOCUSED | _HINTED
_SEVERAL = _MENU | {"max_selected_items": whole(1, 10_000)}
_FIELD = _FOCUSED | _HINTED | {"dispatch_action_config": DISPATCH}
_RESPONDING: dict[str, Rule] = {"response_url_enabled": flag}
_OF_OPTIONS: dict[str, Rule] = {"options": listed(OPTION, _MANY), "option_groups": listed(OPTION_GROUP, _MANY)}
_OF_OTHERS: dict[str, Rule] = {"min_query_length": whole(0, 10_000)}
_OF_CONVERSATIONS: dict[str, Rule] = {"default_to_current_conversation": flag, "filter": CONVERSATION_FILTER}
_CHOICES = (exactly_one("options", "option_groups"), initial_options)


def _range(low: str, high: str) -> Rule:
    """Of two numbers that are strings, the lower one is not greater than the higher."""

    def rule(check: Check, value: Any, path: str) -> None:
        try:
            wrong = float(value[low]) > float(value[high])
        except (KeyError, TypeError, ValueError):
            return
        if wrong:
            check.wrong(f"must not be greater than {high}", f"{path}/{low}")

    return rule


PICTURE: dict[str, Rule] = {"image_url": string(3000), "slack_file": SLACK_FILE, "alt_text": string(2000, least=1)}
ONE_PICTURE = (exactly_one("image_url", "slack_file"),)
IMAGE = of_kind(PICTURE, needs=("alt_text",), more=ONE_PICTURE)

_BUTTON: dict[str, Rule] = {
    "text": plain(75),
    "url": string(3000),
    "value": string(2000),
    "style": COLORS,
    "accessibility_label": LABEL,
    "agent_prompt": string(4000),
    "agent_prompt_display": string(4000),
    "visible_to_user_ids": _IDS,
}
_CHECKBOXES: dict[str, Rule] = {
    "options": listed(MARKED_OPTION, 10),
    "initial_options": listed(MARKED_OPTION, 10),
}
_RADIO: dict[str, Rule] = {"options": listed(MARKED_OPTION, 10), "initial_option": MARKED_OPTION}
_ICON_BUTTON: dict[str, Rule] = {
    "icon": _ID,
    "text": plain(75),
    "value": string(2000),
    "accessibility_label": LABEL,
    "visible_to_user_ids": _IDS,
}
_WORKFLOW_BUTTON: dict[str, Rule] = {
    "text": plain(75),
    "workflow": WORKFLOW,
    "style": COLORS,
    "accessibility_label": LABEL,
}
_PLAIN_TEXT: dict[str, Rule] = {
    "initial_value": string(3000),
    "multiline": flag,
    "min_length": whole(0, 3000),
    "max_length": whole(1, 3000),
}
_RICH_TEXT: dict[str, Rule] = {
    "initial_value": kinds({"rich_text": of_kind({**RICH_TEXT, "block_id": string(255)}, needs=("elements",))}),
    "min_lines": _LINES,
    "max_lines": _LINES,
}
_NUMBERS: dict[str, Rule] = {
    "is_decimal_allowed": flag,
    "initial_value": _NUMBER,
    "min_value": _NUMBER,
    "max_value": _NUMBER,
}

BUTTONS = {
    "button": _element(_BUTTON, _CONFIRMED, needs=("text",)),
    "overflow": _element({"options": listed(OVERFLOW_OPTION, 5)}, _CONFIRMED, needs=("options",)),
    "workflow_button": _element(_WORKFLOW_BUTTON, _CONFIRMED, needs=("text", "workflow")),
}
CONTEXT_BUTTONS = {
    "feedback_buttons": _element(
        {"positive_button": FEEDBACK_BUTTON, "negative_button": FEEDBACK_BUTTON},
        needs=("positive_button", "negative_button"),
    ),
    "icon_button": _element(_ICON_BUTTON, _CONFIRMED, needs=("icon", "text")),
}
PICKERS = {
    "channels_select": _element(_MENU, _RESPONDING, {"initial_channel": _ID}),
    "checkboxes": _element(_CHECKBOXES, _CONFIRMED, _FOCUSED, needs=("options",), more=(initial_options,)),
    "conversations_select": _element(_MENU, _RESPONDING, _OF_CONVERSATIONS, {"initial_conversation": _ID}),
    "datepicker": _element(_MENU, {"initial_date": _DATE}),
    "external_select": _element(_MENU, _OF_OTHERS, {"initial_option": OPTION}),
    "multi_channels_select": _element(_SEVERAL, {"initial_channels": _IDS}),
    "multi_conversations_select": _element(_SEVERAL, _OF_CONVERSATIONS, {"initial_conversations": _IDS}),
    "multi_external_select": _element(_SEVERAL, _OF_OTHERS, {"initial_options": listed(OPTION, _MANY)}),
    "multi_static_select": _element(_SEVERAL, _OF_OPTIONS, {"initial_options": listed(OPTION, _MANY)}, more=_CHOICES),
    "multi_users_select": _element(_SEVERAL, {"initial_users": _IDS}),
    "radio_buttons": _element(_RADIO, _CONFIRMED, _FOCUSED, needs=("options",), more=(initial_options,)),
    "static_select": _element(_MENU, _OF_OPTIONS, {"initial_option": OPTION}, more=_CHOICES),
    "timepicker": _element(_MENU, {"initial_time": _TIME, "timezone": _ID}),
    "users_select": _element(_MENU, {"initial_user": _ID}),
}
DATE_AND_TIME = {
    "datetimepicker": _element(_CONFIRMED, _FOCUSED, {"initial_date_time": whole(10**9, 10**10 - 1)}),
}
RICH_INPUT = {"rich_text_input": _element(_FIELD, _RICH_TEXT)}
FIELDS = {
    "email_text_input": _element(_FIELD, {"initial_value": string(3000)}),
    "file_input": _element({"filetypes": _IDS, "max_files": whole(1, 10)}),
    "number_input": _element(_FIELD, _NUMBERS, needs=("is_decimal_allowed",), more=(_range("min_value", "max_value"),)),
    "plain_text_input": _element(_FIELD, _PLAIN_TEXT),
    "url_text_input": _element(_FIELD, {"initial_value": string(3000)}),
}

IN_ACTIONS = BUTTONS | PICKERS | DATE_AND_TIME | RICH_INPUT
IN_SECTION = BUTTONS | PICKERS | {"image": IMAGE}
IN_INPUT = PICKERS | DATE_AND_TIME | RICH_INPUT | FIELDS

"""Composition objects: texts, options, dialogs and the like.

https://docs.slack.dev/reference/block-kit/composition-objects
"""

from typing import Any

from bot.sandbox.slack.block_kit.check import (
    Check,
    Rule,
    Shape,
    at_least_one,
    exactly_one,
    flag,
    kinds,
    listed,
    of_kind,
    one_of,
    string,
)

COLORS = one_of("primary", "danger")
LABEL = string(75)


def plain(most: int) -> Rule:
    """A text object of type plain_text: https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
    return kinds({"plain_text": _plain(most)})


def text(most: int) -> Rule:
    """A text object of either type."""
    return kinds({"plain_text": _plain(most), "mrkdwn": _mrkdwn(most)})


def _plain(most: int) -> Shape:
    return of_kind({"text": string(most, least=1), "emoji": flag}, needs=("text",))


def _mrkdwn(most: int) -> Shape:
    return of_kind({"text": string(most, least=1), "verbatim": flag}, needs=("text",))


TEXTS = {"plain_text": _plain(3000), "mrkdwn": _mrkdwn(3000)}

CONFIRM = Shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30), "style": COLORS},
    # Required by the reference page, optional in @slack/types.
    needs=("title", "text", "confirm", "deny"),
)
DISPATCH = Shape({"trigger_actions_on": listed(one_of("on_enter_pressed", "on_character_entered"), 2)})
SLACK_FILE = Shape({"id": string(255, least=1), "url": string(3000, least=1)}, more=(exactly_one("id", "url"),))
FEEDBACK_BUTTON = Shape(
    {"text": plain(75), "value": string(2000, least=1), "accessibility_label": LABEL}, needs=("text", "value")
)

_OPTION: dict[str, Rule] = {"value": string(150, least=1), "description": plain(75)}
OPTION = Shape({"text": plain(75), **_OPTION}, needs=("text", "value"))
"""Of menus: https://docs.slack.dev/reference/block-kit/composition-objects/option-object"""
MARKED_OPTION = Shape({"text": text(75), **_OPTION}, needs=("text", "value"))
"""Of checkboxes and radio buttons, whose text may be mrkdwn."""
OVERFLOW_OPTION = Shape({"text": plain(75), **_OPTION, "url": string(3000)}, needs=("text", "value"))

OPTION_GROUP = Shape({"label": plain(75), "options": listed(OPTION, 100)}, needs=("label", "options"))

_CONVERSATIONS = one_of("im", "mpim", "private", "public")
CONVERSATION_FILTER = Shape(
    {"include": listed(_CONVERSATIONS, 4), "exclude_external_shared_channels": flag, "exclude_bot_users": flag},
    more=(at_least_one("include", "exclude_bot_users", "exclude_external_shared_channels"),),
)

_PARAMETER = Shape({"name": string(255, least=1), "value": string(3000)}, needs=("name", "value"))
WORKFLOW = Shape(
    {
        "trigger": Shape(
            {"url": string(3000, least=1), "customizable_input_parameters": listed(_PARAMETER, 100)}, needs=("url",)
        )
    },
    needs=("trigger",),
)


def initial_options(check: Check, element: Any, path: str) -> None:
    """What is chosen at first has to be exactly one of the options, or some of them."""
    known = list(_dicts(element.get("options")))
    for group in _dicts(element.get("option_groups")):
        known += _dicts(group.get("options"))
    if element.get("initial_option") is not None and element["initial_option"] not in known:
        check.wrong("must be one of the options", f"{path}/initial_option")
    for at, chosen in enumerate(_dicts(element.get("initial_options"))):
        if chosen not in known:
            check.wrong("must be one of the options", f"{path}/initial_options/{at}")


def _dicts(value: Any) -> list[Any]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

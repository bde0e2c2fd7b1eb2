"""Which blocks there are, and what each may hold. https://docs.slack.dev/reference/block-kit/blocks"""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.block_kit.check import (
    Check,
    Rule,
    Shape,
    at_least_one,
    flag,
    kinds,
    listed,
    of_kind,
    string,
)
from bot.sandbox.slack.block_kit.data import CHART, DATA_TABLE, TABLE, row_header
from bot.sandbox.slack.block_kit.elements import (
    CONTEXT_BUTTONS,
    IMAGE,
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    ONE_PICTURE,
    PICTURE,
)
from bot.sandbox.slack.block_kit.objects import TEXTS, plain, text
from bot.sandbox.slack.block_kit.rich_text import RICH_TEXT


def _block(fields: Mapping[str, Rule], needs: tuple[str, ...] = (), more: tuple[Rule, ...] = ()) -> Shape:
    return of_kind({"block_id": string(255), **fields}, needs, more)


_SECTION: dict[str, Rule] = {
    "text": text(3000),
    "fields": listed(text(2000), 10),
    "accessory": kinds(IN_SECTION),
    "expand": flag,
}
_INPUT: dict[str, Rule] = {
    "label": plain(2000),
    "element": kinds(IN_INPUT),
    "hint": plain(2000),
    "optional": flag,
    "dispatch_action": flag,
}

BLOCKS: dict[str, Shape] = {
    "actions": _block({"elements": listed(kinds(IN_ACTIONS), 25)}, needs=("elements",)),
    "context": _block({"elements": listed(kinds({**TEXTS, "image": IMAGE}), 10)}, needs=("elements",)),
    "context_actions": _block({"elements": listed(kinds(CONTEXT_BUTTONS), 5)}, needs=("elements",)),
    "data_table": _block(DATA_TABLE, needs=("rows", "caption"), more=(row_header,)),
    "data_visualization": _block(CHART, needs=("title", "chart")),
    "divider": _block({}),
    "header": _block({"text": plain(150)}, needs=("text",)),
    "image": _block({**PICTURE, "title": plain(2000)}, needs=("alt_text",), more=ONE_PICTURE),
    "input": _block(_INPUT, needs=("label", "element")),
    "markdown": _block({"text": string(12_000, least=1)}, needs=("text",)),
    "rich_text": _block(RICH_TEXT, needs=("elements",)),
    "section": _block(_SECTION, more=(at_least_one("text", "fields"),)),
    "table": _block(TABLE, needs=("rows",)),
}

MESSAGES_ONLY = ("context_actions", "data_table", "data_visualization", "markdown", "table")

_BLOCK = kinds(BLOCKS)


def block(check: Check, value: Any, path: str) -> None:
    """A block of the surface that the check is about."""
    check.block = path
    if check.surface != "message" and isinstance(value, dict) and value.get("type") in MESSAGES_ONLY:
        check.wrong(f"unsupported type: {value['type']}", f"{path}/type")
    _BLOCK(check, value, path)


_VIEW: dict[str, Rule] = {
    "blocks": listed(lambda *_: None, 100),
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}


def _can_be_sent(check: Check, view: Any, path: str) -> None:
    """A form needs a button that sends it."""
    given = view.get("blocks")
    blocks = given if isinstance(given, list) else []
    inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if inputs and view.get("submit") is None:
        check.wrong("missing required field: submit", path)


VIEWS = {
    "home": of_kind(_VIEW, needs=("blocks",)),
    "modal": of_kind(
        {
            **_VIEW,
            "title": plain(24),
            "close": plain(24),
            "submit": plain(24),
            "clear_on_close": flag,
            "notify_on_close": flag,
            "submit_disabled": flag,
        },
        needs=("blocks", "title"),
        more=(_can_be_sent,),
    ),
}
"""https://docs.slack.dev/reference/views; what stands in `blocks` is looked at as in messages."""

"""The form for a persona: how Claude shall answer in a channel or a workspace.

https://docs.slack.dev/reference/views/modal-views
"""

import re
from typing import Any

PERSONA = "parley_persona"
INPUT = "persona"
LENGTH = 3_000

View = dict[str, Any]


def form(scope: str, text: str) -> View:
    """`scope` is `workspace` or `channel:C…`; `text` is what holds there now."""
    where = "this workspace" if scope == "workspace" else f"<#{scope.partition(':')[2]}>"
    element = {
        "type": "plain_text_input",
        "action_id": INPUT,
        "multiline": True,
        "max_length": LENGTH,
        **({"initial_value": text[:LENGTH]} if text else {}),
    }
    return {
        "type": "modal",
        "callback_id": PERSONA,
        "private_metadata": scope,
        "title": _plain("Persona"),
        "submit": _plain("Save"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"How shall I answer in {where}?"}},
            {
                "type": "input",
                "block_id": INPUT,
                "optional": True,
                "label": _plain("Instructions"),
                "hint": _plain("They hold from the next question on. Leave it empty for none."),
                "element": element,
            },
        ],
    }


def saved(text: str) -> View:
    """In place of the form."""
    return {
        "type": "modal",
        "title": _plain("Persona"),
        "close": _plain("Close"),
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}],
    }


def read_form(view: object) -> tuple[str, str] | None:
    """The scope and the text of a submitted form; None for what is no form of ours."""
    given = view if isinstance(view, dict) else {}
    scope, found = given.get("private_metadata"), given.get("state")
    if not isinstance(scope, str) or not re.fullmatch(r"workspace|channel:[CGD][A-Z0-9]+", scope):
        return None
    for name in ("values", INPUT, INPUT):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return None
    typed = found.get("value")
    return scope, typed.strip()[:LENGTH] if isinstance(typed, str) else ""


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text}

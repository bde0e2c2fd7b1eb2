"""The form for a persona: how Claude shall answer in a channel or a workspace."""

import re

from bot.views.blocks import (
    Submission,
    View,
    field_state,
    form_field,
    metadata,
    modal,
    plain_text,
    section,
    text_area,
)

PERSONA = "parley_persona"
INPUT = "persona"
LENGTH = 3_000
HINT = "They hold from the next question on. Leave it empty for none."


def form(scope: str, text: str) -> View:
    """`scope` is `workspace` or `channel:C…`; `text` is the persona that holds there now."""
    where = "this workspace" if scope == "workspace" else f"<#{scope.partition(':')[2]}>"
    element = text_area(INPUT, LENGTH, text[:LENGTH])
    instructions = form_field(INPUT, "Instructions", element, hint=plain_text(HINT), optional=True)
    blocks = [section(f"How shall I answer in {where}?"), instructions]
    return modal("Persona", "Cancel", blocks, Submission("Save", PERSONA, scope))


def saved(text: str) -> View:
    """The modal that takes the place of the form."""
    return modal("Persona", "Close", [section(text)])


def read_form(view: object) -> tuple[str, str] | None:
    """The scope and the text of a submitted form, or None if it is not this form."""
    scope = metadata(view)
    if not re.fullmatch(r"workspace|channel:[CGD][A-Z0-9]+", scope):
        return None
    state = field_state(view, INPUT, INPUT)
    if state is None:
        return None
    typed = state.get("value")
    return scope, typed.strip()[:LENGTH] if isinstance(typed, str) else ""

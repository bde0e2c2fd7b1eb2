"""The form for a persona, by the rules of a strict Slack."""

import pytest

from bot.sandbox.slack.views import checked
from bot.views.persona import INPUT, LENGTH, form, read_form, saved


@pytest.mark.parametrize("scope", ["workspace", "channel:C1"])
@pytest.mark.parametrize("text", ["", "Be brief.", "x" * (LENGTH + 1)])
def test_slack_takes_the_form_and_what_replaces_it(scope: str, text: str) -> None:
    assert checked(form(scope, text), "modal")
    assert checked(saved("Done."), "modal")


def submitted(value: object, scope: object = "channel:C1") -> dict[str, object]:
    return {"private_metadata": scope, "state": {"values": {INPUT: {INPUT: {"value": value}}}}}


def test_what_was_typed_is_read() -> None:
    assert read_form(submitted(" Be brief. ")) == ("channel:C1", "Be brief.")
    assert read_form(submitted(None, "workspace")) == ("workspace", "")


@pytest.mark.parametrize(
    "view",
    [
        None,
        [],
        {},
        submitted("x", None),
        submitted("x", "each"),
        submitted("x", "channel:"),
        submitted("x", "user:U1"),
        {"private_metadata": "workspace", "state": {"values": {INPUT: None}}},
        {"private_metadata": "workspace", "state": []},
    ],
)
def test_what_is_not_our_form_is_not_read(view: object) -> None:
    assert read_form(view) is None

"""The question before we forget."""

import pytest

from bot.sandbox.slack.block_kit.payload import checked
from bot.views.forget import CONFIRM, NOTHING, WHAT, Scope, done, question


@pytest.mark.parametrize("scope", WHAT)
@pytest.mark.parametrize(("count", "shown"), [(1, "1 conversation "), (2, "2 conversations "), (4711, "4,711 conv")])
def test_it_says_what_would_go_and_has_one_button(scope: Scope, count: int, shown: str) -> None:
    asked = question(scope, count, "a value")
    assert shown in asked["text"]
    section, actions = checked(asked["blocks"], "message")
    assert section["text"]["text"] == asked["text"]
    [button] = actions["elements"]
    assert (button["action_id"], button["value"]) == (CONFIRM, "a value")
    assert ("An admin can forget all" in asked["text"]) is (scope == "own")


def test_afterwards_it_says_how_many_went() -> None:
    assert "forgotten 1 conversation here" in done(1)
    assert done(0) == NOTHING

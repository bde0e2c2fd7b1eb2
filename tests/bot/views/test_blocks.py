"""The pieces of Block Kit, by the rules of a strict Slack, and what comes back of a form."""

import pytest

from bot.sandbox.slack.block_kit.payload import checked as checked_blocks
from bot.sandbox.slack.views import checked as checked_view
from bot.views.blocks import (
    Submission,
    actions,
    button,
    context,
    divider,
    field_state,
    fields,
    form_field,
    header,
    metadata,
    modal,
    mrkdwn,
    plain_text,
    quotation,
    section,
    text_area,
)


def test_slack_takes_every_block() -> None:
    blocks = [
        header("Title"),
        section("*Text*"),
        fields({"Name": "value", "Other": "value"}),
        context(mrkdwn("*small*")),
        context(plain_text("small")),
        divider(),
        actions(button("an_action", plain_text("Press"), "a value", style="danger")),
    ]
    checked_blocks(blocks, "message")


@pytest.mark.parametrize("initial", ["", "so far"])
def test_slack_takes_a_form_and_what_only_tells(initial: str) -> None:
    field = form_field("block", "Label", text_area("field", 100, initial), optional=True, hint=plain_text("a hint"))
    checked_view(modal("Title", "Cancel", [field], Submission("Send", "a_form", "about")), "modal")
    checked_view(modal("Title", "Close", [section("Done.")]), "modal")


def test_a_quotation_has_the_text_as_it_was_typed() -> None:
    message = quotation([{"type": "text", "text": "She says:"}], "<!here> *b*", "Somebody says something")
    [block] = checked_blocks(message["blocks"], "message")
    assert block["elements"][1]["elements"] == [{"type": "text", "text": "<!here> *b*"}]
    assert message["text"] == "Somebody says something"
    assert message["unfurl_links"] is message["unfurl_media"] is False


def test_what_people_typed_is_found_in_the_form_that_slack_sends() -> None:
    sent = {"private_metadata": "about", "state": {"values": {"block": {"field": {"value": "typed"}}}}}
    assert field_state(sent, "block", "field") == {"value": "typed"}
    assert metadata(sent) == "about"


@pytest.mark.parametrize(
    "sent",
    [None, [], {}, {"state": 7}, {"state": {"values": {"block": {"field": None}}}}, {"private_metadata": ["about"]}],
)
def test_what_has_no_such_field_has_no_state(sent: object) -> None:
    assert field_state(sent, "block", "field") is None
    assert metadata(sent) == ""

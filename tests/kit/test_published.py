"""What scenarios send is held against slack_sdk's models, and so are the sandbox's own rules."""

from typing import Any

import pytest

from bot.sandbox.journal import Entry
from tests.bot.sandbox.block_kit import test_payload, test_shapes
from tests.kit.published import faults, faults_of, faults_of_blocks

Json = dict[str, Any]

OLD_NUMBER: Json = {"type": "raw_number", "value": 1}
HEAD: Json = {"type": "raw_text", "text": "Cost"}
TABLE: Json = {"type": "data_table", "caption": "Usage", "rows": [[HEAD], [OLD_NUMBER]]}


def sent(method: str, **arguments: Any) -> Entry:
    return Entry("slack.request", method, 0.0, 0.0, arguments)


def test_a_number_without_its_text_is_seen_in_a_form_and_in_json() -> None:
    form = '[{"type": "data_table", "caption": "Usage", "rows": [[{"type": "raw_number", "value": 2}]]}]'
    found = faults([sent("chat.postMessage", blocks=form), sent("response_url", blocks=[TABLE])])
    assert [fault.partition(":")[0] for fault in found] == ["chat.postMessage", "response_url"]
    assert all("missing 1 required keyword-only argument: 'text'" in fault for fault in found)


WRONG: list[tuple[str, Any]] = [
    ("blocks", [{"type": "marquee"}]),
    ("blocks", [{"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}]),
    ("blocks", [{"type": "section", "text": {"type": "mrkdwn", "text": "a"}, "colour": "red"}]),
    ("blocks", [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text"}}]}]),
    ("blocks", [{"type": "markdown", "text": "a" * 12_001}]),
    ("attachments", [{"blocks": [{"type": "divider", "text": "a"}]}]),
    ("view", {"type": "home", "blocks": []}),
    ("view", {"type": "modal", "title": {"type": "plain_text", "text": "a" * 25}, "blocks": [{"type": "divider"}]}),
    ("view", {"type": "modal", "blocks": [{"type": "divider"}], "size": "large"}),
    ("metadata", {"event_type": "a"}),
    ("chunks", [{"type": "markdown_text"}]),
    ("chunks", [{"type": "blocks", "blocks": [TABLE]}]),
]


@pytest.mark.parametrize(("name", "given"), WRONG)
def test_whatever_the_models_do_not_know_is_a_fault(name: str, given: Any) -> None:
    assert faults_of(name, given)


def test_each_fault_is_told_once_and_other_entries_are_none_of_its_business() -> None:
    calls = [sent("chat.update", blocks=[TABLE])] * 3
    assert len(faults([*calls, Entry("slack.delivery", "message", 0.0, 0.0, {"blocks": [TABLE]})])) == 1
    assert faults([sent("chat.update", text="hi", blocks="", metadata=None)]) == []


FITS = {name: case[0] for name, case in (test_payload.FITS_AND_NOT | test_shapes.CASES).items()}
# In @slack/types alone.
NEWER_THAN_THE_MODELS = ("quote",)


@pytest.mark.parametrize("name", sorted(FITS.keys() - set(NEWER_THAN_THE_MODELS)))
def test_the_models_know_what_the_sandbox_takes(name: str) -> None:
    assert faults_of_blocks(FITS[name]) == []

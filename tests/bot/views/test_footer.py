"""The blocks below a reply, held against the sandbox's strict Block Kit."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.block_kit.payload import checked
from bot.views import footer as reply
from bot.views.blocks import Block

TS = "1763700000.123456"
EVERY = {
    "streaming": reply.streaming(TS),
    "done": reply.done(TS),
    "continuable": reply.done(TS, continuable=True, note="claude-sonnet-5-5 · 1,234 tokens · $0.0042"),
    "stopped": reply.stopped(TS, by="ada", note="claude-sonnet-5-5"),
    "simple": reply.done(TS, continuable=True, note="a note", simple=True),
    "simply stopped": reply.stopped(TS, continuable=True, simple=True),
}


def elements(blocks: list[Block]) -> dict[str, dict[str, Any]]:
    return {one["action_id"]: one for block in blocks for one in block["elements"] if "action_id" in one}


def small_print(blocks: list[Block]) -> list[str]:
    return [one["text"] for block in blocks if block["type"] == "context" for one in block["elements"]]


@pytest.mark.parametrize("blocks", EVERY.values(), ids=EVERY)
def test_slack_takes_them_below_an_answer(blocks: list[Block]) -> None:
    assert len(checked([{"type": "markdown", "text": "An answer."}, *blocks], "message")) == len(blocks) + 1


def test_there_is_a_stop_button_while_it_is_written_and_nothing_else() -> None:
    assert list(elements(reply.streaming(TS))) == [reply.STOP]
    assert reply.STOP not in elements(EVERY["done"]) | elements(EVERY["stopped"]) | elements(EVERY["simple"])


def test_only_an_answer_that_can_go_on_has_continue() -> None:
    assert set(elements(reply.done(TS))) == {reply.FEEDBACK, reply.REGENERATE}
    assert set(elements(reply.done(TS, continuable=True))) == {reply.FEEDBACK, reply.CONTINUE, reply.REGENERATE}
    assert reply.CONTINUE in elements(reply.stopped(TS, continuable=True))


def test_the_simple_form_does_without_the_newer_blocks() -> None:
    assert {block["type"] for block in EVERY["simple"]} == {"context", "actions"}
    assert {one["type"] for one in elements(EVERY["simple"]).values()} == {"button"}
    votes = [reply.read_value(one["value"]) for one in elements(EVERY["simple"]).values()]
    assert votes == [(TS, "good"), (TS, "bad"), (TS, None), (TS, None)]


def test_each_value_leads_back_to_the_question() -> None:
    shown = elements(reply.done(TS, continuable=True)) | elements(reply.streaming(TS))
    feedback = shown.pop(reply.FEEDBACK)
    assert {reply.read_value(one["value"]) for one in shown.values()} == {(TS, None)}
    assert reply.read_value(feedback["positive_button"]["value"]) == (TS, "good")
    assert reply.read_value(feedback["negative_button"]["value"]) == (TS, "bad")


@pytest.mark.parametrize("value", [None, 7, "", "good", TS + "\n", f"great {TS}", "1" * 5000, {"ts": TS}, [TS]])
def test_a_value_that_is_not_ours_is_none(value: object) -> None:
    assert reply.read_value(value) is None


def test_the_note_cannot_ping_or_link() -> None:
    [line] = small_print(reply.done(TS, note="<!channel> & <https://evil.example|ours>"))
    assert line == "&lt;!channel&gt; &amp; &lt;https://evil.example|ours&gt;"
    assert '"verbatim": true' in json.dumps(reply.done(TS, note="@here"))


def test_who_stopped_it_is_said_beside_the_note() -> None:
    assert small_print(reply.stopped(TS)) == ["Stopped"]
    assert small_print(reply.stopped(TS, by="<ada>", note="$0.01")) == ["Stopped by &lt;ada&gt; · $0.01"]


@given(st.text(), st.text())
def test_slack_takes_any_note_and_name(note: str, by: str) -> None:
    checked(reply.done(TS, note=note), "message")
    checked(reply.stopped(TS, by=by, note=note, continuable=True, simple=True), "message")

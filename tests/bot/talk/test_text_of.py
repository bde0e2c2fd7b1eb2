"""What a message says, wherever Slack has it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.talk import text_of


def rich(*elements: dict[str, Any], kind: str = "rich_text_section") -> dict[str, Any]:
    return {"blocks": [{"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}]}


def plain(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"text": "hi", **rich(plain("hi"))}, "hi"),
        ({"text": "", **rich({"type": "user", "user_id": "U1"}, plain(" a < b "))}, "<@U1> a &lt; b "),
        (rich({"type": "link", "url": "https://x.example", "text": "x"}), "<https://x.example|x>"),
        (rich({"type": "channel", "channel_id": "C1"}, {"type": "broadcast", "range": "here"}), "<#C1><!here>"),
        (rich({"type": "rich_text_section", "elements": [plain("one")]}, kind="rich_text_list"), "• one"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Down & out"}}]}, "Down &amp; out"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Down* &amp; out"}}]}, "*Down* &amp; out"),
        ({"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}, {"text": "b"}]}]}, "a\nb"),
        ({"blocks": [{"type": "actions", "elements": [{"type": "button", "text": {"text": "Press"}}]}]}, ""),
        ({"text": "look", "attachments": [{"fallback": "no", "title": "Alert", "text": "CPU"}]}, "look\nAlert\nCPU"),
        ({"attachments": [{"fields": [{"title": "Host", "value": "web1"}]}]}, "Host\nweb1"),
        ({"attachments": [{"color": "#f00", "fallback": "It fell"}]}, "It fell"),
        ({"attachments": [{"blocks": [{"type": "markdown", "text": "**red**"}], "fallback": "no"}]}, "**red**"),
        (
            {"text": "<https://x.example>", "attachments": [{"from_url": "https://x.example", "text": "X"}]},
            "<https://x.example>",
        ),
        (
            {"text": "hm?", "attachments": [{"from_url": "https://x", "is_share": True, "text": "we ship"}]},
            "hm?\n[Forwarded message:]\n&gt; we ship",
        ),
        (
            {"attachments": [{"is_share": True, "author_id": "U2", "author_name": "Ben", "text": "a\n\nb"}]},
            "[Forwarded message, written by <@U2>:]\n&gt; a\n&gt; \n&gt; b",
        ),
        (
            {"attachments": [{"is_share": True, "author_id": "U2>", "author_name": "B\n<@U3>\u2028", "fallback": "a"}]},
            "[Forwarded message, written by B &lt;@U3&gt; :]\n&gt; a",
        ),
        ({"text": "x", "attachments": [{"is_share": True, "author_name": "Ben", "text": " "}]}, "x"),
        ({"text": None, "blocks": "x", "attachments": [5, {"text": 7, "fields": {}, "blocks": [None]}]}, ""),
    ],
)
def test_what_is_said_is_found(message: dict[str, Any], said: str) -> None:
    assert text_of.of(message) == said


def test_what_is_attached_has_an_end() -> None:
    assert len(text_of.of({"attachments": [{"text": "x" * 9_000}] * 20})) == text_of.MOST_CHARACTERS


@pytest.mark.parametrize("kind", ["rich_text_section", "rich_text_list", "rich_text_quote", "section", None])
def test_no_depth_of_a_rich_text_is_too_much(kind: str | None) -> None:
    inner: dict[str, Any] = plain("deep")
    for _ in range(10_000):
        inner = {"type": kind, "elements": [inner], "blocks": [inner], "attachments": [inner]}
    message = {"blocks": [{"type": "rich_text", "elements": [plain("above"), inner]}], "attachments": [inner]}
    assert "deep" not in text_of.of(message)
    assert text_of.of({"blocks": [{"type": "rich_text", "elements": [plain("a"), inner]}]}).startswith("a")


shapes = st.recursive(
    st.none() | st.text(max_size=3) | st.sampled_from(["rich_text", "rich_text_section", "section", "context", "user"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "fields", "blocks", "attachments"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments"]), shapes))
def test_any_shape_is_read(message: dict[str, Any]) -> None:
    text_of.of(message)

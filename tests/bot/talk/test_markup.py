"""What somebody said, as its author saw it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.talk.markup import escape, quote, spoken, unescape

BOT = "U0BOT"
NAMES = {"U1": "Ada", BOT: "parley"}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (f"<@{BOT}> hello", "hello"),
        (f"<@{BOT}>: hello", "hello"),
        (f"  <@{BOT}|parley>, hello", "hello"),
        (f"hello <@{BOT}>", "hello"),
        (f"what can <@{BOT}> do?", "what can @parley do?"),
        (f"<@{BOT}>", ""),
        (f"<@{BOT}>\nline", "line"),
        ("<@U1> and <@U2|ben> and <@U3>", "@Ada and @ben and @U3"),
        ("<#C1|general> and <#C2> and <#C3|>", "#general and #C2 and #C3"),
        ("<!here> <!channel|channel> <!subteam^S1|@devs>", "@here channel @devs"),
        ("<!date^1392734382^{date}^https://x.example|Feb 18>", "Feb 18"),
        ("<https://x.example> <https://x.example|x.example>", "https://x.example https://x.example"),
        ("<https://x.example/a|the page>", "the page (https://x.example/a)"),
        ("<mailto:a@x.example|a@x.example>", "mailto:a@x.example"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
    ],
)
def test_text_is_read_as_its_author_saw_it(text: str, seen: str) -> None:
    assert spoken(text, BOT, NAMES) == seen


@given(st.text(max_size=200))
def test_plain_text_comes_back_as_it_was_typed(text: str) -> None:
    assert spoken(escape(text), BOT, NAMES) == text.strip()
    assert unescape(escape(text)) == text


@given(
    st.lists(st.sampled_from(["<", ">", "@", "!", "#", "|", "^", "U1", BOT, "https:", "subteam", " ", "\n", "&amp;"]))
)
def test_any_markup_is_read(parts: list[str]) -> None:
    spoken("".join(parts[:25]), BOT, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "<!a" + "^" * 40_000,
        "a" + " " * 40_000 + "b",
        "<@A|" * 10_000,
        "<http:a" * 5_700,
        "<https://x.example|" * 2_000 + ">",
        "&amp;" * 8_000,
        f"<@{BOT}>" * 4_000,
    ],
    ids=lambda text: text[:8],
)
def test_no_message_holds_up_the_event_loop(text: str) -> None:
    began = time.process_time()
    spoken(text, BOT, NAMES)
    assert time.process_time() - began < 0.5


def test_an_escaped_text_has_no_mention() -> None:
    assert escape("<!here> & &lt;") == "&lt;!here&gt; &amp; &amp;lt;"


def test_nobody_begins_a_line_by_a_name() -> None:
    text = "hi <@U2> in <#C1|a\nb>"
    assert spoken(text, "U1", {"U2": "Ann\r\n[Ben]\u2028\u202e:"}) == "hi @Ann  [Ben]  : in #a b"


def test_each_line_of_a_quotation_is_marked() -> None:
    assert quote("a\nb\r\n\nc\u2028d") == "&gt; a\n&gt; b\n&gt; \n&gt; c\n&gt; d"

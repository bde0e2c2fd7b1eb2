"""What somebody said, as it is kept, and as its author saw it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.talk.file import File
from bot.talk.message import Message, Thread, spoken

TEAM, BOT = "T1", "U0BOT"


def test_a_message_that_an_older_version_kept_has_the_names_of_its_files() -> None:
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "hi")
    old = whole.to_json().replace('"files": []', '"files": ["a.pdf", 5]')
    assert Message.from_json(old).files == (File(name="a.pdf"),)


def test_a_message_that_a_newer_version_kept_is_read() -> None:
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "hi")
    assert Message.from_json(whole.to_json().replace('"text"', '"mood": "glad", "text"')) == whole


def test_a_message_survives_its_storage() -> None:
    file = File("F1", "a.pdf", "application/pdf", 5, "https://files.slack.com/a", "hosted", "visible")
    files = (file, File(name="b.png"))
    whole = Message(Thread("T1", "C1", "1.1"), "1.2", "U1", "“text” <&>\n🙂", "Ev1", files, True, True)
    assert Message.from_json(whole.to_json()) == whole
    assert Message.from_json(whole.to_json().encode()) == whole


# What was said


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
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert spoken(escaped, BOT, NAMES) == text.strip()


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

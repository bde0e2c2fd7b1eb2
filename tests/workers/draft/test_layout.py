from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.block_kit import payload as blocks
from tests.kit.markdown_samples import DOCUMENTS, document, documents, soup
from workers.draft.layout import PART_LENGTH, PLAIN_LENGTH, Form, Layout, lay_out
from workers.markdown.sanitize import PING, harmless
from workers.markdown.split import Cut

NO_CUTS: Mapping[int, Cut] = {}
AS_IT_IS = Form()
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(40))


def edited(text: str, form: Form = AS_IT_IS, *, ended: bool = False) -> Layout:
    return lay_out(text, form, ended=ended, streams=lambda number: False, cuts=NO_CUTS)


def streamed(text: str, cuts: Mapping[int, Cut] = NO_CUTS) -> Layout:
    return lay_out(text, Form(), ended=False, streams=lambda number: True, cuts=cuts)


def squeezed(*texts: str) -> str:
    return "".join("".join(texts).split())


def test_a_growing_text_is_framed_and_a_whole_one_is_as_it_is() -> None:
    assert edited("```python\nprint(1)\n").contents == ("```python\nprint(1)\n```",)
    assert edited("a **bold").contents == ("a **bold**",)
    assert edited("a **bold", ended=True).contents == ("a **bold",)


def test_a_stream_shows_only_what_nothing_can_change() -> None:
    assert streamed("a **bold").contents == ("a",)
    assert streamed("a **bold ").contents == ("a **bold",)
    assert streamed("see [a li").contents == ("see",)
    assert streamed("| a | b |\n| - ").contents == ("",)
    assert streamed("done.\n\n# Head ").contents == ("done.\n\n# Head",)


def test_only_the_last_of_several_messages_is_open_ended() -> None:
    layout = edited(LONG[:15_000] + " and `half")
    assert len(layout.contents) == 2
    assert layout.contents[0] == edited(LONG[:15_000], ended=True).contents[0]
    assert layout.contents[1].endswith("and `half`")


def test_the_length_is_that_of_the_last_messages_own_text() -> None:
    text = "```python\n" + "line = 1\n" * 1500
    layout = streamed(text)
    assert len(layout.contents) == 2
    assert layout.contents[1].startswith("```python\n")
    assert squeezed(layout.contents[1][10:]) == squeezed(text.rstrip()[-layout.length :])


def test_what_is_too_much_for_messages_is_the_rest() -> None:
    layout = edited(LONG, Form(most=12_000), ended=True)
    assert sum(map(len, layout.contents)) <= 12_000
    assert squeezed(*layout.contents, layout.rest) == squeezed(LONG)
    assert edited(LONG, ended=True).rest == ""
    assert edited(LONG[:12_000], Form(most=12_000), ended=True).rest == ""


def test_a_fence_goes_on_in_the_rest() -> None:
    text = "```python\n" + "line = 1\n" * 300 + "```"
    layout = edited(text, Form(most=1_000), ended=True)
    assert layout.contents[-1].endswith("\n```")
    assert layout.rest.startswith("```python\nline")


def test_plain_messages_are_as_short_as_plain_text_must_be() -> None:
    layout = edited(LONG[:4_000], Form(plain=True), ended=True)
    assert max(map(len, layout.contents)) <= PLAIN_LENGTH
    assert squeezed(*layout.contents) == squeezed(LONG[:4_000])


def test_nothing_of_it_pings() -> None:
    text = "<!channel> and <@U1> and <@U2>"
    [content] = edited(text, Form(frozenset({"U1"})), ended=True).contents
    assert "<@U1>" in content
    assert not PING.search(content.replace("<@U1>", ""))


def taken_back(text: str) -> str | None:
    """Grow a text as a stream does, by what is longer than what was sent; the first content that begins otherwise."""
    sent = ""
    for size in range(1, len(text) + 1):
        content = "".join(streamed(text[:size]).contents)
        if len(content) > len(sent):
            if not content.startswith(sent):
                return f"{sent!r} {content!r}"
            sent = content
    return None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_stream_of_a_real_document_never_takes_anything_back(path: Path) -> None:
    assert taken_back(document(path)) is None


@given(st.one_of(documents, soup))
def test_a_stream_of_any_text_never_takes_anything_back(text: str) -> None:
    assert taken_back(text) is None


@given(st.one_of(documents, soup))
def test_what_a_stream_shows_is_harmless_at_every_moment(text: str) -> None:
    """Invariant 9: judged by the whole text that stands there, not by what was appended."""
    for size in range(1, len(text) + 1):
        for content in streamed(text[:size]).contents:
            assert harmless(content) == content


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("plain", [False, True])
def test_every_message_is_one_that_slack_takes(path: Path, plain: bool) -> None:
    text = "\n\n".join([document(path)] * 8)
    for size in (len(text) // 3, len(text)):
        for content in edited(text[:size], Form(plain=plain), ended=size == len(text)).contents:
            assert len(content) <= PART_LENGTH * 1.2
            blocks.checked([{"type": "markdown", "text": content}], "message")


BLANKS = ["\n", " ", "\t", "\u00a0", "\u3000", "\u200b", "\u2060", "\ufeff", "\u2800", "\x00", "  \n", "\u200b\n"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("form", [Form(most=24_000), Form(most=24_000, plain=True)], ids=["blocks", "plain"])
def test_an_answer_of_few_words_and_many_blanks_is_one_message(blank: str, form: Form) -> None:
    for count in (3, 24_001, 30_000):
        for before, behind in (("", "hi"), ("hi", ""), ("hi", "hi")):
            text = before + blank * count + behind
            layout = edited(text, form, ended=True)
            assert (len(layout.contents), layout.rest) == (1, "")
            assert layout.contents[0].strip(blank).startswith("hi")
            growing = edited(text, form).contents
            assert len(growing) <= 1
            assert sum(map(len, growing)) <= 1_010


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("count", [0, 1, 24_001, 100_000])
def test_a_text_of_blanks_alone_takes_no_message(blank: str, count: int) -> None:
    for ended in (True, False):
        assert edited(blank * count, Form(most=24_000), ended=ended).contents == ()


@given(st.lists(st.sampled_from([*BLANKS, "<!here> ", "word", "\n\n"]), max_size=12), st.integers(1, 2_000))
def test_no_message_is_blank(units: list[str], count: int) -> None:
    layout = edited("".join(unit * count for unit in units), Form(most=24_000), ended=True)
    assert all(content.strip() for content in layout.contents)

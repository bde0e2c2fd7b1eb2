from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.hostile_markdown import PEOPLE, check_harmless, check_plain, hostile_documents, long_documents
from tests.kit.markdown_samples import DOCUMENTS, document
from tests.kit.rendered_markdown import check_closed, seen
from workers.draft.layout import MOST_LENGTH, PART_LENGTH, Form, Layout, decided, lay_out
from workers.markdown.frame import PLAIN_BYTES, fallback, plain_bytes
from workers.markdown.sanitize import harmless
from workers.markdown.split import SMALLEST, content, split_text

# Small enough that short texts take several messages and a file, and large enough for what the shortest part becomes.
PART, MOST, FILE = 400, 520, 1_500
SMALL = Form(PEOPLE, FILE, part_length=PART, most_length=MOST)
assert PART > 2 * SMALLEST


def laid(text: str, *, ended: bool = False, streams: bool = False, form: Form = SMALL) -> Layout:
    return lay_out(text, form, ended=ended, streams=lambda number: streams, cuts={})


@st.composite
def growing(draw: st.DrawFn) -> list[str]:
    """A text at a few moments of its growth, two of them a character apart, and whole."""
    text = draw(long_documents)
    sizes = draw(st.lists(st.integers(1, max(1, len(text))), min_size=1, max_size=4))
    return [text[:size] for size in sorted({*sizes, sizes[0] + 1, len(text)})]


def check_contents(layout: Layout) -> None:
    for shown in layout.contents:
        assert len(shown) <= MOST
        assert harmless(shown, PEOPLE) == shown
        check_harmless(shown)


def check_nothing_lost(text: str, layout: Layout) -> None:
    """What lies between two messages is white space and quote marks, and the file goes on where they end."""
    if len(text) > FILE and layout.rest:
        first, second = split_text(text, FILE)[:2]
        assert layout.rest == harmless(second.head + text[second.start :], PEOPLE)
        assert not text[first.end : second.start].strip("> \t\r\n")
        text = text[: first.end] + first.foot
    position = 0
    for part in layout.parts:
        assert part.end > part.start
        assert not text[position : part.start].strip("> \t\r\n")
        position = part.end
    assert not text[position:].strip("> \t\r\n")


@given(growing())
def test_live_messages_are_short_enough_harmless_and_well_formed(texts: list[str]) -> None:
    for text in texts:
        layout = laid(text)
        check_contents(layout)
        for shown in layout.contents[-1:]:
            check_closed(shown)


@given(growing())
def test_messages_with_a_successor_stay_and_what_all_show_never_shrinks(texts: list[str]) -> None:
    """Without definitions: one that a cut parts from its use shows brackets in one message and none in another."""
    before, most = Layout(()), 0
    for text in texts:
        layout = laid(text.replace("]:", "] :"))
        assert layout.contents[: len(before.contents[:-1])] == before.contents[:-1]
        count = sum(map(seen, layout.contents))
        assert count >= most
        before, most = layout, count


@given(long_documents)
def test_a_whole_text_loses_nothing_over_messages_and_file(text: str) -> None:
    layout = laid(text, ended=True)
    check_contents(layout)
    check_nothing_lost(text, layout)
    check_harmless(layout.rest)
    for shown, part in list(zip(layout.contents, layout.parts, strict=True))[:-1]:
        assert shown == harmless(content(text, part), PEOPLE)


@given(long_documents)
def test_the_plain_form_loses_nothing_to_the_byte_limit(text: str) -> None:
    layout = laid(text * 3, ended=True, form=Form(PEOPLE, plain=True))
    for shown in layout.contents:
        plain = fallback(shown, PLAIN_BYTES)
        assert len(plain.encode()) == plain_bytes(shown) <= PLAIN_BYTES
        check_plain(plain)


@given(hostile_documents(), st.integers(0, 300))
def test_what_a_stream_shows_is_never_taken_back(text: str, start: int) -> None:
    before = ""
    for size in range(min(start, max(0, len(text) - 50)), len(text) + 1):
        shown = decided(text[:size])
        assert text.startswith(shown)
        assert shown.startswith(before)
        before = shown
    check_harmless(harmless(before, PEOPLE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_a_stream_shows_of_a_real_document_stays_when_it_is_made_harmless(path: Path) -> None:
    text, before = document(path), ""
    for size in range(len(text) + 1):
        shown = harmless(decided(text[:size]), PEOPLE)
        assert shown.startswith(before)
        before = shown


def test_brackets_stay_when_a_message_gets_a_successor_and_go_at_the_end() -> None:
    text = "see [r][1]\n\n[1]: https://a.bc\n\n" + "word " * 100
    before, after, ended = laid(text[:PART]), laid(text), laid(text, ended=True)
    assert len(before.contents) == 1 < len(after.contents)
    assert before.contents[0].startswith("see [r][1]\n\n\n")
    assert after.contents[0].startswith("see [r][1]\n\n\n")
    assert ended.contents[0].startswith("see [r][1]\n\n[1]: https://a.bc\n")


@pytest.mark.parametrize(
    "unit",
    [
        "<!a",
        "<a>",
        "[](a)",
        "http://ä.bc/ ",
        "[a.bc](http://d.ef)",
        "\n[x]: y\n",
        "a://@here ",
        "`",
        "&#60;@U",
    ],
)
def test_no_growth_makes_a_message_too_long(unit: str) -> None:
    text = (unit * 40_000)[:40_000]
    for ended in (False, True):
        layout = lay_out(text, Form(most=24_000), ended=ended, streams=lambda number: False, cuts={})
        assert max(map(len, layout.contents), default=0) <= MOST_LENGTH


def test_links_beside_which_a_long_host_is_shown_make_more_messages() -> None:
    text = f"[a.bc](http://{'.'.join(['d' * 60] * 4)}) " * 100
    layout = lay_out(text, Form(), ended=True, streams=lambda number: False, cuts={})
    assert max(map(len, layout.contents)) <= MOST_LENGTH
    assert len(layout.contents) > len(text) / PART_LENGTH * 1.5
    check_nothing_lost(text, layout)

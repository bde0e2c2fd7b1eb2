import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rendered import DOCUMENTS, MARKDOWN, document, documents, inline, seen, soup, visible
from workers.markdown import fallback, frame, harmless, split


def check_every_prefix(text: str) -> None:
    most, before = 0, ""
    for size in range(len(text) + 1):
        shown = frame(text[:size])
        count = seen(shown)
        assert count >= most, f"{text[:size]!r} shows {visible(shown)!r} after {visible(before)!r}"
        assert frame(shown) == shown or seen(frame(shown)) <= count
        most, before = count, shown


def check_closed(text: str) -> None:
    """A fence that reaches to the end of a frame has its end."""
    shown = frame(text).rstrip(" \t")
    lines = shown.splitlines()
    fences = [token for token in MARKDOWN.parse(shown) if token.type == "fence"]
    # A fence in a quote ends with the quote, at a blank line.
    if fences and fences[-1].map is not None and fences[-1].map[1] == len(lines):
        last = lines[-1]
        assert fences[-1].map[1] - fences[-1].map[0] > 1
        assert last.lstrip("> \t").startswith(fences[-1].markup)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_real_documents_never_shrink_and_stay_well_formed_at_any_prefix(path: Path) -> None:
    text = document(path)
    check_every_prefix(text)
    for size in range(0, len(text) + 1, 3):
        check_closed(text[:size])


# Documents whose last line could go on as something else, or that stop inside of a construct.
ENDS_HALF_OPEN = {"emphasis-corners", "fence-never-closed", "hard-breaks", "hostile-links", "images", "unbalanced"}


def test_there_are_enough_documents() -> None:
    assert len(DOCUMENTS) >= 30


@pytest.mark.parametrize(
    "text",
    [
        "- word\n- wword | word\n  ---|---\n\n```python\n```",
        "word```\n    | a |\n|--|\n|--|\n",
        "👩\u200d💻_👩\u200d💻\n_y_\nword",
        "a**a *b* c****a *b* c**",
        "word\n\n*word\n**bold*****x***word",
        "word\n\n! | !\n---|---\nword | word",
        "word\n\n<!here>`word `",
    ],
)
def test_rare_shapes_never_shrink(text: str) -> None:
    check_every_prefix(text)


@pytest.mark.timeout(900)
@given(documents)
def test_structured_text_never_shrinks(text: str) -> None:
    check_every_prefix(text)
    check_closed(text)


@pytest.mark.timeout(900)
@given(inline)
def test_inline_markup_never_shrinks(text: str) -> None:
    check_every_prefix(text)


@pytest.mark.timeout(900)
@given(soup)
def test_marker_soup_never_shrinks(text: str) -> None:
    check_every_prefix(text)


@pytest.mark.timeout(900)
@given(documents)
def test_harmless_frames_never_shrink(text: str) -> None:
    most = 0
    for size in range(len(text) + 1):
        count = seen(harmless(frame(text[:size])))
        assert count >= most, text[:size]
        most = count


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("**bo", "**bo**"),
        ("**bold *ne", "**bold *ne***"),
        ("**bold ", "**bold**"),
        ("a **", "a"),
        ("~~gone", "~~gone~~"),
        ("__under *it", "__under *it*__"),
        ("snake_ca", "snake_ca"),
        ("2 * 3", "2 * 3"),
        ("a \\*b", "a \\*b"),
        ("use `co", "use `co`"),
        ("use ``co ` de", "use ``co``"),
        ("use `a*b", "use `a`"),
        ("see [the do", "see the do"),
        ("see [the docs](https://exa", "see the docs"),
        ("see [the docs](https://example.com)", "see [the docs](https://example.com)"),
        ("see ![ch", "see !"),
        ("a <b", "a"),
        ("a < b", "a < b"),
        ("hi <@U12", "hi"),
        ("hi <!chan", "hi"),
        ("R &am", "R"),
        ("text\n-", "text\n"),
        ("text\n- ", "text\n"),
        ("text\n#", "text\n"),
        ("text\n--", "text\n"),
        ("text\n===", "text\n"),
        ("text\n\n> ", "text\n\n"),
        ("text\n\n1.", "text\n\n1"),
        ("- a\n-", "- a\n"),
        ("1. a\n2", "1. a\n"),
        ("The answer is:\n\n42", "The answer is:\n\n42"),
        ("```", ""),
        ("```py", ""),
        ("```py\nx", "```py\nx\n```"),
        ("```py\nx\n``", "```py\nx\n```"),
        ("````\n```\nx", "````\n```\nx\n````"),
        ("~~~\nx", "~~~\nx\n~~~"),
        ("- a\n  ```\n  x", "- a\n  ```\n  x\n  ```"),
        ("> ```\n> x", "> ```\n> x\n> ```"),
        ("> - ```\n>   x\n", "> - ```\n>   x\n>   ```"),
        ("| a | b |", ""),
        ("| a | b |\n|--", ""),
        ("| a | b |\n|---|---|\n", "| a | b |\n|---|---|\n"),
        ("| a | b |\n|---|---|\n| 1 | 2", "| a | b |\n|---|---|\n"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "| a | b |\n|---|---|\n| 1 | 2 |\n"),
        ("# Title **bo", "# Title **bo**"),
        ("# Title #", "# Title"),
        ("see [a]\n\n[a]: https://b", "see [a]\n\n"),
        ("Great!", "Great!"),
        ("Done.\n\n", "Done.\n\n"),
    ],
)
def test_what_is_half_open_is_closed_or_held_back(text: str, shown: str) -> None:
    assert frame(text) == shown


WHOLE = [path for path in DOCUMENTS if path.stem not in ENDS_HALF_OPEN | {"reference-links"}]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_a_whole_document_is_its_own_frame(path: Path) -> None:
    text = document(path)
    assert frame(text) == re.sub("<(?=![a-z])", "<\u2060", text)


@pytest.mark.parametrize(
    "work", [frame, harmless, lambda text: split(text, 12_000)], ids=["frame", "harmless", "split"]
)
def test_an_answer_of_24_000_characters_takes_milliseconds(work: Callable[[str], object]) -> None:
    """10 ms are meant; the bound leaves room for a busy machine."""
    texts = [document(path) for path in DOCUMENTS if "hostile" not in path.stem and path.stem != "fence-never-closed"]
    text = ("\n\n".join(texts) * 10)[:24_000]
    best = min(_duration(work, text) for _ in range(5))
    assert best < 0.05


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "` ",
        "[",
        "[a](",
        "[]",
        "*a ",
        "*",
        "*a_b~~",
        "<",
        "<a ",
        '<a b="',
        "&a",
        "\\",
        ">",
        "- ",
        "a\n",
        "\n",
        " ",
        "|",
        "[a]: b\n",
        "<div>\n",
        "<!--",
        "<?",
        "<![CDATA[",
        "@here ",
        "[a.b](c:d) ",
        '[a](b "',
        "#",
        "1",
        "1. a\n",
        "!|!\n-|-\n\n",
        "e\u0301",
        "a.",
        "a-",
        "_a_",
        "~~",
        "[a.b](https://c.d) ",
        "<a:b",
        "| a |\n",
        "a|b\n-|-\n",
        "![",
        "](",
        "<b>\n\n",
    ],
)
def test_no_repetition_takes_long(unit: str) -> None:
    text = (unit * 24_000)[:24_000]
    for work in (frame, harmless, fallback, lambda text: split(text, 3000)):
        assert _duration(work, text) < 1.0
    assert _duration(harmless, f"[{text}](https://a.bc)") < 1.0


def _duration(work: Callable[[str], object], text: str) -> float:
    """Seconds of work; others may hold the machine meanwhile."""
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", ""),
        ("**Bold** and `code` & <b>", "Bold and code &amp; &lt;b&gt;"),
        ("# Title\n\n\n- one\n- two", "Title\n- one\n- two"),
        ("see [the docs](https://a.example/b) now", "see the docs now"),
        ("```py\nx = 1\n```\nafter", "x = 1\nafter"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
    ],
)
def test_the_notification_is_plain_and_escaped(text: str, plain: str) -> None:
    assert fallback(text) == plain


@given(st.text(alphabet="a &<>é中😀\n*`", max_size=200), st.integers(3, 80))
def test_the_notification_keeps_its_byte_limit_and_cuts_no_escape(text: str, limit: int) -> None:
    short, whole = fallback(text, limit), fallback(text, 10_000)
    assert len(short.encode()) <= limit
    if short != whole:
        assert short.endswith("…")
        assert whole.startswith(short[:-1])
        assert "&" not in short[:-1].replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")

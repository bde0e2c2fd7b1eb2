import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kit.hostile_markdown import PEOPLE, check_harmless
from tests.kit.hostile_shapes import SHAPES, Shape
from tests.kit.markdown_samples import DOCUMENTS, document, documents, inline, soup
from tests.kit.rendered_markdown import check_closed, seen, visible
from workers.markdown.blocks import scan
from workers.markdown.frame import fallback, frame, harmless
from workers.markdown.split import split_text


def check_every_prefix(text: str) -> None:
    most, before = 0, ""
    for size in range(len(text) + 1):
        shown = frame(text[:size])
        if shown == before:
            continue
        count = seen(shown)
        assert count >= most, f"{text[:size]!r} shows {visible(shown)!r} after {visible(before)!r}"
        again = frame(shown)
        assert again == shown or seen(again) <= count
        most, before = count, shown


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_real_documents_never_shrink_and_stay_well_formed_at_any_prefix(path: Path) -> None:
    text = document(path)
    check_every_prefix(text)
    for size in range(len(text) + 1):
        check_closed(frame(text[:size]))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_frames_of_real_documents_are_harmless(path: Path) -> None:
    text = document(path)
    for size in range(0, len(text) + 1, 5):
        check_harmless(harmless(frame(text[:size]), PEOPLE))


# Documents whose last line could go on as something else, or that stop inside of a construct.
ENDS_HALF_OPEN = {
    "dunders-and-generics",
    "emphasis-corners",
    "fence-never-closed",
    "globs-and-cron",
    "hard-breaks",
    "hostile-links",
    "images",
    "tables-of-all-kinds",
    "unbalanced",
    "windows-paths",
    "yaml-anchors",
}
DEFINES_LATE = {"changelog-with-references", "code-of-an-agent", "reference-links", "web-search-answer"}


def test_there_are_enough_documents() -> None:
    assert len(DOCUMENTS) >= 60


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
        "[a]\n\n[a]: *b `c`",
        '[a]: /url\n"title"\nword',
        '[a]: /url\n"title" word',
        "[a]: /url\n\"title\nmore\"\n[b]: /url\n'title'",
        "[a]:\n<u r l>\n  (ti\\)tle)  \nword",
        '> [a]: /url\n"title"',
        "- [a]: /url\r\n  'title'\r\n",
        'see [a]\n\n[a]: /url\n\t"title"\n',
        "word![a b](c)word",
        "_- **[r]: /u*[r]: /u",
    ],
)
def test_rare_shapes_never_shrink(text: str) -> None:
    check_every_prefix(text)


CONSTRUCTS = [
    *("![a b](/c)", "![](a)", "![a b][c]", "[![a](b)](c)", "![a](<b c> 'd')", "!!", "!"),
    *("[a](b)", "[a b](c 'd')", "[a](<b c>)", "[a b][c]", "[a b][]", "[a[b]c](d)", "[`a`](b(c)d)", "[]", "[a]()"),
    *("[^1]", "[^1]: a b", "[c]: /a 'b c'", "[c]: /a\n'b'", "[c]:\n<a b>\n(c)", "[x] a", "- [ ] a"),
    *("<http://a.b>", "<a@b.cd>", "<b>x</b>", '<a href="b c">x</a>', "<!-- a b -->", "<?a b?>", "<![CDATA[a]]>"),
    *("<https://a.b|c>", "<@U12>", "<#C12|c>", "<!here>", "<!date^1^{date}^a|b>", "https://a.b/c_d_e", "@here"),
    *("&amp;", "&#123;", "&#x1F600;", "&copy", "\\*", "\\\\", "\\![a](b)", "!\\[a](b)", "a\\\nb", "a  \nb"),
    *("`a b`", "`` a`b ``", "**a b**", "***a b***", "__a b__", "_a b_", "~~a b~~", "**a *b* c**", "~a~", "$a_b$"),
    *("# a b #", "a b\n===", "10) a", "> a b", "***", "- - -", "```py\na b\n```", "| a | b |\n|---|---|\n| 1 | 2 |"),
]


@pytest.mark.parametrize("construct", CONSTRUCTS)
@pytest.mark.parametrize("before", ["", "word ", "word", "word\n", "> ", "- ", "# ", "[c]: /a\n\n"])
def test_of_a_construct_no_character_is_shown_that_is_gone_when_it_is_complete(before: str, construct: str) -> None:
    for behind in (" end.", "\n\nend.", "end"):
        text = f"{before}{construct}{behind}\n\nend\n"
        whole = visible(frame(text)).replace(" ", "")
        for size in range(len(text)):
            rest = iter(whole)
            shown = visible(frame(text[:size])).replace(" ", "")
            assert all(char in rest for char in shown), text[:size]


@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_shapes_never_shrink(shape: Shape) -> None:
    text = shape.head[:30] + (shape.unit * 60)[:60] + shape.foot[:20]
    check_every_prefix(text)
    check_every_prefix(text + "\n\nend.\n")


@given(documents)
def test_structured_text_never_shrinks(text: str) -> None:
    check_every_prefix(text)
    check_closed(frame(text))


@given(inline)
def test_inline_markup_never_shrinks(text: str) -> None:
    check_every_prefix(text)


@given(soup)
def test_marker_soup_never_shrinks(text: str) -> None:
    check_every_prefix(text)


@given(documents)
@example("word\n\n[1]: /url\n'ti\ntle'")
@example('[1]: /url\n"title"\n\nword')
@example('word\n\n[1]: /url "title"\n\n[r][1]()')
def test_harmless_frames_never_shrink(text: str) -> None:
    most, before = 0, ""
    for size in range(len(text) + 1):
        shown = frame(text[:size])
        if shown == before:
            continue
        count = seen(harmless(shown))
        assert count >= most, text[:size]
        most, before = count, shown


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
        ("see ![ch", "see"),
        ("![foo bar](/path", ""),
        ("see ![foo](a.png) and ![b", "see ![foo](a.png) and"),
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
        ("Great!", "Great"),
        ("Great!\n", "Great!\n"),
        ("Great! S", "Great! S"),
        ("Great\\!", "Great\\!"),
        ('[a]: /url\n"tit', ""),
        ('[a]: /url\n"title" and', '[a]: /url\n"title" and'),
        ("Done.\n\n", "Done.\n\n"),
    ],
)
def test_what_is_half_open_is_closed_or_held_back(text: str, shown: str) -> None:
    assert frame(text) == shown


WHOLE = [path for path in DOCUMENTS if path.stem not in ENDS_HALF_OPEN | DEFINES_LATE]


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)
def test_a_whole_document_is_its_own_frame(path: Path) -> None:
    text = document(path)
    assert frame(text) == re.sub("<(?=![a-z])", "<\u2060", text)


@pytest.mark.parametrize(
    "work", [frame, harmless, lambda text: split_text(text, 12_000)], ids=["frame", "harmless", "split_text"]
)
def test_an_answer_of_24_000_characters_takes_milliseconds(work: Callable[[str], object]) -> None:
    """10 ms are meant, for text that wants nothing bad; the bound leaves room for a busy machine."""
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
    for work in (frame, harmless, fallback, lambda text: split_text(text, 3000)):
        assert _duration(work, text) < 1.0
    assert _duration(harmless, f"[{text}](https://a.bc)") < 1.0


@pytest.mark.parametrize("marker", ["> ", "- ", "1. "])
def test_a_marker_inside_of_a_hundred_containers_is_text(marker: str) -> None:
    assert len(scan(marker * 100 + "x")[0].parents) == 100
    deep = scan(marker * 103 + "x")
    assert [(block.kind, len(block.parents)) for block in deep] == [("paragraph", 100)]
    check_every_prefix(marker * 103 + "x **y**")


def _duration(work: Callable[[str], object], text: str) -> float:
    """Seconds of work; others may hold the machine meanwhile."""
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", ""),
        ("---", "---"),
        ("@**here** @`channel`", "@\u2060here @\u2060channel"),
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

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kit.markdown_samples import DOCUMENTS, document, documents, soup
from tests.kit.rendered_markdown import MARKDOWN
from workers.markdown.split import Cut, content, cut_from, split_text

# What wrappers may consist of: markers of lists and quotes, white space, fences with their info, table rows.
MARKERS = re.compile(r"(?:>|[-+*]|\d{1,9}[.)]|[ \t])*")


def split(text: str, limit: int) -> list[str]:
    """What is sent of a text in so many characters a part."""
    return [content(text, part) for part in split_text(text, limit)]


def check(text: str, limit: int, forced: Mapping[int, Cut] | None = None) -> None:
    parts = split_text(text, limit, forced)
    assert [content(text, part) for part in parts] == [p.head + text[p.start : p.end] + p.foot for p in parts]
    position = 0
    for index, part in enumerate(parts):
        assert len(part.head) + part.end - part.start + (index not in (forced or {})) * len(part.foot) <= limit
        assert part.end > part.start
        gap = text[position : part.start]
        assert not gap.strip(" \t\r\n>"), gap
        position = part.end
        first, _, rest = part.head.partition("\n")
        wrapper = MARKERS.sub("", first, count=1)
        if wrapper and set(wrapper) - set("*_~"):
            assert wrapper[:3] in ("```", "~~~") or "|" in rest, part.head
            assert wrapper in text
        assert part.foot == "" or set(part.foot) <= set("`~ >\n*_")
        assert (index > 0) or part.head == ""
        # A part that was cut before the text ended stays as it was sent, though nothing came after it.
        assert index < len(parts) - 1 or part.foot == "" or index in (forced or {})
    assert not text[position:].strip()


def check_stable(text: str, limit: int, step: int) -> None:
    before: list[str] = []
    for size in range(0, len(text) + 1, step):
        parts = split(text[:size], limit)
        assert parts[: len(before) - 1] == before[:-1]
        before = parts


@pytest.mark.parametrize("limit", [60, 150, 400])
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_real_documents_lose_nothing(path: Path, limit: int) -> None:
    check(document(path), limit)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_earlier_parts_never_change_while_text_grows(path: Path) -> None:
    check_stable(document(path), 120, 1)


@given(documents, st.integers(20, 120))
def test_structured_text_loses_nothing(text: str, limit: int) -> None:
    check(text, limit)


@example("*-     ", 3)
@given(soup, st.integers(1, 40))
def test_marker_soup_loses_nothing(text: str, limit: int) -> None:
    check(text, limit)


@given(documents, st.integers(20, 80))
def test_earlier_parts_of_any_text_never_change(text: str, limit: int) -> None:
    check_stable(text, limit, 3)


def test_a_text_that_fits_is_its_own_part() -> None:
    assert split("", 10) == []
    assert split(" \n", 10) == []
    assert split("short", 10) == ["short"]
    assert split("exactly 10", 10) == ["exactly 10"]


def test_blocks_are_kept_together() -> None:
    text = "First paragraph here.\n\nSecond paragraph here.\n\nThird paragraph here."
    assert split(text, 50) == ["First paragraph here.\n\nSecond paragraph here.", "Third paragraph here."]


def test_a_heading_goes_with_its_text() -> None:
    text = "A paragraph of some words.\n\n# Heading\n\nIts text that is long enough."
    assert split(text, 45) == ["A paragraph of some words.", "# Heading\n\nIts text that is long enough."]


def test_a_fence_is_closed_and_reopened_with_its_language() -> None:
    text = "```python\n" + "".join(f"line_{index} = {index}\n" for index in range(8)) + "```\n"
    parts = split(text, 70)
    assert len(parts) > 1
    for part in parts:
        assert part.startswith("```python\n")
        assert part.rstrip().endswith("\n```")
    assert [token.type for part in parts for token in MARKDOWN.parse(part)] == ["fence"] * len(parts)
    assert "".join(token.content for part in parts for token in MARKDOWN.parse(part)) == text[10:-4]


def test_a_fence_in_a_list_is_reopened_in_its_item() -> None:
    text = "12. Do this:\n    ```bash\n" + "".join(f"    echo {index}\n" for index in range(9)) + "    ```\n13. Done."
    parts = split(text, 80)
    assert parts[1].startswith("12. ```bash\n    echo")
    assert "".join(
        token.content for part in parts for token in MARKDOWN.parse(part) if token.type == "fence"
    ) == "".join(f"echo {index}\n" for index in range(9))


def test_a_table_repeats_its_header() -> None:
    text = "| a | b |\n|---|---|\n" + "".join(f"| {index} | x |\n" for index in range(9))
    parts = split(text, 60)
    assert len(parts) > 2
    assert all(part.startswith("| a | b |\n|---|---|\n| ") for part in parts)
    assert all(any(token.type == "tbody_open" for token in MARKDOWN.parse(part)) for part in parts)


def test_a_nested_list_stays_nested() -> None:
    text = "1. outer\n" + "".join(f"   - inner item {index}\n" for index in range(6)) + "2. next"
    parts = split(text, 70)
    assert parts[1].startswith("1. - inner")
    assert all("code_block" not in {token.type for token in MARKDOWN.parse(part)} for part in parts)


def test_a_quote_stays_quoted() -> None:
    text = "> " + "words in a quote. " * 10
    assert all(part.startswith("> ") for part in split(text, 80))


def test_long_lines_are_cut_at_sentences_then_words_then_characters() -> None:
    assert split("One sentence. Another one. And a third.", 30) == ["One sentence. Another one.", "And a third."]
    assert split("several words without a stop", 16) == ["several words", "without a stop"]
    assert split("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]
    assert split("👩‍💻" * 6, 10) == ["👩‍💻" * 3, "👩‍💻" * 3]
    assert split("中文句子。" * 4, 12) == ["中文句子。" * 2, "中文句子。" * 2]


def test_a_long_line_is_not_cut_inside_of_a_link_or_code() -> None:
    text = "Some words before it and then [a link](https://example.com/with/a/long/path) follow, with `co de` after."
    for limit in range(60, 100):
        parts = split(text, limit)
        assert any("[a link](https://example.com/with/a/long/path)" in part for part in parts)
        assert any("`co de`" in part for part in parts)


def test_emphasis_goes_on_in_the_next_part() -> None:
    parts = split("**" + "bold words " * 12 + "end**", 80)
    assert all(part.startswith("**") and part.endswith("**") for part in parts)


# Forced cuts, where a stream must end


def cut_at(text: str, least: int, *, at_once: bool = False) -> tuple[str, str] | None:
    """The two parts of a text that is cut at `least` or behind it."""
    [part] = split_text(text, 10_000)
    if (cut := cut_from(text, part, least, at_once=at_once)) is None:
        return None
    assert cut.end >= least
    first, second = split_text(text, 10_000, {0: cut})
    return first.head + text[first.start : first.end] + first.foot, second.head + text[second.start : second.end]


def test_a_text_is_cut_between_blocks_or_lines() -> None:
    text = "One paragraph\nof two lines.\n\nAnother one."
    assert cut_at(text, 5) == ("One paragraph", "of two lines.\n\nAnother one.")
    assert cut_at(text, 20) == ("One paragraph\nof two lines.", "Another one.")
    assert cut_at(text, 35) is None


def test_a_text_that_must_be_cut_at_once_is_cut_where_it_is() -> None:
    assert cut_at("One paragraph of one line", 13, at_once=True) == ("One paragraph", " of one line")
    assert cut_at("One.\n\nTwo.", 2, at_once=True) == ("One.", "Two.")


def test_a_fence_is_reopened_behind_a_forced_cut() -> None:
    text = "```python\na = 1\nb = 2\nc = 3\n"
    assert cut_at(text, 12) == ("```python\na = 1\n```", "```python\nb = 2\nc = 3\n")
    assert cut_at(text, 18, at_once=True) == ("```python\na = 1\nb = 2\n```", "```python\nc = 3\n")
    assert cut_at(text, 25, at_once=True) == ("```python\na = 1\nb = 2\nc =\n```", "```python\n 3\n")


def test_a_table_repeats_its_header_behind_a_forced_cut() -> None:
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    assert cut_at(text, 25) == (text[:29], "| a | b |\n|---|---|\n| 3 | 4 |\n")


grown = st.tuples(st.one_of(documents, soup), st.floats(0, 1), st.floats(0, 1), st.booleans())


@example(("```\n", 1.0, 1.0, True), 30)
@given(grown, st.integers(30, 200))
def test_a_forced_cut_loses_and_doubles_nothing_however_the_text_goes_on(
    drawn: tuple[str, float, float, bool], limit: int
) -> None:
    text, come, shown, at_once = drawn
    here = text[: round(len(text) * come)]
    parts = split_text(here, limit)
    if not parts:
        return
    number, part = len(parts) - 1, parts[-1]
    least = part.start + max(1, round((part.end - part.start) * shown))
    if (cut := cut_from(here, part, least, at_once=at_once)) is None:
        assert not at_once
        return
    assert least <= cut.end <= cut.start <= len(text)
    check(text, limit, {number: cut})


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000", "\u200b", "\x00", " \u200b", "\n \u200b"])
def test_no_part_is_blank(blank: str) -> None:
    text = f"word{blank * 1_000}word{blank * 1_000}"
    parts = split_text(text, 150)
    assert 2 <= len(parts) <= 4
    assert "".join(text[part.start : part.end] for part in parts).count("word") == 2
    assert split_text(blank * 1_000, 150) == []


@pytest.mark.parametrize("before", ["```\n", "```py\na\n", "> ", "- ", "# ", "|a|\n|-|\n|", "word "])
def test_before_a_line_that_is_too_long_no_part_has_only_a_mark(before: str) -> None:
    text = before + "x" * 1_000
    parts = split_text(text, 300)
    assert all(len(text[part.start : part.end]) > 50 for part in parts[:-1])
    assert sum(content(text, part).count("x") for part in parts) == 1_000

"""Texts of which nobody sees much."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.markdown_samples import DOCUMENTS, document
from workers.markdown.blank import LONGEST_RUN, condensed, is_blank, is_empty

BLANKS = [
    "\n",
    " ",
    "\t",
    "\r\n",
    "  \n",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u3164",
    "\u2800",
]
BLANKS += ["\x00", "\u2028", "\U000e0041", "\ufe0f", "\u200f", "\u200b\n", "\u00a0\n"]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("count", [1, 5, 30_000])
def test_blanks_are_left_out_at_the_beginning_and_are_few_elsewhere(blank: str, count: int) -> None:
    assert is_blank(blank * count)
    assert condensed(blank * count) == ""
    if count > 100:
        assert condensed(blank * count + "hi") == "hi"
        inner = condensed(f"hi{blank * count}ho")
        assert len(inner) == LONGEST_RUN + 4
        assert (inner[:2], inner[-2:]) == ("hi", "ho")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("    code\n  x", "    code\n  x"),
        ("\n \n    code", "    code"),
        ("\u200b\n\u200b    x", "x"),
        (" " * 101 + "x", "x"),
        ("a\n\n\n\nb" + " " * LONGEST_RUN + "c", "a\n\n\n\nb" + " " * LONGEST_RUN + "c"),
        ("x" * 1_950 + " " * (LONGEST_RUN + 1) + "y", "x" * 1_950 + " " * LONGEST_RUN + "y"),
    ],
)
def test_indentation_and_shorter_runs_stay(text: str, shown: str) -> None:
    assert condensed(text) == shown


def test_documents_stay_as_they_are() -> None:
    assert [condensed(document(path)) for path in DOCUMENTS] == [document(path).lstrip("\r\n") for path in DOCUMENTS]


runs = st.tuples(st.sampled_from([*BLANKS, "x", "- y"]), st.sampled_from([1, 2, 300, 999, 1_001, 2_500]))
mixtures = st.lists(runs, max_size=6).map(lambda parts: "".join(unit * count for unit, count in parts))


@given(mixtures, st.data())
def test_a_growing_text_never_changes_its_beginning(text: str, data: st.DataObject) -> None:
    whole = condensed(text)
    assert condensed(whole) == whole
    size = data.draw(st.integers(0, len(text)))
    assert whole.startswith(condensed(text[:size]))


def test_the_length_of_a_run_is_found_wherever_it_begins() -> None:
    for before, more in itertools.product(range(1, 102), (0, 1, 50, 101)):
        shown = condensed("x" * before + "\u200b" * (LONGEST_RUN + more) + "y")
        assert len(shown) == before + LONGEST_RUN + 1


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "&nbsp;", "&#8203;\n&ZeroWidthSpace;", "&#x3164;"])
def test_an_answer_of_blanks_alone_says_nothing(text: str) -> None:
    assert is_empty(text)
    assert not is_empty(text + "x")
    assert not is_empty(text + "&amp;")

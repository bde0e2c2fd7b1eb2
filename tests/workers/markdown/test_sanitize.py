from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.hostile_markdown import PEOPLE, check_harmless
from tests.kit.markdown_samples import DOCUMENTS, document, documents, soup
from workers.markdown.sanitize import harmless


def check(text: str) -> None:
    safe = harmless(text, PEOPLE)
    assert harmless(safe, PEOPLE) == safe
    check_harmless(safe)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_real_documents_are_harmless(path: Path) -> None:
    check(document(path))


PARTS = [
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<@U2>",
    "<@W9|n>",
    "@here",
    "@everyone",
    "&lt;!here>",
    "<",
    "!",
    "@",
    "channel",
]
PARTS += [
    "[bank.example]",
    "[x]",
    "(https://evil.example)",
    "(javascript:a)",
    "(https://a.bc@d.ef/)",
    "(//e.fg)",
    "[1]",
]
PARTS += [
    "<https://evil.example|bank.example>",
    "<javascript:x>",
    "<slack://x>",
    "https://a.bc@d.ef",
    "[",
    "]",
    "(",
    ")",
]
PARTS += [
    "\n\n[1]: javascript:x\n",
    "\n[1]: https://evil.example\n",
    "`",
    "```\n",
    "\n",
    "\n\n",
    "<div>",
    "<b a='",
    "'>",
]
PARTS += [
    "\\",
    "*",
    " ",
    "word",
    "|",
    "\u202e",
    "\u200b",
    "![",
    "    ",
    "> ",
    "- ",
    "<!--",
    "-->",
    "<a href='https://e.fg'>",
]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_hostile_text_is_harmless(text: str) -> None:
    check(text)


@given(documents)
def test_structured_text_is_harmless(text: str) -> None:
    check(text)


@given(soup)
def test_marker_soup_is_harmless(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain **text** with `code`", "plain **text** with `code`"),
        ("<!channel> <!subteam^S1|@team>", "<\u2060!channel> <\u2060!subteam^S1|@team>"),
        ("`<!here>` @here", "`<\u2060!here>` @\u2060here"),
        ("<@U1> <@U2> <#C1|general>", "<@U1> <\u2060@U2> <#C1|general>"),
        ("ada@here.com, https://m.example/@here/x", "ada@here.com, https://m.example/%40here/x"),
        ("<!DOCTYPE html> <!-- note -->", "<!DOCTYPE html> <!-- note -->"),
        ("[docs](https://example.com)", "[docs](https://example.com)"),
        ("[example.com](https://www.example.com/a)", "[example.com](https://www.example.com/a)"),
        ("[bank.example](https://evil.example)", "[bank.example](https://evil.example) (evil.example)"),
        ("[**bank**.example][1]\n\n[1]: https://e.fg", "[**bank**.example][1] (e.fg)\n\n[1]: https://e.fg"),
        ("https://ä.bc&#60;x&gt;", "https://ä.bc&#60;x (xn--4ca.bc)&gt;"),
        (
            "https://a.bc@e.fg/&[a.bc]\n\n[a.bc]: https://h.ij",
            "https://a.bc@e.fg/&[a.bc] (h.ij) (e.fg)\n\n[a.bc]: https://h.ij",
        ),
        ("[docs](https://a.bc@e.fg/x)", "[docs](https://a.bc@e.fg/x) (e.fg)"),
        ("https://a.bc@e.fg/x", "https://a.bc@e.fg/x (e.fg)"),
        ("[pay](https://xn--80ak6aa92e.com)", "[pay](https://xn--80ak6aa92e.com) (xn--80ak6aa92e.com)"),
        ("[Bank](javascript:alert(1))", "Bank (`javascript:alert(1)`)"),
        ("[intro](#intro), [file](src/x.py)", "intro, file (`src/x.py`)"),
        (
            "<https://e.fg|the site> <https://e.fg|bank.example>",
            "[the site](https://e.fg) [bank.example](https://e.fg) (e.fg)",
        ),
        ("<slack://open> <javascript:x>", "<\u2060slack\u2060://open> <\u2060javascript:x>"),
        ('<a href="https://e.fg">bank</a>', '`<a href="https://e.fg">`bank`</a>`'),
        ("x\n\n[1]: javascript:x", "x\n\n\\[1]: javascript:x"),
        ("`[bank.example](https://evil.example)`", "`[bank.example](https://evil.example)`"),
        (
            "[Node.js](https://nodejs.org) [README.txt](https://a.bc)",
            "[Node.js](https://nodejs.org) [README.txt](https://a.bc)",
        ),
        ("ab\u202ecd\x00\u2066", "abcd"),
    ],
)
def test_what_is_harmful_is_defused_and_the_rest_is_left(text: str, safe: str) -> None:
    assert harmless(text, PEOPLE) == safe


def test_invisible_characters_without_a_use_in_text_are_taken_out() -> None:
    assert harmless("a\ufeffb\u180ec\u2061d\U000e0041\U000e0042e") == "abcde"
    used = (
        "\u2764\ufe0f \U0001f469\u200d\U0001f4bb \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    )
    assert harmless(used) == used

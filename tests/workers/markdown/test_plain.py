import pytest
from hypothesis import given

from tests.kit.markdown_samples import documents
from tests.kit.rendered_markdown import parser, visible
from workers.markdown.frame import fallback
from workers.markdown.plain import plain

CODE = "class A:\n    def __init__(self):\n        self.x **= 2  # `y`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[l](https://e.org/A_(b)) and ![i](c(d))", "l and i"),
        ("[l](https://e.org/A_(b", "[l](https://e.org/A_(b"),
        ("`` a`b `` and `__x__`", "a`b and __x__"),
        ("a ``` b", "a ``` b"),
        ("**bold** __more of it__ ~~gone~~", "bold more of it gone"),
        ("call __init__ first", "call __init__ first"),
        (f"```py\n{CODE}\n```\nafter", f"{CODE}\nafter"),
        ("````md\n```\n  [a](b)\n```\n````", "```\n  [a](b)\n```"),
        ("one\n\n \u00a0\r\n  two", "one\ntwo"),
        # Links: nested parentheses, brackets, titles, pictures in links.
        ("[l](https://e.org/A_(b_(c)))", "l"),
        ("[l](<https://e.org/a b>) [m](u 't (x)')", "l m"),
        ("[a [b] c](d) [a\\]b](c)", "a [b] c a]b"),
        ("[![i](a)](b) and [**bold** _two words_](c)", "i and bold two words"),
        ("<https://a.b/c> <a@b.cd> https://a.b/__c__/*d*", "https://a.b/c a@b.cd https://a.b/__c__/*d*"),
        ("[a](b) (c) [a](b", "a (c) [a](b"),
        # Emphasis, also inside of words and in names.
        ("*one* _two words_ ***three*** **a *b* c**", "one two words three a b c"),
        ("2*3*4 a * b foo*bar*baz **a**b a** b", "2*3*4 a * b foo*bar*baz ab a** b"),
        ("snake_case _private_ __name__ a__b__c **__init__.py**", "snake_case _private_ __name__ a__b__c __init__.py"),
        ("**over\ntwo lines**", "over\ntwo lines"),
        ("**`a*b`** `` ` `` `a  b`", "a*b ` a  b"),
        # Escapes and hard breaks.
        ("\\*a\\* 1986\\. C:\\\\x C:\\x", "*a* 1986. C:\\x C:\\x"),
        ("a  \nb\\\nc", "a\nb\nc"),
        # Blocks.
        ("# One #\n\nTwo\n===\n\nThree\n---\n\n***\n\n#four", "One\nTwo\nThree\n#four"),
        ("1. a\n2. b\n   - c\n     d\n10. e", "1. a\n2. b\n   - c\n     d\n10. e"),
        ("- a\n    - b\n        - c\n- [x] d", "- a\n  - b\n    - c\n- [x] d"),
        ("> a\n> > b\nlazy", "a\nb\nlazy"),
        ("| a \\| b | **c** |\n|:--|--:|\n| 1 | `d` |", "| a | b | c |\n| 1 | d |"),
        ("a | b\n---|---\n1 | 2", "a | b\n1 | 2"),
        # Code: indented, quoted, in lists, with empty lines, and what looks like the end of a fence.
        ("    if x:\n        y\n\n    z", "    if x:\n        y\n\n    z"),
        ("> ```\n> if x:\n>     y\n> ```\nafter", "if x:\n    y\nafter"),
        ("- a\n  ```py\n  if x:\n      y\n  ```\n- b", "- a\n  if x:\n      y\n- b"),
        ("```\na\n\n\n  b\n```", "a\n\n\n  b"),
        ("~~~\n```\n&lt; **x**\n~~~", "```\n&lt; **x**"),
        ("```\nnever closed\n  x", "never closed\n  x"),
    ],
)
def test_markup_is_taken_out_and_code_stays_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("5 &lt; 6", "5 &lt; 6"),
        ("a &amp;lt; b", "a &amp;lt; b"),
        ("`&lt;` is **&lt;**", "&amp;lt; is &lt;"),
        ("`5 < 6` [&lt;](a) \\&lt;", "5 &lt; 6 &lt; &amp;lt;"),
        ("```\na &lt; b\n```", "a &amp;lt; b"),
        ("\\<!channel> <\\!here> \\&lt;@U1>", "&lt;\u2060!channel&gt; &lt;\u2060!here&gt; &amp;lt;\u2060@U1&gt;"),
        ("&#8238;a&lt;!channel>", "a&lt;\u2060!channel&gt;"),
    ],
)
def test_entities_are_read_once_and_escaped_once(text: str, escaped: str) -> None:
    assert fallback(text) == escaped


@given(documents)
def test_no_word_is_lost(text: str) -> None:
    """Whatever letters people see of a text as Markdown without HTML are in its plain text too."""
    shown = iter("".join(plain(text).split()))
    seen = "".join(char for char in visible(text, parser(html=False)) if char.isalpha())
    assert all(char in shown for char in seen)


def test_of_a_long_text_the_beginning_is_the_notification() -> None:
    text = "**word** [link](https://a.b) `code` &amp; _more of it_\n" * 2000
    whole = fallback(text, 10**6)
    assert fallback(text)[:-1] == whole[:-1][: len(fallback(text)) - 1]
    assert len(fallback("[a](https://" + "b" * 9000 + ") " + "word " * 2000)) > 2900

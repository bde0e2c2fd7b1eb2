import pytest

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
        ("&#8238;a&lt;!channel>", "a&lt;\u2060!channel&gt;"),
    ],
)
def test_entities_are_read_once_and_escaped_once(text: str, escaped: str) -> None:
    assert fallback(text) == escaped

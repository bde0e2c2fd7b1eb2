"""White space and invisible characters, of which an answer may have any number and needs few."""

import html
import re

# For a class of an expression: the code points that Unicode calls default-ignorable
# (https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt), and others that are drawn as nothing.
INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    r"\u2800\ufff9-\ufffb\U00013430-\U0001343f\U00016fe4\U0001d159"
)
# So long may a run of them be: more than any table or program is indented.
LONGEST_RUN = 1_000
STRIDE = 100
MOST_INDENT = 100

_BLANK = rf"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff{INVISIBLE}]"
_BLANK_TEXT = re.compile(rf"{_BLANK}*+")
_LONG_RUN = re.compile(rf"(?<!{_BLANK})({_BLANK}{{{LONGEST_RUN}}}){_BLANK}++")
# A run that is too long has at least so many of every hundredth character.
_PERHAPS_LONG = re.compile(rf"{_BLANK}{{{LONGEST_RUN // STRIDE}}}")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of the text."""
    return _BLANK_TEXT.fullmatch(text) is not None


def is_empty(text: str) -> bool:
    """Whether an answer says nothing, not even with entities."""
    return is_blank(text) or ("&" in text and is_blank(html.unescape(text)))


def condensed(text: str) -> str:
    """The text without blank lines at its beginning, and with no more than a thousand blanks in a row.

    What is condensed of the beginning of a text is the beginning of what is condensed of the text.
    """
    if text and is_blank(text[0]):
        text = text[_begin(text) :]
    if _PERHAPS_LONG.search(text[::STRIDE]) is None:
        return text
    return _LONG_RUN.sub(r"\1", text)


def _begin(text: str) -> int:
    """Where the first line with text begins, or that text itself if it is indented by more than any code is."""
    blank = _BLANK_TEXT.match(text)
    end = blank.end() if blank else 0
    line = text.rfind("\n", 0, end) + 1
    is_indented = text[line:end].isspace() and end - line <= MOST_INDENT
    return line if is_indented and end < len(text) else end

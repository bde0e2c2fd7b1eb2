"""What people and Claude wrote, made harmless for a prompt: every text and name that joins one goes through here."""

import re
import unicodedata
from xml.sax.saxutils import quoteattr

from workers.markdown.blank import INVISIBLE

NAME_LENGTH = 80
JOINER = "\u2060"

# The elements that a prompt is made of, and those of them in which the operator speaks or in which a summary stands.
ELEMENTS = ("message", "answer", "system-reminder", "earlier-conversation")
# Letters that look like another letter and are not made from it (NFKC): Cyrillic, Greek, Armenian ones.
LOOKALIKES = {
    **dict(zip("аеоѕутмгіӏԁпсѵոɡց", "aeosytmrildncvngg", strict=True)),
    **dict(zip("αονιρτυ", "aovirtu", strict=True)),
    **dict(zip("АЕОЅТМІСΑΕΟΜΝΤΙ", "aeostmicaeomnti", strict=True)),
}
# Where Unicode has letters that are made from Latin ones.
LETTERS = (
    *(range(0x1D2C, 0x1DC0), range(0x2071, 0x20A0), range(0x2100, 0x2150), range(0x2160, 0x2180)),
    *(range(0x249C, 0x24EA), range(0xFF21, 0xFF5B), range(0x1D400, 0x1D800), range(0x1F110, 0x1F190)),
)
# White space, controls, and what is drawn as nothing.
UNSEEN = rf"\s\x00-\x1f\x7f-\x9f{INVISIBLE}"
LESS_THAN = "<\uff1c\ufe64\u2039\u2329\u27e8\u3008\u276e\u1438"
SLASHES = r"/\\\uff0f\uff3c\u2044\u2215\u29f8\u2571"
HYPHENS = r"\-_\u2010-\u2015\u2212\ufe58\ufe63\uff0d\uff3f"
# Tag characters outside of a flag, and variation selectors after another one: they carry text that nobody sees.
SMUGGLED = re.compile(
    "(\U0001f3f4[\U000e0030-\U000e007a]{1,7}\U000e007f)|[\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]+"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef])[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)


def _spellings() -> dict[str, str]:
    """For each letter the class of all characters that can be read as it."""
    spelled = {letter: letter + letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
    spelled["s"] += "\u017f"
    for numbers in LETTERS:
        for char in map(chr, numbers):
            letter = unicodedata.normalize("NFKC", char).casefold().strip("()")
            if letter in spelled:
                spelled[letter] += char
    for char, letter in LOOKALIKES.items():
        spelled[letter] += char
    return spelled


def _tag(element: str, spelled: dict[str, str]) -> str:
    letters = [f"[{spelled[letter]}]" for letter in element.replace("-", "")]
    first = len(element.partition("-")[0])
    between = [rf"[{UNSEEN}{HYPHENS}]*+" if at == first else rf"[{UNSEEN}]*+" for at in range(1, len(letters))]
    return letters[0] + "".join(gap + letter for gap, letter in zip(between, letters[1:], strict=True))


_NAMES = "|".join(_tag(element, _spellings()) for element in ELEMENTS)
# A tag of an element, whatever it has between its characters and however they are written. Somebody's code is left
# alone: `<MessageList>`, in which a word goes on behind the name, and `List<Message>`, which is a type.
TAG = re.compile(
    rf"([{LESS_THAN}])(?!(?<=[A-Za-z0-9_]<)(?:message|answer)[>,?&|\[<])(?=/message|/?(?:system-reminder|earlier-conversation)"
    rf"|[{UNSEEN}{SLASHES}]*+(?:{_NAMES})(?![\w.:-]))",
    re.IGNORECASE,
)


def harmless(text: str) -> str:
    """What somebody wrote, so that it can neither leave its element nor pass for another's words or the operator's.

    The tags of our elements are broken by an invisible U+2060, and characters that carry hidden text are left out.
    """
    if not text.isascii():
        text = SMUGGLED.sub(lambda smuggled: smuggled[1] or "", text)
    return TAG.sub(rf"\1{JOINER}", text)


def line(name: str) -> str:
    """A name as one short line."""
    return "".join(char if char.isprintable() else " " for char in name)[:NAME_LENGTH]


def attribute(name: str) -> str:
    """A name as one short line in quotes, so that it is seen where it ends."""
    return TAG.sub(rf"\1{JOINER}", quoteattr(line(name)))

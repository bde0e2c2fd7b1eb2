"""What is in a file, as values, and what may be asked of one."""

from dataclasses import dataclass

LONGEST_EDGE = 1_568
PIXELS_PER_TOKEN = 750
# An estimate: each page counts as text and as a picture.
TOKENS_PER_PAGE = 2_500
# Where the pages cannot be counted: a guess for scanned and for written ones alike.
BYTES_PER_PAGE = 50_000
CHARACTERS_PER_TOKEN = 3
# Nobody is told of more.
MOST_PAGES = 999_999
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


class NotRead(Exception):
    """A file that was not read. `figure` is a number for people, like the pages of a PDF."""

    def __init__(self, reason: str, figure: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.figure = figure


@dataclass(frozen=True)
class Order:
    """A file that is to be read: its type as Slack says it, and how much of it is read at most.

    With `small_pixels`, a picture that has more of them to decode is not read, for the reason `large`.
    """

    mimetype: str
    characters: int
    pages: int
    pixels: int
    small_pixels: int | None = None
    cpu_seconds: int = 0


@dataclass(frozen=True)
class Picture:
    data: bytes
    media_type: str
    width: int
    height: int
    is_first_frame: bool

    @property
    def tokens(self) -> int:
        return -(-self.width * self.height // PIXELS_PER_TOKEN)


@dataclass(frozen=True)
class Pdf:
    """The PDF begins at byte `start` of the file. `pages` is None if the PDF keeps that in a compressed part."""

    start: int
    pages: int | None

    def tokens(self, size: int) -> int:
        return TOKENS_PER_PAGE * (self.pages or -(-size // BYTES_PER_PAGE))


@dataclass(frozen=True)
class Text:
    text: str
    is_cut: bool


Contents = Picture | Pdf | Text


def text_tokens(text: str) -> int:
    return -(-len(text.encode()) // CHARACTERS_PER_TOKEN)

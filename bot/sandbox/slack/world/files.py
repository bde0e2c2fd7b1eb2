"""Files before they are in the workspace: what one is made of, and uploads under way."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Content:
    """A file's name and bytes. If `mimetype` is empty, the name decides it."""

    name: str
    data: bytes
    mimetype: str = ""


@dataclass
class Upload:
    """A file announced by files.getUploadURLExternal. `content` is None until its bytes have come."""

    name: str
    length: int
    alt_text: str | None
    snippet_type: str | None
    until: float
    content: bytes | None = None

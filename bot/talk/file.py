"""What Slack says about a file: https://docs.slack.dev/reference/objects/file-object."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

NAME_LENGTH = 200
URL_LENGTH = 2_000


@dataclass(frozen=True)
class File:
    """A file that somebody shared; empty where Slack did not say. `size` is in bytes.

    `mode` "tombstone", "hidden_by_limit" and "external" have no bytes at Slack. `access` "check_file_info" means that
    only files.info knows the rest (https://docs.slack.dev/reference/methods/files.info).
    """

    id: str = ""
    name: str = ""
    mimetype: str = ""
    size: int = 0
    url: str = ""
    mode: str = ""
    access: str = ""

    @classmethod
    def of(cls, said: object) -> "File | None":
        """From Slack's file object, whatever its shape; None if it says neither an id nor a name."""
        if not isinstance(said, Mapping):
            return None
        size = said.get("size")
        file = cls(
            id=_text(said.get("id"), 40),
            name=_text(said.get("name") or said.get("title"), NAME_LENGTH),
            mimetype=_text(said.get("mimetype"), NAME_LENGTH).partition(";")[0].strip().lower(),
            size=size if type(size) is int and 0 < size < 2**53 else 0,
            url=_text(said.get("url_private_download") or said.get("url_private"), URL_LENGTH),
            mode=_text(said.get("mode"), 40),
            access=_text(said.get("file_access"), 40),
        )
        return file if file.id or file.name else None

    @classmethod
    def kept(cls, stored: object) -> "File | None":
        """As a version of ours kept it: the first one kept only names."""
        if isinstance(stored, str):
            return cls(name=stored)
        if not isinstance(stored, Mapping):
            return None
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def _text(value: object, most: int) -> str:
    """JSON can spell half a character (a lone surrogate), which cannot be stored."""
    return value[:most].encode(errors="replace").decode() if isinstance(value, str) else ""

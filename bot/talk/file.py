"""What Slack says about a file: https://docs.slack.dev/reference/objects/file-object."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from bot.talk.payload import storable, string

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
    def of(cls, payload: object) -> "File | None":
        """The file of Slack's file object, whatever its shape; None if that has neither an id nor a name."""
        if not isinstance(payload, Mapping):
            return None
        size = payload.get("size")
        file = cls(
            id=_text(payload.get("id"), 40),
            name=_text(payload.get("name") or payload.get("title"), NAME_LENGTH),
            mimetype=_text(payload.get("mimetype"), NAME_LENGTH).partition(";")[0].strip().lower(),
            size=size if type(size) is int and 0 < size < 2**53 else 0,
            url=_text(payload.get("url_private_download") or payload.get("url_private"), URL_LENGTH),
            mode=_text(payload.get("mode"), 40),
            access=_text(payload.get("file_access"), 40),
        )
        return file if file.id or file.name else None

    @classmethod
    def kept(cls, stored: object) -> "File | None":
        """The file as some version of Parley stored it: the first version stored only names."""
        if isinstance(stored, str):
            return cls(name=stored)
        if not isinstance(stored, Mapping):
            return None
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def _text(value: object, most: int) -> str:
    return storable(string(value)[:most])

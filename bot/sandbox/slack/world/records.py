"""People, channels, messages, files: what a workspace is made of, and how Slack shows it."""

import hashlib
import random
import string
from dataclasses import dataclass, field
from typing import Any

JSON = dict[str, Any]

_OPTIONAL = (
    "client_msg_id",
    "bot_id",
    "app_id",
    "username",
    "subtype",
    "thread_ts",
    "edited",
    "user_team",
    "source_team",
)
PREVIEW_LINES = 5
"""How much of a snippet is shown in the channel: inferred."""

_DIGITS = string.digits + string.ascii_uppercase


def id_for(prefix: str, name: str) -> str:
    """An id like Slack's that is the same in every sandbox."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}{name}".encode()).digest()[:8])
    return prefix + "0" + "".join(_DIGITS[number // 36**place % 36] for place in range(9))


def new_id(prefix: str) -> str:
    return prefix + "0" + "".join(random.choices(_DIGITS, k=9))


@dataclass
class Person:
    id: str
    name: str
    real_name: str
    team: str
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    is_stranger: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False


@dataclass
class Channel:
    """A conversation. `kind` is Slack's channel_type: "channel", "group", "im" or "mpim"."""

    id: str
    name: str
    kind: str
    created: int
    members: list[str] = field(default_factory=list)
    shared: bool = False
    archived: bool = False
    messages: dict[str, "Message"] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Message:
    """A message as the workspace keeps it; `view()` is how Slack shows it.

    `stream` is None, or "open", "stopped", "expired" or "stopped_by_user" for a message written by chat.startStream.
    """

    ts: str
    channel: str
    user: str
    text: str
    team: str
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    files: list["File"] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: JSON | None = None
    edited: JSON | None = None
    subtype: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    username: str | None = None
    client_msg_id: str | None = None
    user_team: str | None = None
    source_team: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: str | None = None
    chunks: list[JSON] = field(default_factory=list)
    edits: int = 0

    @property
    def root(self) -> str:
        return self.thread_ts or self.ts

    def view(self, *, metadata: bool = False) -> JSON:
        """Slack's message object, without the fields of a thread's parent, which `Workspace.show` adds."""
        shown: JSON = {"user": self.user, "type": "message", "ts": self.ts, "text": self.text, "team": self.team}
        for name in _OPTIONAL:
            if (value := getattr(self, name)) is not None:
                shown[name] = value
        if self.blocks:
            shown["blocks"] = self.blocks
        if self.attachments:
            shown["attachments"] = self.attachments
        if self.files:
            shown["files"] = [file.view() for file in self.files]
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.stream:
            shown["streaming_state"] = "in_progress" if self.stream == "open" else "completed"
        if self.chunks:
            shown["chunks"] = [dict(chunk) for chunk in self.chunks]
        if metadata and self.metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass
class File:
    """An uploaded file. `mode` is Slack's: "hosted", "snippet", "external", "tombstone" or "hidden_by_limit"."""

    id: str
    name: str
    title: str
    mimetype: str
    content: bytes
    user: str
    team: str
    created: int
    url: str
    mode: str = "hosted"
    alt_text: str | None = None
    snippet_type: str | None = None
    shared: bool = False
    channels: list[str] = field(default_factory=list)
    shares: JSON = field(default_factory=dict)

    def view(self) -> JSON:
        """Slack's file object. If another team shared the file, it only says to call files.info."""
        if self.shared:
            return {"id": self.id, "mode": "file_access", "file_access": "check_file_info", "user": self.user}
        return self.full()

    def full(self) -> JSON:
        if self.mode in ("tombstone", "hidden_by_limit"):
            return {"id": self.id, "mode": self.mode}
        kind = self.snippet_type or (self.name.rpartition(".")[2].lower() if "." in self.name else "text")
        shown: JSON = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": kind,
            "pretty_type": kind.upper(),
            "user": self.user,
            "user_team": self.team,
            "editable": self.mode == "snippet",
            "size": len(self.content),
            "mode": self.mode,
            "is_external": self.mode == "external",
            "external_type": "",
            "is_public": bool(self.channels),
            "public_url_shared": False,
            "url_private": self.url,
            "url_private_download": self.url + "?download=1" if self.mode != "external" else self.url,
            "permalink": self.url,
            "channels": self.channels,
            "file_access": "visible",
        }
        if self.alt_text:
            shown["alt_txt"] = self.alt_text
        if self.mode == "snippet":
            lines = self.content.decode(errors="replace").splitlines()
            shown |= {"preview": "\n".join(lines[:PREVIEW_LINES]), "lines": len(lines)}
            shown["lines_more"] = max(0, len(lines) - PREVIEW_LINES)
        if self.shares:
            shown["shares"] = self.shares
        return shown


@dataclass
class Status:
    text: str
    loading_messages: list[str]


@dataclass
class Session:
    """An agent session. If it is `stoppable`, people see a Stop button while it is processing."""

    status: str
    title: str = ""
    stoppable: bool = True

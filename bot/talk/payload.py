"""Reading what Slack sends: any field may be missing or of another type, and then it counts as empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ignored:
    """Something that Slack sent and that is not for us. Its reason goes to the log at DEBUG."""

    reason: str


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def find(value: object, *path: str) -> Any:
    """What lies at the end of the path through mappings; None where the path leads nowhere."""
    for name in path:
        value = mapping(value).get(name)
    return value


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The items of a list that are mappings."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def string(value: object) -> str:
    return value if isinstance(value, str) else ""


def storable(text: str) -> str:
    """JSON can spell half a character (a lone surrogate), which cannot be stored."""
    return text.encode(errors="replace").decode()


def ours(message: Mapping[str, Any], bot_user: str, event_type: str) -> Mapping[str, Any] | None:
    """What our metadata of this type say in a message that we wrote ourselves; None if it has none, or is not ours.

    Any app may give its messages metadata of any type (https://docs.slack.dev/messaging/message-metadata/), but nobody
    else writes as our `bot_user`.
    """
    if message.get("user") != bot_user or find(message, "metadata", "event_type") != event_type:
        return None
    return mapping(find(message, "metadata", "event_payload"))

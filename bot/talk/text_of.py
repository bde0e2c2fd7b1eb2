"""What a message says, as Slack writes text: apps often put it into blocks or attachments, with no text at all.

https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from collections.abc import Iterable, Mapping
from typing import Any

MOST_CHARACTERS = 10_000
# Where the link is that an attachment shows.
PREVIEW = ("from_url", "app_unfurl_url")


def of(message: Mapping[str, Any]) -> str:
    """All of it: what it was written with, and what is attached to that."""
    return _joined([words(message), attached(message)])


def words(message: Mapping[str, Any]) -> str:
    """Its text, or where there is none that of its blocks."""
    return _string(message.get("text")) or _joined(map(_block, _mappings(message.get("blocks"))))


def attached(message: Mapping[str, Any]) -> str:
    """What an app attached, and messages that were forwarded. Previews of links are nothing that somebody said."""
    found = _mappings(message.get("attachments"))
    said = [each for each in found if each.get("is_share") or not any(map(each.get, PREVIEW))]
    return _joined(map(_attachment, said))[:MOST_CHARACTERS]


def _attachment(attachment: Mapping[str, Any]) -> str:
    fields = [
        _joined([_string(each.get(n)) for n in ("title", "value")]) for each in _mappings(attachment.get("fields"))
    ]
    own = [_string(attachment.get(name)) for name in ("pretext", "author_name", "title", "text")]
    blocks = map(_block, _mappings(attachment.get("blocks")))
    return _joined([*own, *fields, *blocks]) or _string(attachment.get("fallback"))


def _block(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "rich_text":
            return "\n".join(map(_rich, _mappings(block.get("elements"))))
        case "markdown":
            return _string(block.get("text"))
        case "section" | "header" | "context":
            texts = [block.get("text"), *_list(block.get("fields")), *_list(block.get("elements"))]
            return _joined(map(_text, _mappings(texts)))
    return ""


def _text(text: Mapping[str, Any]) -> str:
    """https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
    said = _string(text.get("text"))
    return said if text.get("type") == "mrkdwn" else _escaped(said)


def _rich(element: Mapping[str, Any]) -> str:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""
    match element.get("type"):
        case "user":
            return f"<@{_string(element.get('user_id'))}>"
        case "channel":
            return f"<#{_string(element.get('channel_id'))}>"
        case "usergroup":
            return f"<!subteam^{_string(element.get('usergroup_id'))}>"
        case "broadcast":
            return f"<!{_string(element.get('range'))}>"
        case "emoji":
            return f":{_string(element.get('name'))}:"
        case "link":
            return f"<{_string(element.get('url'))}|{_escaped(_string(element.get('text')))}>"
        case "rich_text_list":
            return "\n".join(f"• {_rich(each)}" for each in _mappings(element.get("elements")))
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            return "".join(map(_rich, _mappings(element.get("elements"))))
    return _escaped(_string(element.get("text")))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part.strip())


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, Mapping)]

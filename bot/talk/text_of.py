"""What a message says, as Slack writes text: apps often put it into blocks or attachments, with no text at all.

https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.talk.markup import escape
from bot.talk.payload import items, mappings, string

MOST_CHARACTERS = 10_000
# The fields of an attachment that name the link of which it is a preview.
PREVIEW = ("from_url", "app_unfurl_url")


def of(message: Mapping[str, Any]) -> str:
    """All that the message says: its own words, and what is attached to them."""
    return _joined([words(message), attached(message)])


def words(message: Mapping[str, Any]) -> str:
    """The text of the message; where it has none, the text of its blocks."""
    return string(message.get("text")) or _joined(map(_block, mappings(message.get("blocks"))))


def attached(message: Mapping[str, Any]) -> str:
    """What an app attached, and messages that were forwarded. Previews of links are left out: nobody said them."""
    attachments = mappings(message.get("attachments"))
    said = [attachment for attachment in attachments if attachment.get("is_share") or not _is_preview(attachment)]
    return _joined(map(_attachment, said))[:MOST_CHARACTERS]


def _is_preview(attachment: Mapping[str, Any]) -> bool:
    return any(attachment.get(name) for name in PREVIEW)


def _attachment(attachment: Mapping[str, Any]) -> str:
    texts = [string(attachment.get(name)) for name in ("pretext", "author_name", "title", "text")]
    for field in mappings(attachment.get("fields")):
        texts.append(_joined([string(field.get("title")), string(field.get("value"))]))
    texts.extend(map(_block, mappings(attachment.get("blocks"))))
    return _joined(texts) or string(attachment.get("fallback"))


def _block(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "rich_text":
            return "\n".join(map(_rich, mappings(block.get("elements"))))
        case "markdown":
            return string(block.get("text"))
        case "section" | "header" | "context":
            texts = [block.get("text"), *items(block.get("fields")), *items(block.get("elements"))]
            return _joined(map(_text, mappings(texts)))
    return ""


def _text(text: Mapping[str, Any]) -> str:
    """https://docs.slack.dev/reference/block-kit/composition-objects/text-object"""
    words = string(text.get("text"))
    return words if text.get("type") == "mrkdwn" else escape(words)


def _rich(element: Mapping[str, Any]) -> str:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""
    match element.get("type"):
        case "user":
            return f"<@{string(element.get('user_id'))}>"
        case "channel":
            return f"<#{string(element.get('channel_id'))}>"
        case "usergroup":
            return f"<!subteam^{string(element.get('usergroup_id'))}>"
        case "broadcast":
            return f"<!{string(element.get('range'))}>"
        case "emoji":
            return f":{string(element.get('name'))}:"
        case "link":
            return f"<{string(element.get('url'))}|{escape(string(element.get('text')))}>"
        case "rich_text_list":
            return "\n".join(f"• {_rich(item)}" for item in mappings(element.get("elements")))
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            return "".join(map(_rich, mappings(element.get("elements"))))
    return escape(string(element.get("text")))


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part.strip())

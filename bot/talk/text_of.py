"""What a message says, as Slack writes text: apps often put it into blocks or attachments, with no text at all.

https://docs.slack.dev/messaging/formatting-message-text, https://docs.slack.dev/reference/block-kit/blocks,
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.talk.markup import PERSON_ID, escape, one_line, quote
from bot.talk.payload import items, mappings, string

MOST_CHARACTERS = 10_000
# The fields of an attachment that name the link of which it is a preview.
PREVIEW = ("from_url", "app_unfurl_url")
FORWARDED, FORWARDED_BY = "[Forwarded message:]", "[Forwarded message, written by {author}:]"
# Slack nests a rich text three levels deep; what is deeper than this is left out.
DEEPEST = 20


def of(message: Mapping[str, Any]) -> str:
    """All that the message says: its own words, and what is attached to them."""
    return _joined([words(message), attached(message)])


def words(message: Mapping[str, Any]) -> str:
    """The text of the message; where it has none, the text of its blocks."""
    return string(message.get("text")) or _joined(map(_block, mappings(message.get("blocks"))))


def attached(message: Mapping[str, Any]) -> str:
    """What an app attached, and messages that were forwarded. Previews of links are left out: nobody said them.

    A forwarded message is quoted with its author, for it is not what the one said who forwards it.
    """
    attachments = mappings(message.get("attachments"))
    said = [attachment for attachment in attachments if attachment.get("is_share") or not _is_preview(attachment)]
    return _joined(map(_attachment, said))[:MOST_CHARACTERS]


def _is_preview(attachment: Mapping[str, Any]) -> bool:
    return any(attachment.get(name) for name in PREVIEW)


def _attachment(attachment: Mapping[str, Any]) -> str:
    if attachment.get("is_share"):
        return _forwarded(attachment)
    return _content(attachment, ("pretext", "author_name", "title", "text"))


def _forwarded(attachment: Mapping[str, Any]) -> str:
    content = _content(attachment, ("pretext", "title", "text"))[:MOST_CHARACTERS]
    if not content.strip():
        return ""
    author_id = attachment.get("author_id")
    names = [attachment.get(name) for name in ("author_name", "author_subname")]
    name = next((one_line(string(name)) for name in names if string(name).strip()), "")
    author = f"<@{author_id}>" if PERSON_ID.fullmatch(string(author_id)) else escape(name)
    heading = FORWARDED_BY.format(author=author) if author else FORWARDED
    return f"{heading}\n{quote(content)}"


def _content(attachment: Mapping[str, Any], names: Iterable[str]) -> str:
    texts = [string(attachment.get(name)) for name in names]
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


def _rich(element: Mapping[str, Any], depth: int = 0) -> str:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""
    if depth > DEEPEST:
        return ""
    inner = mappings(element.get("elements"))
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
            return "\n".join(f"• {_rich(item, depth + 1)}" for item in inner)
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            return "".join(_rich(item, depth + 1) for item in inner)
    return escape(string(element.get("text")))


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part.strip())

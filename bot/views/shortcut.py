"""The modal of the message shortcut, a question about the message, and how that question stands in the thread."""

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from bot.manifest import SHORTCUT

BLOCK, FIELD = "question", "text"
PREFILLED = "Please explain this message."
LONGEST = 3_000
# A view's private_metadata takes 3,000 characters (https://docs.slack.dev/reference/views/modal-views).
QUOTE, METADATA = 1_000, 3_000
# What a notification shows of a question.
SHOWN = 300
SOMEBODY = "Somebody"
# Programs tell it from an answer by that.
EVENT_TYPE = "parley_question"


@dataclass(frozen=True)
class About:
    """The message that somebody asks about; `text` and `author` as Slack has them, cut."""

    channel: str
    thread_ts: str
    author: str
    text: str

    def to_json(self) -> str:
        whole = json.dumps(asdict(self), ensure_ascii=False)
        if len(whole) <= METADATA:
            return whole
        return json.dumps({**asdict(self), "text": ""}, ensure_ascii=False)

    @classmethod
    def from_json(cls, data: object) -> "About | None":
        """None for what is none."""
        try:
            found = cls(**json.loads(data)) if isinstance(data, str) else None
        except (ValueError, TypeError):
            return None
        return found if found and all(isinstance(value, str) for value in asdict(found).values()) else None


def modal(about: About) -> dict[str, Any]:
    field = {
        "type": "plain_text_input",
        "action_id": FIELD,
        "multiline": True,
        "initial_value": PREFILLED,
        "max_length": LONGEST,
    }
    return {
        "type": "modal",
        "callback_id": SHORTCUT,
        "private_metadata": about.to_json(),
        "title": _plain("Ask Parley"),
        "submit": _plain("Ask"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "input", "block_id": BLOCK, "label": _plain("Your question"), "element": field},
            {
                "type": "context",
                "elements": [_plain("The answer comes in the message's thread, where everybody can read it.")],
            },
        ],
    }


def quoted(question: str, name: str | None, user: str, view: str) -> dict[str, Any]:
    """The message that shows what somebody asked. As rich text nothing of it can ping or be a link.

    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
    """
    asks = f"{name or SOMEBODY} asks:"
    text = textwrap.shorten(f"{asks} {question}", SHOWN, placeholder="…")
    elements = [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": asks, "style": {"bold": True}}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": question}]},
    ]
    return {
        "text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        "blocks": [{"type": "rich_text", "elements": elements}],
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"view": view, "user": user, "question": question}},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}

"""The modal of the message shortcut, a question about the message, and how that question stands in the thread."""

import json
import textwrap
from dataclasses import asdict, dataclass, replace

from bot.manifest import SHORTCUT
from bot.talk.markup import escape
from bot.views.blocks import (
    MessageContent,
    Submission,
    View,
    context,
    form_field,
    modal,
    plain_text,
    quotation,
    text_area,
)

BLOCK, FIELD = "question", "text"
PREFILLED = "Please explain this message."
LONGEST = 3_000
# A view's private_metadata takes 3,000 characters (https://docs.slack.dev/reference/views/modal-views).
QUOTE, METADATA = 1_000, 3_000
# What a notification shows of a question.
SHOWN = 300
SOMEBODY = "Somebody"
# Programs tell the message from an answer by it.
EVENT_TYPE = "parley_question"


@dataclass(frozen=True)
class ShortcutMessage:
    """The message that somebody asks about; `text` and `author` as Slack has them, the text cut."""

    channel: str
    thread_ts: str
    author: str
    text: str

    def to_json(self) -> str:
        """Without the text where that would be too long for the metadata of a view."""
        whole = json.dumps(asdict(self), ensure_ascii=False)
        if len(whole) <= METADATA:
            return whole
        return json.dumps(asdict(replace(self, text="")), ensure_ascii=False)

    @classmethod
    def from_json(cls, data: object) -> "ShortcutMessage | None":
        """None if `data` is not what `to_json` makes."""
        if not isinstance(data, str):
            return None
        try:
            message = cls(**json.loads(data))
        except (ValueError, TypeError):
            return None
        return message if all(isinstance(value, str) for value in asdict(message).values()) else None


def question_form(message: ShortcutMessage) -> View:
    field = form_field(BLOCK, "Your question", text_area(FIELD, LONGEST, PREFILLED))
    where = context(plain_text("The answer comes in the message's thread, where everybody can read it."))
    return modal("Ask Parley", "Cancel", [field, where], Submission("Ask", SHORTCUT, message.to_json()))


def question_message(question: str, name: str | None, user: str, view: str) -> MessageContent:
    """The message that shows in the thread what `user`, called `name`, asked in the modal `view`."""
    asks = f"{name or SOMEBODY} asks:"
    introduction = [{"type": "text", "text": asks, "style": {"bold": True}}]
    notification = escape(textwrap.shorten(f"{asks} {question}", SHOWN, placeholder="…"))
    payload = {"view": view, "user": user, "question": question}
    return {
        **quotation(introduction, question, notification),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": payload},
    }

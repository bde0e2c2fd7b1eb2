"""The pieces of Slack's Block Kit that our messages and views consist of.

https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.talk.payload import find, string

# A block, an element of one, or a text object.
Block = dict[str, Any]
# A modal or a Home tab.
View = dict[str, Any]
# The arguments of chat.postMessage.
MessageContent = dict[str, Any]


@dataclass(frozen=True)
class Submission:
    """What makes a modal a form: Slack sends `callback_id` and `metadata` back with what people filled in."""

    button: str
    callback_id: str
    metadata: str


def plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def header(text: str) -> Block:
    return {"type": "header", "text": plain_text(text)}


def section(text: str) -> Block:
    """`text` may contain mrkdwn."""
    return {"type": "section", "text": mrkdwn(text)}


def fields(values: Mapping[str, str]) -> Block:
    """A section with each value below its name, in two columns.

    Ten at the most: https://docs.slack.dev/reference/block-kit/blocks/section-block.
    """
    return {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value}") for name, value in values.items()]}


def context(text: Block) -> Block:
    """Small print; `text` is a text object."""
    return {"type": "context", "elements": [text]}


def divider() -> Block:
    return {"type": "divider"}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(action_id: str, text: Block, value: str, **options: Any) -> Block:
    """`text` is a text object; `options` are further fields of Slack's button, such as `confirm`."""
    return {"type": "button", "action_id": action_id, "text": text, "value": value, **options}


def text_area(action_id: str, max_length: int, initial: str = "") -> Block:
    """A field for several lines of text, for `form_field`."""
    element = {"type": "plain_text_input", "action_id": action_id, "multiline": True, "max_length": max_length}
    return {**element, "initial_value": initial} if initial else element


def form_field(block_id: str, label: str, element: Block, **options: Any) -> Block:
    """An input block; `options` are further fields of it, such as `hint` and `optional`."""
    return {"type": "input", "block_id": block_id, "label": plain_text(label), "element": element, **options}


def modal(title: str, close: str, blocks: Sequence[Block], submission: Submission | None = None) -> View:
    """`close` is what the button says that closes it. https://docs.slack.dev/reference/views/modal-views"""
    view = {"type": "modal", "title": plain_text(title), "close": plain_text(close), "blocks": list(blocks)}
    if submission is None:
        return view
    return {
        **view,
        "callback_id": submission.callback_id,
        "private_metadata": submission.metadata,
        "submit": plain_text(submission.button),
    }


def field_state(view: object, block_id: str, action_id: str) -> Mapping[str, object] | None:
    """What a form that Slack sends back says of one of its fields: its `value` above all. None if it has no such field.

    https://docs.slack.dev/reference/views/view-submission
    """
    state = find(view, "state", "values", block_id, action_id)
    return state if isinstance(state, dict) else None


def metadata(view: object) -> str:
    """The `private_metadata` of a form that Slack sends back; empty if it has none."""
    return string(find(view, "private_metadata"))


def rich_section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


def rich_text(*elements: Block) -> Block:
    """Unlike mrkdwn, it takes no text of people's for a mention or a link.

    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
    """
    return {"type": "rich_text", "elements": list(elements)}


def quotation(introduction: Sequence[Block], quote: str, notification: str) -> MessageContent:
    """A message that shows what somebody wrote, so that nothing of it can ping or be a link.

    `introduction` are elements of rich text. `notification` stands where Slack shows no blocks, and may contain mrkdwn.
    """
    quoted = {"type": "rich_text_quote", "elements": [{"type": "text", "text": quote}]}
    return {
        "text": notification,
        "blocks": [rich_text(rich_section(*introduction), quoted)],
        "unfurl_links": False,
        "unfurl_media": False,
    }

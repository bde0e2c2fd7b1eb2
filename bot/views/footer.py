"""What stands below a reply's text: Stop while it is written, then feedback, Regenerate and Continue.

An icon_button is documented with one icon only, "trash", so Regenerate is a button with words
(https://docs.slack.dev/reference/block-kit/block-elements/icon-button-element).
"""

import re
from typing import Any, Literal

Block = dict[str, Any]
Vote = Literal["good", "bad"]

STOP = "parley_stop"
REGENERATE = "parley_regenerate"
CONTINUE = "parley_continue"
FEEDBACK = "parley_feedback"

NOTE_LENGTH = 300
STOPPED = "Stopped"

_VALUE = re.compile(r"(?:(good|bad) )?(\d{1,12}\.\d{1,9})")
_FACES: dict[Vote, tuple[str, str]] = {"good": ("👍", "Good answer"), "bad": ("👎", "Bad answer")}


def streaming(question_ts: str) -> list[Block]:
    """`question_ts` is the ts under which the question waits in the mailbox."""
    return [_actions(_button(STOP, "Stop", question_ts, "Stop writing this answer"))]


def done(question_ts: str, *, continuable: bool = False, note: str | None = None, simple: bool = False) -> list[Block]:
    """`question_ts` is the ts of the question in the history: a regenerated answer names the same one again.

    `note` is a line of small print. `simple` leaves out context_actions, for a Slack that answers invalid_blocks.
    """
    return [*_small_print(note), *_ended(question_ts, continuable=continuable, simple=simple)]


def stopped(
    question_ts: str,
    *,
    by: str | None = None,
    continuable: bool = False,
    note: str | None = None,
    simple: bool = False,
) -> list[Block]:
    """As `done`, and says that it was stopped; `by` is the display name of who did it."""
    who = f"{STOPPED} by {by}" if by else STOPPED
    line = f"{who} · {note}" if note else who
    return [*_small_print(line), *_ended(question_ts, continuable=continuable, simple=simple)]


def read_value(value: object) -> tuple[str, Vote | None] | None:
    """The question's ts and, from a feedback button, the vote; None for what is not a value of ours."""
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    vote: Vote | None = "good" if match[1] == "good" else "bad" if match[1] else None
    return match[2], vote


def _ended(question_ts: str, *, continuable: bool, simple: bool) -> list[Block]:
    buttons = [_button(REGENERATE, "Regenerate", question_ts, "Answer this question once more")]
    if continuable:
        buttons.insert(0, _button(CONTINUE, "Continue", question_ts, "Go on where this answer ends"))
    if simple:
        # An action_id is there once in a block.
        faces = [_button(f"{FEEDBACK}_{vote}", *_face(vote, question_ts)) for vote in _FACES]
        return [_actions(*faces, *buttons)]
    feedback = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": _labelled(*_face("good", question_ts)),
        "negative_button": _labelled(*_face("bad", question_ts)),
    }
    return [{"type": "context_actions", "elements": [feedback]}, _actions(*buttons)]


def _face(vote: Vote, question_ts: str) -> tuple[str, str, str]:
    face, label = _FACES[vote]
    return face, f"{vote} {question_ts}", label


def _small_print(note: str | None) -> list[Block]:
    """https://docs.slack.dev/messaging/formatting-message-text: `verbatim` keeps names and addresses as they are."""
    if not note:
        return []
    cut = note if len(note) <= NOTE_LENGTH else f"{note[: NOTE_LENGTH - 1]}…"
    escaped = cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": escaped, "verbatim": True}]}]


def _actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def _button(action_id: str, text: str, value: str, label: str) -> Block:
    return {"type": "button", "action_id": action_id, **_labelled(text, value, label)}


def _labelled(text: str, value: str, label: str) -> Block:
    words = {"type": "plain_text", "text": text, "emoji": True}
    return {"text": words, "value": value, "accessibility_label": label}

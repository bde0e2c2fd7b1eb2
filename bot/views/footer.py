"""What stands below a reply's text: Stop while it is written, then feedback, Regenerate and Continue.

An icon_button is documented with one icon only, "trash", so Regenerate is a button with words
(https://docs.slack.dev/reference/block-kit/block-elements/icon-button-element).
"""

import re

from bot.store.counts.feedback import Rating
from bot.talk.markup import escape
from bot.views.blocks import Block, actions, context, mrkdwn, plain_text

STOP = "parley_stop"
REGENERATE = "parley_regenerate"
CONTINUE = "parley_continue"
FEEDBACK = "parley_feedback"

NOTE_LENGTH = 300
STOPPED = "Stopped"

_VALUE = re.compile(r"(?:(good|bad) )?(\d{1,12}\.\d{1,9})")
_FACES: dict[Rating, tuple[str, str]] = {"good": ("👍", "Good answer"), "bad": ("👎", "Bad answer")}


def streaming(question_ts: str) -> list[Block]:
    """`question_ts` is the ts under which the question waits in the mailbox."""
    return [actions(_button(STOP, "Stop", question_ts, "Stop writing this answer"))]


def done(question_ts: str, *, continuable: bool = False, note: str | None = None, simple: bool = False) -> list[Block]:
    """`question_ts` is the ts of the question in the history: a regenerated answer names the same one again.

    `note` is a line of small print. `simple` leaves out context_actions, for a Slack that answers invalid_blocks.
    """
    return [*_small_print(note), *_buttons(question_ts, continuable=continuable, simple=simple)]


def stopped(
    question_ts: str,
    *,
    by: str | None = None,
    continuable: bool = False,
    note: str | None = None,
    simple: bool = False,
) -> list[Block]:
    """The same as `done` for an answer that somebody stopped; `by` is that person's display name."""
    line = f"{STOPPED} by {by}" if by else STOPPED
    if note:
        line += f" · {note}"
    return done(question_ts, continuable=continuable, note=line, simple=simple)


def read_value(value: object) -> tuple[str, Rating | None] | None:
    """The question's ts and, from a feedback button, the vote; None if no button of ours has this value."""
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    vote: Rating | None = None
    if match[1]:
        vote = "good" if match[1] == "good" else "bad"
    return match[2], vote


def _buttons(question_ts: str, *, continuable: bool, simple: bool) -> list[Block]:
    buttons = [_button(REGENERATE, "Regenerate", question_ts, "Answer this question once more")]
    if continuable:
        buttons.insert(0, _button(CONTINUE, "Continue", question_ts, "Go on where this answer ends"))
    if simple:
        # Slack takes an action_id only once in a block.
        faces = [_button(f"{FEEDBACK}_{vote}", *_face(vote, question_ts)) for vote in _FACES]
        return [actions(*faces, *buttons)]
    feedback = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": _labelled(*_face("good", question_ts)),
        "negative_button": _labelled(*_face("bad", question_ts)),
    }
    return [{"type": "context_actions", "elements": [feedback]}, actions(*buttons)]


def _face(vote: Rating, question_ts: str) -> tuple[str, str, str]:
    """Text, value and label of the button for a vote."""
    face, label = _FACES[vote]
    return face, f"{vote} {question_ts}", label


def _small_print(note: str | None) -> list[Block]:
    """https://docs.slack.dev/messaging/formatting-message-text: `verbatim` keeps names and addresses as they are."""
    if not note:
        return []
    cut = note if len(note) <= NOTE_LENGTH else f"{note[: NOTE_LENGTH - 1]}…"
    return [context({**mrkdwn(escape(cut)), "verbatim": True})]


def _button(action_id: str, text: str, value: str, label: str) -> Block:
    return {"type": "button", "action_id": action_id, **_labelled(text, value, label)}


def _labelled(text: str, value: str, label: str) -> Block:
    """What all buttons have; `label` is what screen readers say."""
    return {"text": {**plain_text(text), "emoji": True}, "value": value, "accessibility_label": label}

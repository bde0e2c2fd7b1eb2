"""Thanks for a vote, the form for a comment, and what admins see of it."""

from bot.store.counts.feedback import COMMENT_LENGTH, Comment
from bot.talk.message import TS, Thread
from bot.views.blocks import (
    Block,
    MessageContent,
    Submission,
    View,
    actions,
    button,
    field_state,
    form_field,
    metadata,
    modal,
    plain_text,
    quotation,
    section,
    text_area,
)

COMMENT = "parley_comment"
INPUT = "comment"

THANKS = "Thanks for the feedback."
SORRY = "Thanks for the feedback. If you like, say what was wrong, for those who look after me."
# Where Slack shows no blocks, as in a notification. The comment is not in it, because Slack reads markup there.
ABOUT = "Somebody says what was wrong with an answer."


def sorry(thread_ts: str, answer: str) -> list[Block]:
    """Thanks for a bad vote, with a button that opens the form for a comment on the answer with this ts."""
    return [section(SORRY), actions(button(COMMENT, plain_text("Say what was wrong"), f"{thread_ts} {answer}"))]


def form(thread: Thread, answer: str) -> View:
    field = form_field(INPUT, "Your comment", text_area(INPUT, COMMENT_LENGTH))
    submission = Submission("Send", COMMENT, f"{thread.channel} {thread.ts} {answer}")
    return modal("What was wrong?", "Cancel", [field], submission)


def read_form(view: object, team: str) -> tuple[Thread, str, str] | None:
    """The thread, the answer's ts and the comment of a submitted form; None if it is not this form, or empty."""
    about = metadata(view).split(" ")
    if len(about) != 3 or not all(TS.fullmatch(ts) for ts in about[1:]):
        return None
    channel, thread_ts, answer = about
    state = field_state(view, INPUT, INPUT) or {}
    typed = state.get("value")
    if not isinstance(typed, str) or not typed.strip():
        return None
    # A field that is full can end in half a character, which cannot be stored.
    comment = typed.strip().encode(errors="replace").decode()
    return Thread(team, channel, thread_ts), answer, comment


def comment_message(comment: Comment, thread: Thread, name: str | None, permalink: str | None) -> MessageContent:
    """The message that shows a comment to the admins. `permalink` is the answer's, or None if Slack does not tell it.

    The author is named by id and not mentioned.
    """
    author = f"{name} ({comment.user})" if name else comment.user
    answer = {"type": "text", "text": f"an answer (channel {thread.channel}, message {comment.answer})"}
    if permalink:
        answer = {"type": "link", "url": permalink, "text": "an answer"}
    introduction = [
        {"type": "text", "text": f"{author} says what was wrong with "},
        answer,
        {"type": "text", "text": ":"},
    ]
    return quotation(introduction, comment.text, ABOUT)

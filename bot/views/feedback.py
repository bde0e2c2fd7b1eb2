"""Thanks for a vote, the form for a comment, and what admins see of it."""

from typing import Any

from bot.store.counts.feedback import Comment
from bot.talk.message import TS, Thread

COMMENT = "parley_comment"
INPUT = "comment"
COMMENT_LENGTH = 1_000

View = dict[str, Any]

THANKS = "Thanks for the feedback."
SORRY = "Thanks for the feedback. If you like, say what was wrong, for those who look after me."
# Where Slack shows no blocks, as in a notification. What was written is not in it: Slack reads markup there.
ABOUT = "Somebody says what was wrong with an answer."


def sorry(thread_ts: str, answer: str) -> list[View]:
    """With a button for a comment on the answer with this ts."""
    button = {
        "type": "button",
        "action_id": COMMENT,
        "text": _plain("Say what was wrong"),
        "value": f"{thread_ts} {answer}",
    }
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": SORRY}},
        {"type": "actions", "elements": [button]},
    ]


def form(thread: Thread, answer: str) -> View:
    """https://docs.slack.dev/reference/views/modal-views"""
    element = {"type": "plain_text_input", "action_id": INPUT, "multiline": True, "max_length": COMMENT_LENGTH}
    return {
        "type": "modal",
        "callback_id": COMMENT,
        "private_metadata": f"{thread.channel} {thread.ts} {answer}",
        "title": _plain("What was wrong?"),
        "submit": _plain("Send"),
        "close": _plain("Cancel"),
        "blocks": [{"type": "input", "block_id": INPUT, "label": _plain("Your comment"), "element": element}],
    }


def read_form(view: object, team: str) -> tuple[Thread, str, str] | None:
    """The thread, the answer's ts and the comment of a submitted form; None for what is no form of ours."""
    given = view if isinstance(view, dict) else {}
    about = str(given.get("private_metadata")).split(" ")
    if len(about) != 3 or not all(TS.fullmatch(ts) for ts in about[1:]):
        return None
    found: Any = given.get("state")
    for name in ("values", INPUT, INPUT, "value"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found.strip():
        return None
    # A field that is full can end in half a character, which cannot be stored.
    whole = found.strip().encode(errors="replace").decode()
    return Thread(team, about[0], about[1]), about[2], whole


def shown(said: Comment, thread: Thread, name: str | None, permalink: str | None) -> dict[str, Any]:
    """The message that shows a comment to the admins. `permalink` is that of the answer, as far as Slack tells it.

    As rich text nothing that people wrote can ping or be a link, whether Slack escapes what is typed in a form or not:
    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block. Who wrote it is named by id and not mentioned.
    """
    author = f"{name} ({said.user})" if name else said.user
    answer = {"type": "text", "text": f"an answer (channel {thread.channel}, message {said.answer})"}
    if permalink:
        answer = {"type": "link", "url": permalink, "text": "an answer"}
    section = [{"type": "text", "text": f"{author} says what was wrong with "}, answer, {"type": "text", "text": ":"}]
    elements = [
        {"type": "rich_text_section", "elements": section},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": said.text}]},
    ]
    return {
        "text": ABOUT,
        "blocks": [{"type": "rich_text", "elements": elements}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text}

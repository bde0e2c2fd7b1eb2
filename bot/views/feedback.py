"""Thanks for a vote, and the form for a comment."""

from typing import Any

from bot.incoming import TS, Thread

COMMENT = "parley_comment"
INPUT = "comment"
COMMENT_LENGTH = 1_000

View = dict[str, Any]

THANKS = "Thanks for the feedback."
SORRY = "Thanks for the feedback. If you like, say what was wrong, for those who look after me."


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
    return Thread(team, about[0], about[1]), about[2], found.strip()


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text}

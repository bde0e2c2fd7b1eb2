"""The question before we forget conversations, with its button, and what is said afterwards."""

from typing import Literal

from bot.manifest import COMMAND
from bot.views.blocks import MessageContent, actions, button, plain_text, section

CONFIRM = "parley_confirm_forget"

# All conversations of a channel, those in which only one person asked, or all of a direct message.
Scope = Literal["all", "own", "direct"]

WHAT: dict[Scope, str] = {
    "all": "all {conversations} in this channel, for everybody",
    "own": "{conversations} in this channel in which nobody but you asked me",
    "direct": "{conversations} in these direct messages",
}
QUESTION = (
    "Shall I forget {what}? That is what was said, files, and questions that wait. The messages stay in Slack. "
    "The button works for five minutes."
)
OTHERS = " Conversations in which others asked too stay, and long ones that I have summed up. An admin can forget all."
NOTHING = "There was nothing to forget here."
NOTHING_OF_YOURS = (
    f"There is nothing here in which nobody but you asked me. An admin can say `{COMMAND} forget` for all."
)
DONE = "Done. I have forgotten {conversations} here: what was said, files, and questions that were waiting."
STALE = f"Nothing is forgotten: this button is not yours, or too old. Say `{COMMAND} forget` again."


def conversations(count: int) -> str:
    return "1 conversation" if count == 1 else f"{count:,} conversations"


def question(scope: Scope, count: int, value: str) -> MessageContent:
    """`value` is what the button sends back."""
    what = WHAT[scope].format(conversations=conversations(count))
    text = QUESTION.format(what=what) + (OTHERS if scope == "own" else "")
    forget = button(CONFIRM, plain_text("Forget"), value, style="danger")
    return {"text": text, "blocks": [section(text), actions(forget)]}


def done(count: int) -> str:
    return DONE.format(conversations=conversations(count)) if count else NOTHING

"""The Home tab: what happens to what people say, their newest threads, and a button to forget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.manifest import COMMAND

Block = dict[str, Any]

FORGET = "parley_forget"
MOST_THREADS = 5

DATA = (
    "• Of what is said in a channel I keep only the threads that I take part in. They are sent to Anthropic's Claude "
    "API for an answer, and kept for {days} days after a thread's last answer.\n"
    "• If you edit or delete a message, I follow. `{command} forget` makes me forget all that was said to me in a "
    "channel.\n"
    "• Answers come from an AI model and may be wrong."
)


@dataclass(frozen=True)
class Talk:
    """A thread with us; `link` is None where Slack gives none."""

    channel: str
    ts: str
    link: str | None


def home(talks: Sequence[Talk], direct: str | None, history_days: int) -> dict[str, Any]:
    """The view. `direct` is the person's direct message with us, which the button forgets."""
    blocks: list[Block] = [
        _header("Parley"),
        _section("Ask me anything: mention me in a channel, or write to me under *Messages*."),
        _header("What I do with what you say"),
        _section(DATA.format(days=history_days, command=COMMAND)),
        _header("Your newest threads"),
        *([_section("\n".join(_line(talk) for talk in talks[:MOST_THREADS]))] if talks else [_none()]),
    ]
    if direct:
        blocks += [{"type": "divider"}, {"type": "actions", "elements": [_forget(direct)]}]
    return {"type": "home", "blocks": blocks}


def _line(talk: Talk) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#date-formatting"""
    seconds = int(float(talk.ts))
    date = f"<!date^{seconds}^{{date_short_pretty}}, {{time}}{f'^{talk.link}' if talk.link else ''}|a thread>"
    return f"• {date} {'in our direct messages' if talk.channel.startswith('D') else f'in <#{talk.channel}>'}"


def _forget(direct: str) -> Block:
    return {
        "type": "button",
        "action_id": FORGET,
        "value": direct,
        "style": "danger",
        "text": _plain("Forget our direct messages"),
        "confirm": {
            "title": _plain("Forget?"),
            "text": _plain("I forget all that we said in our direct messages. The messages stay in Slack."),
            "confirm": _plain("Forget"),
            "deny": _plain("Keep"),
            "style": "danger",
        },
    }


def _none() -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "None yet."}]}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text)}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}

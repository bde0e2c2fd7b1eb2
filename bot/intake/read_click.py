"""A use of one of our buttons becomes a Click, or the reason why it is not one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.intake.admission import Asker, Where
from bot.intake.read_message import Ignored
from bot.talk.message import Thread, is_id, is_ts


@dataclass(frozen=True)
class Click:
    """`message_ts` is that of the message with the button, `ts` the moment of the click; `value` is the button's."""

    action_id: str
    value: str
    thread: Thread
    message_ts: str
    ts: str
    user: str
    user_team: str | None = None
    outsider: bool = False
    trigger_id: str | None = None
    response_url: str | None = None

    @property
    def asker(self) -> Asker:
        return Asker(self.user, outsider=self.outsider)

    @property
    def where(self) -> Where:
        return Where(self.thread.team, self.thread.channel, self.thread.channel.startswith("D"))


def read(body: Mapping[str, Any], team: str, enterprise: str | None = None) -> Click | Ignored:
    """Read a `block_actions` payload of a message.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    actions = body.get("actions")
    action = _fields(actions[0] if isinstance(actions, list) and actions else None)
    user, container, message = (_fields(body.get(name)) for name in ("user", "container", "message"))
    channel = container.get("channel_id") or _fields(body.get("channel")).get("id")
    message_ts, action_ts = container.get("message_ts"), action.get("action_ts")
    thread_ts = container.get("thread_ts") or message.get("thread_ts") or message_ts
    person = user.get("id")
    if not (is_id(person) and is_id(channel)):
        return Ignored("nobody or nowhere")
    if not (is_ts(message_ts) and is_ts(thread_ts) and is_ts(action_ts)):
        return Ignored("no timestamp")
    user_team = _string(user.get("team_id"))
    return Click(
        action_id=_string(action.get("action_id")) or "",
        value=_string(action.get("value")) or "",
        thread=Thread(team, channel, thread_ts),
        message_ts=message_ts,
        ts=action_ts,
        user=person,
        user_team=user_team if user_team and user_team.startswith("T") else None,
        outsider=is_outsider(body, team, enterprise),
        trigger_id=_string(body.get("trigger_id")),
        response_url=_string(body.get("response_url")),
    )


def is_outsider(body: Mapping[str, Any], team: str, enterprise: str | None) -> bool:
    """Whether whoever clicked, or submitted a form, is of another company.

    People of an organization come with its id in place of a workspace's, whichever of its workspaces is theirs.
    Written of https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload, which has the same
    fields. `team` is where it was clicked: ours if its organization is.
    """
    own = [None, team, enterprise]
    where = _fields(body.get("team"))
    if enterprise and where.get("enterprise_id") == enterprise:
        own.append(_string(where.get("id")))
    return _string(_fields(body.get("user")).get("team_id")) not in own


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

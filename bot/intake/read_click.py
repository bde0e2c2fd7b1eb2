"""A use of one of our buttons becomes a Click, or the reason why it is not one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.intake.admission import Asker, Where
from bot.talk.message import Thread, is_id, is_ts
from bot.talk.payload import Ignored, find, items, mapping, string


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
    action = first_action(body)
    container = mapping(body.get("container"))
    message = mapping(body.get("message"))
    person = mapping(body.get("user"))
    channel = container.get("channel_id") or find(body, "channel", "id")
    message_ts = container.get("message_ts")
    thread_ts = container.get("thread_ts") or message.get("thread_ts") or message_ts
    action_ts = action.get("action_ts")
    user = person.get("id")
    if not (is_id(user) and is_id(channel)):
        return Ignored("nobody or nowhere")
    if not (is_ts(message_ts) and is_ts(thread_ts) and is_ts(action_ts)):
        return Ignored("no timestamp")
    user_team = string(person.get("team_id"))
    return Click(
        action_id=string(action.get("action_id")),
        value=string(action.get("value")),
        thread=Thread(team, channel, thread_ts),
        message_ts=message_ts,
        ts=action_ts,
        user=user,
        user_team=user_team if user_team.startswith("T") else None,
        outsider=is_outsider(body, team, enterprise),
        trigger_id=string(body.get("trigger_id")) or None,
        response_url=string(body.get("response_url")) or None,
    )


def first_action(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The use of a button; Slack sends a list with one."""
    actions = items(body.get("actions"))
    return mapping(actions[0]) if actions else {}


def is_outsiders_command(body: Mapping[str, Any], team: str, enterprise: str | None) -> bool:
    """Whether whoever typed a command belongs to another company.

    https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling
    """
    own = ["", team, enterprise]
    if enterprise and body.get("enterprise_id") == enterprise:
        own.append(string(body.get("team_id")))
    return string(body.get("team_id")) not in own


def is_outsider(body: Mapping[str, Any], team: str, enterprise: str | None) -> bool:
    """Whether whoever clicked, or submitted a form, belongs to another company.

    People of an organization come with its id in place of a workspace's, whichever of its workspaces is theirs.
    https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload says so, and the payloads of clicks
    and forms have the same fields. The body's `team` is where the click was made: one of ours if it belongs to our
    organization.
    """
    own = ["", team, enterprise]
    place = mapping(body.get("team"))
    if enterprise and place.get("enterprise_id") == enterprise:
        own.append(string(place.get("id")))
    return string(find(body, "user", "team_id")) not in own

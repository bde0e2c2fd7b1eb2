"""What a Web API method is to the sandbox: a handler, the scopes and token it needs, and how often it may be called."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.world.limits import T4
from bot.sandbox.slack.world.records import JSON, Channel, Message, Person
from bot.sandbox.slack.world.state import World

_MISSING: Any = object()


class Refused(Exception):
    """Slack's answer when a call fails: `ok` false, this error string, and `more` fields for some errors."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


def invalid_arguments(*messages: str) -> Refused:
    return Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {text}" for text in messages]})


@dataclass(frozen=True)
class Method:
    """`scopes`: any one of them is enough. `json`: whether a JSON body is read, as methods that write do.

    `by_channel`: the argument that names the channel, if the method is limited by channel too. `token`: "bot" or "app".
    """

    handle: Callable[["Call"], Awaitable[JSON]]
    scopes: tuple[str, ...] = ()
    per_minute: int = T4
    json: bool = True
    by_channel: str | None = None
    token: str = "bot"


class Call:
    """One call: its arguments, read as strictly as Slack reads them, and the world it acts on."""

    def __init__(self, world: World, params: Mapping[str, Any]) -> None:
        self.world = world
        self.workspace = world.workspace
        self.params = params
        self.warnings: list[str] = []

    def has(self, name: str) -> bool:
        return self.params.get(name) not in (None, "")

    def string(self, name: str, default: str = _MISSING) -> str:
        value = self.params.get(name)
        if value is None or (value == "" and default is _MISSING):
            if default is _MISSING:
                raise invalid_arguments(f"missing required field: {name}")
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise invalid_arguments(f"must be a string [json-pointer:/{name}]")

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.params.get(name)
        return default if value is None else value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int) -> int:
        value = self.params.get(name)
        try:
            return default if value in (None, "") else int(value)
        except (TypeError, ValueError):
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from None

    def value(self, name: str, error: str = "invalid_arguments") -> Any:
        """A structured argument, which a form carries as a string of JSON; None if it is not given.

        Raises Refused with `error` for a string that is not JSON.
        """
        value = self.params.get(name)
        if isinstance(value, str) and value:
            try:
                return json.loads(value)
            except ValueError:
                raise Refused(error) from None
        return None if value == "" else value

    def need(self, scope: str) -> None:
        if scope not in self.world.app.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(self.world.app.scopes))

    # What nearly every method asks for

    def channel(self, name: str = "channel", *, by_name: bool = False) -> Channel:
        """The channel, if the app may see it. `by_name` also accepts "#general" and a user id, as posting does."""
        given = self.string(name)
        channel = self.workspace.channels.get(given)
        if channel is None and by_name:
            if (person := self.workspace.people.get(given)) and not person.is_bot:
                channel = self.workspace.direct(given)
            else:
                wanted = given.removeprefix("#")
                places = [c for c in self.workspace.channels.values() if c.name == wanted and c.kind != "im"]
                channel = places[0] if places else None
        if channel is None or (channel.kind != "channel" and self.workspace.bot not in channel.members):
            raise Refused("channel_not_found")
        return channel

    def limited_in(self, name: str | None) -> str | None:
        """The id of the channel that the argument names, or None if there is no such argument or channel."""
        try:
            return self.channel(name, by_name=True).id if name else None
        except Refused:
            return None

    def joined(self, channel: Channel) -> Channel:
        """The same channel. Raises Refused if it is archived or the app is not in it."""
        if channel.archived:
            raise Refused("is_archived")
        if self.workspace.bot not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str = "ts", error: str = "message_not_found") -> Message:
        message = channel.messages.get(self.string(name))
        if message is None or message.subtype == "tombstone":
            raise Refused(error)
        return message

    def person(self, name: str = "user") -> Person:
        person = self.workspace.people.get(self.string(name))
        if person is None:
            raise Refused("user_not_found")
        return person

"""The workspace: people, channels, messages and what hangs on them. Changing it tells the app and the page."""

from collections.abc import Callable
from typing import Any

from bot.sandbox.clock import Clock
from bot.sandbox.slack.world.records import JSON, Channel, File, Message, Person, Session, Status, id_for

TEAM_NAME = "Sandbox"
PARTNER_NAME = "Partner Company"


class Workspace:
    """The team, its people, channels, messages, files and sessions.

    `on_change(kind, what)` is told of everything that a person would see; `on_event(event, channel)` of every event
    an app could subscribe to.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_change: Callable[[str, Any], None] = lambda kind, what: None
        self.on_event: Callable[[JSON, Channel | None], object] = lambda event, channel: None
        self.team = id_for("T", "sandbox")
        self.partner = id_for("T", "partner")
        self.app_id = id_for("A", "parley")
        self.bot_id = id_for("B", "parley")
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, list[str]] = {}
        self.statuses: dict[tuple[str, str], Status] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.prompts: dict[tuple[str, str], JSON] = {}
        self.files: dict[str, File] = {}
        self.ephemerals: list[tuple[str, Message]] = []
        self.installed = True
        # For how many seconds messages may be edited. None: for ever.
        self.edit_window: float | None = None
        # The id of the organization, if the app is installed in all of it.
        self.organization: str | None = None
        self._ts = 0
        self._people()

    def _people(self) -> None:
        now = int(self.clock.time())
        for name, real_name, rights in (
            ("ada", "Ada Okafor", {"is_admin": True, "is_owner": True}),
            ("ben", "Ben Haddad", {}),
            ("chidi", "Chidi Larsen", {}),
            ("gwen", "Gwen Silva", {"is_stranger": True}),
            ("parley", "Parley", {"is_bot": True}),
        ):
            team = self.partner if "is_stranger" in rights else self.team
            person = Person(id_for("U", name), name, real_name, team, **rights)
            self.people[person.id] = person
        own = [p.id for p in self.people.values() if not p.is_stranger]
        self.bot = id_for("U", "parley")
        for name, kind, members in (
            ("general", "channel", own),
            ("engineering", "channel", list(self.people)),
            ("random", "channel", own),
            ("leads", "group", [id_for("U", "ada"), id_for("U", "ben"), self.bot]),
        ):
            channel = Channel(id_for("C", name), name, kind, now, list(members))
            channel.shared = any(self.people[m].is_stranger for m in members)
            self.channels[channel.id] = channel
        for person in self.people.values():
            if not person.is_bot:
                self.direct(person.id)
        self.usergroups[id_for("S", "admins")] = [id_for("U", "ada")]

    # Who and where

    def person(self, name: str) -> Person:
        """By id or name ("ada" or "@ada"). Raises LookupError."""
        if name in self.people:
            return self.people[name]
        for person in self.people.values():
            if person.name == name.removeprefix("@").lower():
                return person
        raise LookupError(f"no such person: {name}")

    def channel(self, name: str, person: Person | None = None) -> Channel:
        """By id, name ("general", "#general"), or "@ada" for Ada's DM; "dm" is `person`'s. Raises LookupError."""
        if name in self.channels:
            return self.channels[name]
        if person and name in ("dm", "@parley"):
            return self.direct(person.id)
        for channel in self.channels.values():
            if channel.name == name.removeprefix("#"):
                return channel
        raise LookupError(f"no such channel: {name}")

    def place(self, user: str, channel: str) -> tuple[Person, Channel]:
        """A person and a channel they are in. Raises LookupError, or PermissionError if they are not in it."""
        person = self.person(user)
        place = self.channel(channel, person)
        if person.id not in place.members:
            raise PermissionError(f"{person.name} is not in {place.name}")
        return person, place

    def direct(self, user: str) -> Channel:
        """The DM of the app with that user, opened if need be."""
        person = self.people[user]
        channel = self.channels.get(id_for("D", person.name))
        if channel is None:
            channel = Channel(id_for("D", person.name), f"@{person.name}", "im", int(self.clock.time()))
            channel.members = [user, self.bot]
            channel.shared = person.is_stranger
            self.channels[channel.id] = channel
            self.on_change("channel", channel)
        return channel

    def group_direct(self, users: list[str]) -> Channel:
        """The group DM of the app with these people, opened if need be."""
        name = "mpdm-" + "--".join([*sorted(self.people[user].name for user in users), "parley"]) + "-1"
        channel = self.channels.get(id_for("C", name))
        if channel is None:
            channel = Channel(id_for("C", name), name, "mpim", int(self.clock.time()), [*users, self.bot])
            channel.shared = any(self.people[user].is_stranger for user in users)
            self.channels[channel.id] = channel
            self.on_change("channel", channel)
        return channel

    def new_ts(self) -> str:
        """A message id: the time in microseconds, never twice the same."""
        self._ts = max(self._ts + 1, int(self.clock.time() * 1_000_000))
        return f"{self._ts // 1_000_000}.{self._ts % 1_000_000:06d}"

    def find(self, channel: str, ts: str) -> Message | None:
        place = self.channels.get(channel)
        return place.messages.get(ts) if place else None

    def thread(self, channel: Channel, thread_ts: str) -> list[Message]:
        """The parent, if it is still there, and its replies, oldest first."""
        return [m for ts in (thread_ts, *channel.threads.get(thread_ts, ())) if (m := channel.messages.get(ts))]

    def show(self, message: Message, *, metadata: bool = False) -> JSON:
        """Slack's message object, with reply counts for a parent."""
        shown = message.view(metadata=metadata)
        channel = self.channels[message.channel]
        replies = channel.threads.get(message.ts)
        if replies:
            users = list(dict.fromkeys(channel.messages[ts].user for ts in replies if ts in channel.messages))
            shown |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users": users[:5],
                "reply_users_count": len(users),
                "latest_reply": replies[-1],
                "is_locked": False,
                "subscribed": False,
            }
        elif message.thread_ts and (parent := channel.messages.get(message.thread_ts)):
            shown["parent_user_id"] = parent.user
        if message.bot_id:
            shown["bot_profile"] = {
                "id": message.bot_id,
                "app_id": message.app_id,
                "name": "parley",
                "team_id": self.team,
                "deleted": False,
            }
        return shown

    # What happens

    def post(self, message: Message) -> None:
        channel = self.channels[message.channel]
        channel.messages[message.ts] = message
        if message.thread_ts:
            channel.threads.setdefault(message.thread_ts, []).append(message.ts)
        if message.bot_id:
            self.set_status(message.channel, message.root, None)
        self.on_change("message", message)
        event = {**self.show(message), "channel": channel.id, "event_ts": message.ts}
        self.on_event({**event, "channel_type": channel.kind}, channel)
        if channel.kind != "im" and message.user != self.bot and f"<@{self.bot}>" in message.text:
            mention = {k: v for k, v in event.items() if k not in ("subtype", "parent_user_id")}
            self.on_event({**mention, "type": "app_mention"}, channel)

    def changed(self, message: Message, before: JSON) -> None:
        """Tell that `message` has changed. `before` is how Slack showed it until now."""
        channel = self.channels[message.channel]
        message.edits += 1
        self.on_change("message", message)
        ts = self.new_ts()
        self.on_event(
            {
                "type": "message",
                "subtype": "message_changed",
                "message": self.show(message),
                "previous_message": before,
                "channel": channel.id,
                "hidden": True,
                "ts": ts,
                "event_ts": ts,
                "channel_type": channel.kind,
            },
            channel,
        )

    def delete(self, message: Message) -> None:
        """Delete it; a parent with replies stays as a tombstone, as in Slack."""
        channel = self.channels[message.channel]
        before = self.show(message)
        if channel.threads.get(message.ts):
            message.text, message.blocks, message.files = "This message was deleted.", [], []
            message.user, message.subtype, message.metadata = "USLACKBOT", "tombstone", None
            self.changed(message, before)
            return
        del channel.messages[message.ts]
        if message.thread_ts and message.ts in channel.threads.get(message.thread_ts, ()):
            channel.threads[message.thread_ts].remove(message.ts)
        self.on_change("deleted", message)
        ts = self.new_ts()
        self.on_event(
            {
                "type": "message",
                "subtype": "message_deleted",
                "previous_message": before,
                "deleted_ts": message.ts,
                "channel": channel.id,
                "hidden": True,
                "ts": ts,
                "event_ts": ts,
                "channel_type": channel.kind,
            },
            channel,
        )

    def show_only_to(self, user: str, message: Message) -> None:
        self.ephemerals.append((user, message))
        self.on_change("ephemeral", (user, message))

    def react(self, message: Message, user: str, name: str, *, add: bool) -> None:
        users = message.reactions.setdefault(name, [])
        if add:
            users.append(user)
        else:
            users.remove(user)
            if not users:
                del message.reactions[name]
        self.on_change("message", message)
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        event: JSON = {"type": "reaction_added" if add else "reaction_removed", "user": user, "reaction": name}
        event |= {"item": item, "item_user": message.user, "event_ts": self.new_ts()}
        self.on_event(event, self.channels[message.channel])

    def set_status(self, channel: str, thread_ts: str, status: Status | None) -> None:
        if status is None:
            if self.statuses.pop((channel, thread_ts), None) is None:
                return
        else:
            self.statuses[channel, thread_ts] = status
        self.on_change("status", (channel, thread_ts))

"""What people do in the workspace: write, edit, upload, click, come and go."""

import secrets
from collections.abc import Sequence

from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.text import rich_text, typed
from bot.sandbox.slack.world.files import Content
from bot.sandbox.slack.world.records import JSON, Channel, File, Message
from bot.sandbox.slack.world.state import World


class Acts:
    """What people do. People and channels go by name or id; "dm" is the person's DM with the app.

    The app is told in the background. Only commands, shortcuts, clicks and modals wait for it: they return what it
    acknowledged with, or raise Unanswered after three seconds. All raise LookupError for what does not exist and
    PermissionError for what the person may not do.
    """

    def __init__(self, world: World, interactions: Interactions) -> None:
        self.world = world
        self._workspace = world.workspace
        self.command = interactions.command
        self.click = interactions.click
        self.shortcut = interactions.shortcut
        self.submit = interactions.submit
        self.close = interactions.close

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> str:
        """Write a message and return its ts. "@parley" and other people's names become mentions."""
        message = self._message(user, channel, text, thread_ts)
        self._workspace.post(message)
        return message.ts

    async def upload(
        self,
        user: str,
        channel: str,
        files: Sequence[tuple[str, bytes]],
        *,
        text: str = "",
        thread_ts: str | None = None,
        mimetype: str = "",
        mode: str = "hosted",
    ) -> str:
        """Share files (name, content) with a text, and return the message's ts.

        `mimetype` and `mode` hold for all the files. Each parameter is one thing that a person, or Slack, may choose.
        """
        message = self._message(user, channel, text, thread_ts)
        message.subtype = "file_share"
        for name, content in files:
            message.files.append(self._file(message, Content(name, content, mimetype), mode))
        self._workspace.post(message)
        return message.ts

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        message = self._own(user, channel, ts)
        before = self._workspace.show(message)
        message.text = self._typed(text)
        message.blocks = rich_text(message.text)
        message.edited = {"user": message.user, "ts": self._workspace.new_ts()}
        self._workspace.changed(message, before)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message; an admin may delete any."""
        person, place = self._workspace.place(user, channel)
        message = self._found(place, ts)
        if message.user != person.id and not person.is_admin:
            raise PermissionError(f"{person.name} may not delete this")
        self._workspace.delete(message)

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Add a reaction, or take it away if it is there."""
        person, place = self._workspace.place(user, channel)
        message = self._found(place, ts)
        self._workspace.react(message, person.id, name, add=person.id not in message.reactions.get(name, []))

    async def open_home(self, user: str, tab: str = "home") -> None:
        """Open the app's "home" or "messages" tab. https://docs.slack.dev/reference/events/app_home_opened"""
        person = self._workspace.person(user)
        channel = self._workspace.direct(person.id)
        event: JSON = {"type": "app_home_opened", "user": person.id, "channel": channel.id, "tab": tab}
        event["event_ts"] = self._workspace.new_ts()
        view = self.world.views.homes.get(person.id)
        if view and tab == "home":
            event["view"] = view.show(self._workspace)
        self._workspace.on_event(event, channel)

    async def press_stop(self, user: str, channel: str, thread_ts: str) -> None:
        """Press Slack's own Stop in a thread: the thread's open streams end, then the app is told.

        https://docs.slack.dev/reference/events/agent_session_stopped
        """
        person, place = self._workspace.place(user, channel)
        session = self._workspace.sessions.get((place.id, thread_ts))
        if session is None or session.status != "processing" or not session.stoppable:
            raise LookupError("nothing to stop in this thread")
        stopped = []
        for message in self._workspace.thread(place, thread_ts):
            if message.stream == "open":
                message.stream = "stopped_by_user"
                stopped.append(message.ts)
                self._workspace.on_change("message", message)
        event = {"type": "agent_session_stopped", "channel": place.id, "thread_ts": thread_ts, "user": person.id}
        self._workspace.on_event(
            {**event, "streaming_message_ts": stopped, "event_ts": self._workspace.new_ts()}, place
        )

    async def invite(self, user: str, channel: str) -> None:
        """Let a person, or the app, into a channel."""
        person, place = self._workspace.person(user), self._workspace.channel(channel)
        if person.id in place.members:
            return
        place.members.append(person.id)
        place.shared = any(self._workspace.people[member].is_stranger for member in place.members)
        self._workspace.on_change("channel", place)
        event = {"type": "member_joined_channel", "user": person.id, "channel": place.id, "team": person.team}
        self._workspace.on_event({**event, "event_ts": self._workspace.new_ts()}, place)

    async def remove(self, user: str, channel: str) -> None:
        """Take a person, or the app, out of a channel."""
        person, place = self._workspace.place(user, channel)
        event = {"type": "member_left_channel", "user": person.id, "channel": place.id, "team": person.team}
        self._workspace.on_event({**event, "event_ts": self._workspace.new_ts()}, place)
        place.members.remove(person.id)
        self._workspace.on_change("channel", place)

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        place = self._workspace.channel(channel)
        place.archived = archived
        self._workspace.on_change("channel", place)

    async def set_admin(self, user: str, admin: bool) -> None:
        """Make someone an admin, or a member again. The admins' user group changes with it."""
        person = self._workspace.person(user)
        person.is_admin = admin
        for group, members in self._workspace.usergroups.items():
            members[:] = [p.id for p in self._workspace.people.values() if p.is_admin]
            event = {"type": "subteam_members_changed", "subteam_id": group, "team_id": self._workspace.team}
            self._workspace.on_event({**event, "event_ts": self._workspace.new_ts()}, None)
        self._workspace.on_change("user", person)

    async def set_guest(self, user: str, guest: bool) -> None:
        """Make someone a guest, or a member again."""
        person = self._workspace.person(user)
        person.is_restricted = guest
        self._workspace.on_change("user", person)

    async def uninstall(self) -> None:
        """Remove the app: it gets tokens_revoked and app_uninstalled, in any order, and its tokens no longer work."""
        for event in (
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [self._workspace.bot]}},
            {"type": "app_uninstalled"},
        ):
            self._workspace.on_event({**event, "event_ts": self._workspace.new_ts()}, None)
        self._workspace.installed = False
        self._workspace.on_change("installed", False)

    async def install(self) -> None:
        """Put the app back."""
        self._workspace.installed = True
        self._workspace.on_change("installed", True)

    def _message(self, user: str, channel: str, text: str, thread_ts: str | None) -> Message:
        person, place = self._workspace.place(user, channel)
        if place.archived:
            raise PermissionError(f"{place.name} is archived")
        parent = place.messages.get(thread_ts) if thread_ts else None
        if (thread_ts and parent is None and thread_ts not in place.threads) or (parent and parent.thread_ts):
            raise LookupError(f"no such thread: {thread_ts}")
        escaped = self._typed(text)
        blocks = rich_text(escaped) if escaped else []
        message = Message(self._workspace.new_ts(), place.id, person.id, escaped, person.team, blocks)
        message.thread_ts = thread_ts
        message.client_msg_id = secrets.token_hex(16)
        if place.shared:
            message.user_team = message.source_team = person.team
        return message

    def _typed(self, text: str) -> str:
        return typed(text, {person.name: person.id for person in self._workspace.people.values()})

    def _file(self, message: Message, content: Content, mode: str) -> File:
        file = self.world.new_file(message.user, content)
        file.mode = mode
        file.shared = self._workspace.people[message.user].is_stranger
        if mode == "external":
            file.url = f"https://files.example.com/{content.name}"
        file.channels.append(message.channel)
        self._workspace.files[file.id] = file
        return file

    def _found(self, channel: Channel, ts: str) -> Message:
        if ts not in channel.messages:
            raise LookupError(f"no such message: {ts}")
        return channel.messages[ts]

    def _own(self, user: str, channel: str, ts: str) -> Message:
        person, place = self._workspace.place(user, channel)
        message = self._found(place, ts)
        if message.user != person.id:
            raise PermissionError(f"{person.name} did not write this")
        return message

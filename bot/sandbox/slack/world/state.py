"""The whole state of the sandbox's Slack as one object, which every other part is given."""

import asyncio
import mimetypes
import secrets
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from bot.sandbox.clock import Clock, Timers
from bot.sandbox.faults import Faults
from bot.sandbox.journal import Journal
from bot.sandbox.slack.world.app import SCOPES, App
from bot.sandbox.slack.world.files import Content, Upload
from bot.sandbox.slack.world.limits import Limits
from bot.sandbox.slack.world.records import File, Status, new_id
from bot.sandbox.slack.world.triggers import Triggers
from bot.sandbox.slack.world.views import Views
from bot.sandbox.slack.world.workspace import Workspace

STATUS_SECONDS = 120.0


class World:
    """`scopes` are the app's; `limits` says whether rate limits are on.

    `port` is where it is served, 0 until then. `viewer` is the key with which the sandbox's own page reads files.
    `on_panel(kind, what)` is told what only the page's panel shows: counted calls, the clock, faults.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        faults: Faults,
        *,
        scopes: Iterable[str] | None = None,
        limits: bool = True,
    ) -> None:
        self.clock, self.journal, self.faults = clock, journal, faults
        self.timers = Timers(clock)
        self.workspace = Workspace(clock)
        self.app = App(SCOPES if scopes is None else scopes)
        self.limits = Limits(clock, on=limits)
        self.views = Views(self.workspace)
        self.triggers = Triggers(clock)
        self.uploads: dict[str, Upload] = {}
        self.viewer = secrets.token_hex(8)
        self.port = 0
        self.on_panel: Callable[[str, Any], None] = lambda kind, what: None
        self._status_timers: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def socket_url(self) -> str:
        """Where the app may open one Socket Mode connection."""
        return f"ws://127.0.0.1:{self.port}/link/?ticket={self.app.ticket()}&app_id={self.workspace.app_id}"

    def new_file(self, user: str, content: Content, file_id: str = "") -> File:
        """A new file that belongs to `user`. It is not part of the workspace yet."""
        file_id = file_id or new_id("F")
        mimetype = content.mimetype.partition(";")[0].strip() or mimetypes.guess_type(content.name)[0] or "text/plain"
        return File(
            id=file_id,
            name=content.name,
            title=content.name,
            mimetype=mimetype,
            content=content.data,
            user=user,
            team=self.workspace.people[user].team,
            created=int(self.clock.time()),
            url=f"{self.url}files-pri/{file_id}/{quote(content.name, safe='')}",
        )

    def show_status(self, channel: str, thread_ts: str, status: Status | None) -> None:
        """Show what the app says it is doing, for two minutes at most."""
        timer = self._status_timers.pop((channel, thread_ts), None)
        if timer:
            timer.cancel()
        self.workspace.set_status(channel, thread_ts, status)
        if status:
            self._status_timers[channel, thread_ts] = self.timers.after(
                STATUS_SECONDS, lambda: self.workspace.set_status(channel, thread_ts, None)
            )

"""The modals and Home tabs that people see, as the workspace keeps them."""

import secrets
from dataclasses import dataclass, field

from bot.sandbox.slack.world.records import JSON, new_id
from bot.sandbox.slack.world.workspace import Workspace


@dataclass
class View:
    """A modal or Home tab that one person sees. `parent` is the modal below it."""

    id: str
    user: str
    given: JSON
    hash: str
    parent: str | None = None
    values: JSON = field(default_factory=dict)

    def show(self, workspace: Workspace) -> JSON:
        """Slack's view object."""
        return {
            "id": self.id,
            "team_id": workspace.team,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "title": {"type": "plain_text", "text": "View Title"},
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
            **self.given,
            "state": {"values": self.values},
            "hash": self.hash,
            "previous_view_id": self.parent,
            "root_view_id": self.parent or self.id,
            "app_id": workspace.app_id,
            "app_installed_team_id": workspace.team,
            "bot_id": workspace.bot_id,
        }


class Views:
    """The views people have open, and everyone's Home tab."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.open: dict[str, View] = {}
        self.homes: dict[str, View] = {}

    def find(self, view_id: str) -> View | None:
        return self.open.get(view_id) or next((view for view in self.homes.values() if view.id == view_id), None)

    def add(self, user: str, given: JSON, parent: str | None = None) -> View:
        view = View(new_id("V"), user, given, self._hash(), parent)
        self.open[view.id] = view
        self._workspace.on_change("view", view)
        return view

    def change(self, view: View, given: JSON) -> None:
        view.given, view.hash = given, self._hash()
        self._workspace.on_change("home" if given["type"] == "home" else "view", view)

    def publish(self, user: str, given: JSON) -> View:
        view = self.homes.get(user)
        if view is None:
            view = self.homes[user] = View(new_id("V"), user, given, "")
        self.change(view, given)
        return view

    def close(self, view: View, *, all_of_them: bool = False) -> None:
        """Close the modal. The one below it shows again, unless all of them are closed."""
        self.open.pop(view.id, None)
        self._workspace.on_change("view_closed", view)
        parent = self.open.get(view.parent or "")
        if parent and all_of_them:
            self.close(parent, all_of_them=True)

    def _hash(self) -> str:
        return f"{self._workspace.new_ts()}.{secrets.token_hex(4)}"

"""views.*: modals and the Home tab. https://docs.slack.dev/reference/views/modal-views"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack import blocks as block_kit
from bot.sandbox.slack.block_fields import VIEWS
from bot.sandbox.slack.block_rules import Check
from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.records import JSON, new_id
from bot.sandbox.slack.world.workspace import Workspace

TITLE = 24
PRIVATE_METADATA = 3_000
VIEW_BYTES = 250_000


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
        """Take the modal away; the one below it shows again unless all go."""
        self.open.pop(view.id, None)
        self._workspace.on_change("view_closed", view)
        parent = self.open.get(view.parent or "")
        if parent and all_of_them:
            self.close(parent, all_of_them=True)

    def _hash(self) -> str:
        return f"{self._workspace.new_ts()}.{secrets.token_hex(4)}"


async def open_(call: Call) -> JSON:
    user = call.slack.interactions.exchange(call.string("trigger_id"))
    view = _view(call, "modal")
    taken = [open_view.given.get("external_id") for open_view in call.slack.views.open.values()]
    if view.get("external_id") and view["external_id"] in taken:
        raise Refused("duplicate_external_id")
    return {"view": call.slack.views.add(user, view).show(call.workspace)}


async def update(call: Call) -> JSON:
    views = call.slack.views
    if call.has("external_id"):
        wanted = call.string("external_id")
        view = next((v for v in views.open.values() if v.given.get("external_id") == wanted), None)
    else:
        view = views.find(call.string("view_id"))
    if view is None:
        raise Refused("not_found")
    _same_hash(call, view)
    views.change(view, _view(call, view.given["type"]))
    return {"view": view.show(call.workspace)}


async def publish(call: Call) -> JSON:
    user = call.workspace.people.get(call.string("user_id"))
    if user is None:
        raise block_kit.invalid(["invalid `user_id`"], "invalid_arguments")
    known = call.slack.views.homes.get(user.id)
    if known:
        _same_hash(call, known)
    return {"view": call.slack.views.publish(user.id, _view(call, "home")).show(call.workspace)}


def _same_hash(call: Call, view: View) -> None:
    if call.has("hash") and call.string("hash") != view.hash:
        raise Refused("hash_conflict")


def _view(call: Call, kind: str) -> JSON:
    return checked(call.value("view"), kind)


def checked(given: Any, kind: str) -> JSON:
    """The view with a block_id for each block. Raises Refused with what is wrong and where."""
    if not isinstance(given, dict):
        raise Refused("invalid_arguments")
    if len(json.dumps(given)) > VIEW_BYTES:
        raise Refused("view_too_large")
    check = Check(kind)
    if given.get("type") != kind:
        check.wrong(f"must be {kind}", "/view/type")
    check.only(given, "/view", VIEWS[kind])
    check.string(given, "private_metadata", "/view", PRIVATE_METADATA)
    check.string(given, "callback_id", "/view", 255)
    blocks = check.items(given, "blocks", "/view", 100, least=0)
    if kind == "modal":
        inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
        check.text(given, "title", "/view", TITLE, required=True, plain=True)
        check.text(given, "close", "/view", TITLE, plain=True)
        check.text(given, "submit", "/view", TITLE, required=inputs, plain=True)
    if check.problems:
        raise block_kit.invalid(check.problems, "invalid_arguments")
    try:
        return {**given, "blocks": block_kit.checked(blocks, kind)}
    except Refused as refused:
        raise Refused("invalid_arguments", **refused.more) from None


METHODS = {
    "views.open": Method(open_),
    "views.publish": Method(publish),
    "views.update": Method(update),
}

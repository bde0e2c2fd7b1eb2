"""views.*: modals and the Home tab. https://docs.slack.dev/reference/views/modal-views"""

import json
from typing import Any

from bot.sandbox.slack.block_kit import payload as block_kit
from bot.sandbox.slack.block_kit.blocks import VIEWS
from bot.sandbox.slack.block_kit.check import Check
from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.records import JSON
from bot.sandbox.slack.world.views import View

VIEW_BYTES = 250_000


async def open_(call: Call) -> JSON:
    user = _exchange(call, call.string("trigger_id"))
    view = _view(call, "modal")
    taken = [open_view.given.get("external_id") for open_view in call.world.views.open.values()]
    if view.get("external_id") and view["external_id"] in taken:
        raise Refused("duplicate_external_id")
    return {"view": call.world.views.add(user, view).show(call.workspace)}


async def update(call: Call) -> JSON:
    views = call.world.views
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
    known = call.world.views.homes.get(user.id)
    if known:
        _same_hash(call, known)
    return {"view": call.world.views.publish(user.id, _view(call, "home")).show(call.workspace)}


def _exchange(call: Call, trigger_id: str) -> str:
    """The user whose trigger it is. Raises Refused if it is unknown, used or too old."""
    trigger = call.world.triggers.find(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if trigger.until < call.world.clock.time():
        raise Refused("expired_trigger_id")
    trigger.used = True
    return trigger.user


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
    VIEWS[kind](check, given, "/view")
    if check.problems:
        raise block_kit.invalid(check.problems, "invalid_arguments")
    try:
        return {**given, "blocks": block_kit.checked(given["blocks"], kind)}
    except Refused as refused:
        raise Refused("invalid_arguments", **refused.more) from None


METHODS = {
    "views.open": Method(open_),
    "views.publish": Method(publish),
    "views.update": Method(update),
}

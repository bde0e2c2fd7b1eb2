"""The actions of POST /control/<name>, each with the JSON that was sent. docs/sandbox.md lists them."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.sandbox.faults import Fault
from bot.sandbox.slack.acts import Acts
from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.world.records import JSON
from bot.sandbox.slack.world.state import World


@dataclass(frozen=True)
class Levers:
    """What the actions work on."""

    world: World
    acts: Acts
    delivery: Delivery
    sockets: Sockets


Action = Callable[[Levers, JSON], Awaitable[JSON]]


async def say(levers: Levers, given: JSON) -> JSON:
    ts = await levers.acts.say(given["user"], given["channel"], given["text"], thread_ts=given.get("thread_ts"))
    return {"ts": ts}


async def upload(levers: Levers, given: JSON) -> JSON:
    files = [(str(file["name"]), base64.b64decode(file["content"], validate=True)) for file in given["files"]]
    ts = await levers.acts.upload(
        given["user"],
        given["channel"],
        files,
        text=given.get("text", ""),
        thread_ts=given.get("thread_ts"),
        mimetype=given.get("mimetype", ""),
    )
    return {"ts": ts}


async def edit(levers: Levers, given: JSON) -> JSON:
    await levers.acts.edit(given["user"], given["channel"], given["ts"], given["text"])
    return {}


async def delete(levers: Levers, given: JSON) -> JSON:
    await levers.acts.delete(given["user"], given["channel"], given["ts"])
    return {}


async def react(levers: Levers, given: JSON) -> JSON:
    await levers.acts.react(given["user"], given["channel"], given["ts"], given["name"])
    return {}


async def command(levers: Levers, given: JSON) -> JSON:
    answer = await levers.acts.command(given["user"], given["channel"], given["command"], given.get("text", ""))
    return {"answer": answer}


async def click(levers: Levers, given: JSON) -> JSON:
    answer = await levers.acts.click(
        given["user"],
        given["action_id"],
        channel=given.get("channel"),
        ts=given.get("ts"),
        view_id=given.get("view_id"),
        block_id=given.get("block_id"),
        value=given.get("value"),
    )
    return {"answer": answer}


async def shortcut(levers: Levers, given: JSON) -> JSON:
    return {"answer": await levers.acts.shortcut(given["user"], given["callback_id"], given["channel"], given["ts"])}


async def submit(levers: Levers, given: JSON) -> JSON:
    return {"answer": await levers.acts.submit(given["user"], given["view_id"], given.get("values"))}


async def close(levers: Levers, given: JSON) -> JSON:
    await levers.acts.close(given["user"], given["view_id"])
    return {}


async def home(levers: Levers, given: JSON) -> JSON:
    await levers.acts.open_home(given["user"], given.get("tab", "home"))
    return {}


async def stop(levers: Levers, given: JSON) -> JSON:
    await levers.acts.press_stop(given["user"], given["channel"], given["thread_ts"])
    return {}


async def invite(levers: Levers, given: JSON) -> JSON:
    await levers.acts.invite(given["user"], given["channel"])
    return {}


async def remove(levers: Levers, given: JSON) -> JSON:
    await levers.acts.remove(given["user"], given["channel"])
    return {}


async def uninstall(levers: Levers, given: JSON) -> JSON:
    await levers.acts.uninstall()
    return {}


async def install(levers: Levers, given: JSON) -> JSON:
    await levers.acts.install()
    return {}


async def deliver(levers: Levers, given: JSON) -> JSON:
    return {"event_id": levers.delivery.raw(given["event"], event_id=given.get("event_id"))}


async def reconnect(levers: Levers, given: JSON) -> JSON:
    await levers.sockets.disconnect(given.get("reason", "refresh_requested"))
    return {}


async def limit(levers: Levers, given: JSON) -> JSON:
    if "on" in given:
        levers.world.limits.on = bool(given["on"])
    if "method" in given:
        levers.world.limits.set(given["method"], int(given["per_minute"]))
        levers.world.on_panel("usage", given["method"])
    return {}


async def clock(levers: Levers, given: JSON) -> JSON:
    if "speed" in given:
        levers.world.clock.speed = float(given["speed"])
    levers.world.clock.advance(float(given.get("advance", 0)))
    levers.world.on_panel("clock", None)
    return {"time": levers.world.clock.time(), "speed": levers.world.clock.speed}


async def add_fault(levers: Levers, given: JSON) -> JSON:
    times = given.get("times")
    levers.world.faults.add(
        given["route"],
        given["kind"],
        probability=float(given.get("probability", 1.0)),
        times=None if times is None else int(times),
        **given.get("params", {}),
    )
    levers.world.on_panel("faults", None)
    return {}


async def script_faults(levers: Levers, given: JSON) -> JSON:
    faults = [Fault(one["kind"], one.get("params", {})) if one else None for one in given["faults"]]
    levers.world.faults.script(given["route"], *faults)
    levers.world.on_panel("faults", None)
    return {}


async def archive(levers: Levers, given: JSON) -> JSON:
    await levers.acts.archive(given["channel"], archived=bool(given.get("archived", True)))
    return {}


async def admin(levers: Levers, given: JSON) -> JSON:
    await levers.acts.set_admin(given["user"], bool(given["admin"]))
    return {}


async def guest(levers: Levers, given: JSON) -> JSON:
    await levers.acts.set_guest(given["user"], bool(given["guest"]))
    return {}


async def clear_faults(levers: Levers, given: JSON) -> JSON:
    levers.world.faults.clear(given.get("route"))
    levers.world.on_panel("faults", None)
    return {}


ACTIONS: dict[str, Action] = {
    "admin": admin,
    "archive": archive,
    "click": click,
    "clock": clock,
    "close": close,
    "command": command,
    "delete": delete,
    "deliver": deliver,
    "edit": edit,
    "faults": add_fault,
    "faults/clear": clear_faults,
    "faults/script": script_faults,
    "guest": guest,
    "home": home,
    "install": install,
    "invite": invite,
    "limit": limit,
    "react": react,
    "reconnect": reconnect,
    "remove": remove,
    "say": say,
    "shortcut": shortcut,
    "stop": stop,
    "submit": submit,
    "uninstall": uninstall,
    "upload": upload,
}

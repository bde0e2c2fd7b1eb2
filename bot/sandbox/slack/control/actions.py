"""What POST /control/<name> does: each takes the JSON it was sent. docs/sandbox.md lists them."""

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from bot.sandbox.faults import Fault
from bot.sandbox.slack.world.records import JSON

if TYPE_CHECKING:
    from bot.sandbox.slack.server import Slack

Action = Callable[["Slack", JSON], Awaitable[JSON]]


async def say(slack: "Slack", given: JSON) -> JSON:
    ts = await slack.say(given["user"], given["channel"], given["text"], thread_ts=given.get("thread_ts"))
    return {"ts": ts}


async def upload(slack: "Slack", given: JSON) -> JSON:
    files = [(str(file["name"]), base64.b64decode(file["content"], validate=True)) for file in given["files"]]
    ts = await slack.upload(
        given["user"],
        given["channel"],
        files,
        text=given.get("text", ""),
        thread_ts=given.get("thread_ts"),
        mimetype=given.get("mimetype", ""),
    )
    return {"ts": ts}


async def edit(slack: "Slack", given: JSON) -> JSON:
    await slack.edit(given["user"], given["channel"], given["ts"], given["text"])
    return {}


async def delete(slack: "Slack", given: JSON) -> JSON:
    await slack.delete(given["user"], given["channel"], given["ts"])
    return {}


async def react(slack: "Slack", given: JSON) -> JSON:
    await slack.react(given["user"], given["channel"], given["ts"], given["name"])
    return {}


async def command(slack: "Slack", given: JSON) -> JSON:
    answer = await slack.command(given["user"], given["channel"], given["command"], given.get("text", ""))
    return {"answer": answer}


async def click(slack: "Slack", given: JSON) -> JSON:
    answer = await slack.click(
        given["user"],
        given["action_id"],
        channel=given.get("channel"),
        ts=given.get("ts"),
        view_id=given.get("view_id"),
        block_id=given.get("block_id"),
        value=given.get("value"),
    )
    return {"answer": answer}


async def shortcut(slack: "Slack", given: JSON) -> JSON:
    return {"answer": await slack.shortcut(given["user"], given["callback_id"], given["channel"], given["ts"])}


async def submit(slack: "Slack", given: JSON) -> JSON:
    return {"answer": await slack.submit(given["user"], given["view_id"], given.get("values"))}


async def close(slack: "Slack", given: JSON) -> JSON:
    await slack.close(given["user"], given["view_id"])
    return {}


async def home(slack: "Slack", given: JSON) -> JSON:
    await slack.open_home(given["user"], given.get("tab", "home"))
    return {}


async def stop(slack: "Slack", given: JSON) -> JSON:
    await slack.press_stop(given["user"], given["channel"], given["thread_ts"])
    return {}


async def invite(slack: "Slack", given: JSON) -> JSON:
    await slack.invite(given["user"], given["channel"])
    return {}


async def remove(slack: "Slack", given: JSON) -> JSON:
    await slack.remove(given["user"], given["channel"])
    return {}


async def uninstall(slack: "Slack", given: JSON) -> JSON:
    await slack.uninstall()
    return {}


async def install(slack: "Slack", given: JSON) -> JSON:
    await slack.install()
    return {}


async def deliver(slack: "Slack", given: JSON) -> JSON:
    return {"event_id": await slack.deliver(given["event"], event_id=given.get("event_id"))}


async def reconnect(slack: "Slack", given: JSON) -> JSON:
    await slack.sockets.disconnect(given.get("reason", "refresh_requested"))
    return {}


async def limit(slack: "Slack", given: JSON) -> JSON:
    if "on" in given:
        slack.limits.on = bool(given["on"])
    if "method" in given:
        slack.limits.set(given["method"], int(given["per_minute"]))
        slack.on_usage(given["method"])
    return {}


async def clock(slack: "Slack", given: JSON) -> JSON:
    if "speed" in given:
        slack.clock.speed = float(given["speed"])
    slack.clock.advance(float(given.get("advance", 0)))
    slack.control.changed("clock", None)
    return {"time": slack.clock.time(), "speed": slack.clock.speed}


async def add_fault(slack: "Slack", given: JSON) -> JSON:
    times = given.get("times")
    slack.faults.add(
        given["route"],
        given["kind"],
        probability=float(given.get("probability", 1.0)),
        times=None if times is None else int(times),
        **given.get("params", {}),
    )
    slack.control.changed("faults", None)
    return {}


async def script_faults(slack: "Slack", given: JSON) -> JSON:
    faults = [Fault(one["kind"], one.get("params", {})) if one else None for one in given["faults"]]
    slack.faults.script(given["route"], *faults)
    slack.control.changed("faults", None)
    return {}


async def archive(slack: "Slack", given: JSON) -> JSON:
    await slack.archive(given["channel"], archived=bool(given.get("archived", True)))
    return {}


async def admin(slack: "Slack", given: JSON) -> JSON:
    await slack.set_admin(given["user"], bool(given["admin"]))
    return {}


async def guest(slack: "Slack", given: JSON) -> JSON:
    await slack.set_guest(given["user"], bool(given["guest"]))
    return {}


async def clear_faults(slack: "Slack", given: JSON) -> JSON:
    slack.faults.clear(given.get("route"))
    slack.control.changed("faults", None)
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

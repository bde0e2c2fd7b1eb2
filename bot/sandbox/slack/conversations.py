"""conversations.*: reading channels and threads. https://docs.slack.dev/reference/methods/conversations.replies"""

import base64
import binascii

from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.limits import T3, T4
from bot.sandbox.slack.world.records import JSON, Channel, Message
from bot.sandbox.slack.world.workspace import Workspace

_SCOPE = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
HISTORY = tuple(f"{kind}:history" for kind in _SCOPE.values())
READ = tuple(f"{kind}:read" for kind in _SCOPE.values())


async def replies(call: Call) -> JSON:
    channel = _readable(call)
    ts = call.string("ts")
    root = channel.messages.get(ts)
    if root is None:
        raise Refused("thread_not_found")
    thread = [root] if root.thread_ts else call.workspace.thread(channel, ts)
    return _page(call, thread, 1000)


async def history(call: Call) -> JSON:
    messages = [m for m in reversed(_readable(call).messages.values()) if not m.thread_ts]
    return _page(call, messages, 999)


async def info(call: Call) -> JSON:
    channel = call.channel()
    call.need(f"{_SCOPE[channel.kind]}:read")
    return {"channel": describe(call.workspace, channel)}


async def members(call: Call) -> JSON:
    channel = call.channel()
    call.need(f"{_SCOPE[channel.kind]}:read")
    start, limit = _position(call.string("cursor", "")), call.number("limit", 100)
    if not 1 <= limit <= 1000:
        raise Refused("invalid_limit")
    rest = len(channel.members) > start + limit
    page = {"next_cursor": _cursor(start + limit) if rest else ""}
    return {"members": channel.members[start : start + limit], "response_metadata": page}


async def open_(call: Call) -> JSON:
    """Open a DM, or a group DM with several people."""
    if call.has("channel"):
        return {"channel": {"id": call.channel().id}, "no_op": True, "already_open": True}
    if not call.has("users"):
        raise Refused("users_list_not_supplied")
    people = [call.workspace.people.get(user.strip()) for user in call.string("users").split(",")]
    if not all(people):
        raise Refused("user_not_found")
    ids = [person.id for person in people if person and not person.is_bot]
    if not ids:
        raise Refused("cannot_dm_bot")
    if len(ids) > 8:
        raise Refused("too_many_users")
    call.need("im:write" if len(ids) == 1 else "mpim:write")
    channel = call.workspace.direct(ids[0]) if len(ids) == 1 else call.workspace.group_direct(ids)
    return {"channel": describe(call.workspace, channel) if call.flag("return_im") else {"id": channel.id}}


def describe(workspace: Workspace, channel: Channel) -> JSON:
    """Slack's conversation object. https://docs.slack.dev/reference/objects/conversation-object"""
    shown: JSON = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_group": False,
        "is_channel": channel.kind in ("channel", "group"),
        "is_private": channel.kind != "channel",
        "is_org_shared": False,
        "is_ext_shared": channel.shared,
        "is_shared": channel.shared,
        "context_team_id": workspace.team,
    }
    if channel.kind == "im":
        return {**shown, "user": channel.members[0], "is_open": True}
    shown |= {"name": channel.name, "name_normalized": channel.name, "is_general": channel.name == "general"}
    teams = sorted({workspace.people[user].team for user in channel.members})
    return {
        **shown,
        "is_member": workspace.bot in channel.members,
        "shared_team_ids": teams,
        "num_members": len(channel.members),
    }


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.need(f"{_SCOPE[channel.kind]}:history")
    if call.workspace.bot not in channel.members:
        raise Refused("not_in_channel")
    return channel


def _page(call: Call, messages: list[Message], most: int) -> JSON:
    """One page of messages within `oldest` and `latest`, with a cursor to the next."""
    limit = call.number("limit", most if most == 1000 else 100)
    if not 1 <= limit <= most:
        raise Refused("invalid_limit")
    oldest, latest = call.string("oldest", "0"), call.string("latest", "") or "9" * 10
    try:
        low, high, inclusive = float(oldest), float(latest), call.flag("inclusive")
    except ValueError:
        raise Refused("invalid_ts_oldest") from None
    wanted = [m for m in messages if low < float(m.ts) < high or (inclusive and float(m.ts) in (low, high))]
    start = _position(call.string("cursor", ""))
    page, rest = wanted[start : start + limit], wanted[start + limit :]
    show = call.workspace.show
    body: JSON = {
        "messages": [show(m, metadata=call.flag("include_all_metadata")) for m in page],
        "has_more": bool(rest),
    }
    if rest:
        body["response_metadata"] = {"next_cursor": _cursor(start + limit)}
    return body


def _cursor(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise Refused("invalid_cursor") from None


METHODS = {
    "conversations.history": Method(history, HISTORY, T3),
    "conversations.info": Method(info, READ, T3, json=False),
    "conversations.members": Method(members, READ, T4, json=False),
    "conversations.open": Method(open_, ("im:write", "mpim:write"), T3),
    "conversations.replies": Method(replies, HISTORY, T3, json=False),
}

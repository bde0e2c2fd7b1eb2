"""reactions.*: https://docs.slack.dev/reference/methods/reactions.add"""

import re

from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.world.limits import T2, T3
from bot.sandbox.slack.world.records import JSON, Message

_NAME = re.compile(r"[a-z0-9_+'-]+(?:::skin-tone-[2-6])?")


async def add(call: Call) -> JSON:
    message, name = _item(call)
    if call.workspace.bot in message.reactions.get(name, []):
        raise Refused("already_reacted")
    call.workspace.react(message, call.workspace.bot, name, add=True)
    return {}


async def remove(call: Call) -> JSON:
    message, name = _item(call)
    if call.workspace.bot not in message.reactions.get(name, []):
        raise Refused("no_reaction")
    call.workspace.react(message, call.workspace.bot, name, add=False)
    return {}


def _item(call: Call) -> tuple[Message, str]:
    if not call.has("channel") or not call.has("timestamp"):
        raise Refused("no_item_specified")
    channel = call.joined(call.channel())
    name = call.string("name")
    if not _NAME.fullmatch(name):
        raise Refused("invalid_name")
    return call.message(channel, "timestamp"), name


METHODS = {
    "reactions.add": Method(add, ("reactions:write",), T3),
    "reactions.remove": Method(remove, ("reactions:write",), T2),
}

"""chat.*: posting, editing, deleting. Each rule's source is the method's page, https://docs.slack.dev/reference/methods/."""

from typing import Any

from bot.sandbox.slack.block_kit import payload as block_kit
from bot.sandbox.slack.methods import Call, Method, Refused
from bot.sandbox.slack.text import escaped_bytes, normalise
from bot.sandbox.slack.world.limits import PER_WORKSPACE, T3, T4
from bot.sandbox.slack.world.records import JSON, Channel, Message
from bot.sandbox.slack.world.workspace import Workspace

UPDATE_TEXT_BYTES = 4_000
POST_TEXT = 40_000
MARKDOWN_TEXT = 12_000
METADATA_BYTES = 16_000
ATTACHMENTS = 100
PERMALINKS_PER_MINUTE = 300
""""Special": "hundreds of requests per minute", https://docs.slack.dev/reference/methods/chat.getPermalink"""


async def post_message(call: Call) -> JSON:
    channel = writable(call, call.channel(by_name=True))
    text, blocks = content(call)
    if len(text) > POST_TEXT:
        text = text[:POST_TEXT]
        call.warnings.append("message_truncated")
    message = own_message(call.workspace, channel, text, blocks)
    message.thread_ts = thread_of(call, channel)
    message.attachments = attachments(call)
    message.metadata = metadata(call)
    message.username = call.string("username", "") or None
    call.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": call.workspace.show(message)}


async def update(call: Call) -> JSON:
    channel = call.channel()
    message = call.message(channel)
    if channel.archived:
        raise Refused("is_inactive")
    if message.bot_id != call.workspace.bot_id:
        raise Refused("cant_update_message")
    if message.stream == "open":
        raise Refused("streaming_state_conflict")
    window = call.workspace.edit_window
    if window is not None and call.workspace.clock.time() - float(message.ts) > window:
        raise Refused("edit_window_closed")
    if escaped_bytes(call.string("text", "")) > UPDATE_TEXT_BYTES:
        raise Refused("msg_too_long")
    if call.has("metadata") and not any(call.has(name) for name in ("text", "blocks", "markdown_text", "attachments")):
        text, blocks = message.text, message.blocks
    else:
        text, blocks = content(call)
    if _has_rich_text(message.blocks) and call.has("blocks") and not _has_rich_text(blocks):
        raise Refused("block_mismatch")
    before = call.workspace.show(message)
    message.text, message.blocks = text, blocks
    message.attachments = attachments(call)
    if call.has("metadata"):
        message.metadata = metadata(call)
    # Inferred from a copy of Slack's contract: blocks leave no "(edited)" mark, text alone does.
    message.edited = None if blocks else {"user": message.user, "ts": call.workspace.new_ts()}
    call.workspace.changed(message, before)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": call.workspace.show(message)}


async def delete(call: Call) -> JSON:
    channel = call.channel()
    message = call.message(channel)
    if message.bot_id != call.workspace.bot_id:
        raise Refused("cant_delete_message")
    if message.stream == "open":
        raise Refused("streaming_state_conflict")
    call.workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


async def post_ephemeral(call: Call) -> JSON:
    """Seen by one person until they reload; it cannot be read back. Blocks in it can still be clicked."""
    channel = writable(call, call.channel(by_name=True))
    user = call.workspace.people.get(call.string("user"))
    if user is None or user.id not in channel.members:
        raise Refused("user_not_in_channel")
    text, blocks = content(call)
    message = own_message(call.workspace, channel, text, blocks)
    message.thread_ts = thread_of(call, channel)
    call.workspace.show_only_to(user.id, message)
    return {"message_ts": message.ts}


async def get_permalink(call: Call) -> JSON:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    link = f"{call.world.url}archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _has_rich_text(blocks: list[JSON]) -> bool:
    return any(block.get("type") == "rich_text" for block in blocks)


def writable(call: Call, channel: Channel) -> Channel:
    if channel.kind == "channel" and "chat:write.public" in call.world.app.scopes and not channel.archived:
        return channel
    return call.joined(channel)


def own_message(workspace: Workspace, channel: Channel, text: str, blocks: list[JSON]) -> Message:
    """A message by the app, not yet posted."""
    message = Message(workspace.new_ts(), channel.id, workspace.bot, text, workspace.team, blocks)
    message.bot_id, message.app_id = workspace.bot_id, workspace.app_id
    return message


def thread_of(call: Call, channel: Channel) -> str | None:
    """The thread to post in, or None. Stricter than Slack, which is said to accept the ts of a reply too."""
    if not call.has("thread_ts"):
        return None
    thread_ts = call.string("thread_ts")
    parent = channel.messages.get(thread_ts)
    if parent is None and thread_ts not in channel.threads:
        raise Refused("thread_not_found")
    if parent and parent.thread_ts:
        raise Refused("cannot_reply_to_message")
    return thread_ts


def content(call: Call) -> tuple[str, list[JSON]]:
    """A message's text and blocks. `markdown_text` becomes a markdown block, as Slack shows it."""
    text = normalise(call.string("text", ""))
    if call.has("markdown_text"):
        if text or call.has("blocks"):
            raise Refused("markdown_text_conflict")
        markdown = call.string("markdown_text")
        if len(markdown) > MARKDOWN_TEXT:
            raise Refused("msg_too_long")
        return normalise(markdown), block_kit.named([{"type": "markdown", "text": markdown}])
    blocks = block_kit.checked(call.value("blocks", "invalid_blocks_format"), "message")
    attachments(call)
    if not text and not blocks and not call.has("attachments"):
        raise Refused("no_text")
    return text, blocks


def attachments(call: Call) -> list[JSON]:
    """Raises Refused for what is no list of objects (inferred), for too many, and for blocks in them that are wrong."""
    given: Any = call.value("attachments", "invalid_attachments")
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refused("invalid_attachments")
    if len(given) > ATTACHMENTS:
        raise Refused("too_many_attachments")
    checked = []
    for number, one in enumerate(given):
        blocks = block_kit.checked(one.get("blocks"), "message", f"/attachments/{number}")
        checked.append({**one, "blocks": blocks} if blocks else one)
    return checked


def metadata(call: Call) -> JSON | None:
    """https://docs.slack.dev/messaging/message-metadata/"""
    given: Any = call.value("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise Refused("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(str(given).encode()) > METADATA_BYTES:
        raise Refused("metadata_too_large")
    return given


METHODS = {
    "chat.delete": Method(delete, ("chat:write",), T3),
    "chat.getPermalink": Method(get_permalink, (), PERMALINKS_PER_MINUTE, json=False),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",), T4),
    "chat.postMessage": Method(post_message, ("chat:write",), PER_WORKSPACE, by_channel="channel"),
    "chat.update": Method(update, ("chat:write",), T3),
}

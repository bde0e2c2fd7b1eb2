"""Native streaming: chat.startStream, chat.appendStream, chat.stopStream.

https://docs.slack.dev/reference/methods/chat.startStream; the five minutes are observed
(https://github.com/slackapi/python-slack-sdk/issues/1859).
"""

from typing import Any

from bot.sandbox.slack.assistant import SESSION_STATUSES, set_session
from bot.sandbox.slack.block_kit import payload as block_kit
from bot.sandbox.slack.block_kit.check import Check, Rule, Shape, anything, kinds, listed, of_kind, one_of, string
from bot.sandbox.slack.chat import MARKDOWN_TEXT, metadata, own_message, thread_of, writable
from bot.sandbox.slack.methods import Call, Method, Refused, invalid_arguments
from bot.sandbox.slack.text import normalise
from bot.sandbox.slack.world.limits import T2, T4
from bot.sandbox.slack.world.records import JSON, Channel, Message

STREAM_SECONDS = 300.0
_TITLE = string(256)
_LONG = string(MARKDOWN_TEXT)
_SOURCE = of_kind({"url": string(3000, least=1), "text": string(3000, least=1)}, needs=("url", "text"))
_TASK: dict[str, Rule] = {
    "id": string(255, least=1),
    "title": _TITLE,
    "status": one_of("pending", "in_progress", "complete", "error"),
    "details": _LONG,
    "output": _LONG,
    "sources": listed(kinds({"url": _SOURCE}), 100, least=0),
}
# How long a markdown_text may be is asked of all chunks together.
CHUNKS: dict[str, Shape] = {
    "blocks": of_kind({"blocks": anything}, needs=("blocks",)),
    "markdown_text": of_kind({"text": string(10**9)}, needs=("text",)),
    "plan_update": of_kind({"title": _TITLE}, needs=("title",)),
    "task_update": of_kind(_TASK, needs=("id", "title", "status")),
}
CHUNK = kinds(CHUNKS)


async def start(call: Call) -> JSON:
    channel = writable(call, call.channel())
    thread_ts = thread_of(call, channel)
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not call.has(name):
                raise Refused(f"missing_{name}")
    elif thread_ts is None:
        raise invalid_arguments("missing required field: thread_ts")
    if call.string("task_display_mode", "timeline") not in ("timeline", "plan"):
        raise invalid_arguments("must be one of: timeline, plan [json-pointer:/task_display_mode]")
    pieces = _pieces(call, required=False)
    message = own_message(call.workspace, channel, "", [])
    message.thread_ts = thread_ts
    message.username = call.string("username", "") or None
    message.stream = "open"
    _append(message, pieces)
    call.workspace.post(message)
    call.world.timers.after(STREAM_SECONDS, lambda: _expire(call, message))
    return {"channel": channel.id, "ts": message.ts}


async def append(call: Call) -> JSON:
    channel = call.channel()
    message = _streaming(call, channel)
    _append(message, _pieces(call, required=True))
    call.workspace.on_change("message", message)
    return {"channel": channel.id, "ts": message.ts}


async def stop(call: Call) -> JSON:
    channel = call.channel()
    message = _streaming(call, channel)
    status = call.string("session_status", "")
    if status and status not in SESSION_STATUSES:
        raise Refused("invalid_status")
    pieces = _pieces(call, required=False)
    blocks = block_kit.checked(call.value("blocks", "invalid_blocks_format"), "message")
    given = metadata(call)
    before = call.workspace.show(message)
    _append(message, pieces)
    message.blocks = [*message.blocks, *blocks]
    message.metadata = given or message.metadata
    message.stream = "stopped"
    if status:
        set_session(call, channel, message.root, status)
    call.workspace.changed(message, before)
    return {"channel": channel.id, "ts": message.ts, "message": call.workspace.show(message)}


def _expire(call: Call, message: Message) -> None:
    if message.stream == "open":
        message.stream = "expired"
        call.workspace.on_change("message", message)


def _streaming(call: Call, channel: Channel) -> Message:
    message = call.message(channel)
    if message.bot_id != call.workspace.bot_id:
        raise Refused("message_not_owned_by_app")
    if call.workspace.clock.time() - float(message.ts) >= STREAM_SECONDS:
        _expire(call, message)
    if message.stream == "stopped_by_user":
        raise Refused("stopped_by_user")
    if message.stream != "open":
        raise Refused("message_not_in_streaming_state")
    return message


def _pieces(call: Call, *, required: bool) -> list[JSON]:
    """What to add, as chunks. https://docs.slack.dev/reference/methods/chat.appendStream"""
    chunks: Any = call.value("chunks", "invalid_chunks")
    if call.has("markdown_text"):
        chunks = [{"type": "markdown_text", "text": call.string("markdown_text")}, *(chunks or [])]
    if not chunks:
        if required:
            raise Refused("no_text")
        return []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) and _valid(chunk) for chunk in chunks):
        raise Refused("invalid_chunks")
    if sum(len(chunk["text"]) for chunk in chunks if chunk["type"] == "markdown_text") > MARKDOWN_TEXT:
        raise Refused("msg_too_long")
    return chunks


def _valid(chunk: JSON) -> bool:
    check = Check("message")
    CHUNK(check, chunk, "")
    if chunk.get("type") == "blocks":
        return bool(block_kit.checked(chunk.get("blocks"), "message"))
    return not check.problems


def _append(message: Message, pieces: list[JSON]) -> None:
    """Append text to the text. A known task gets the new title and status, and its details are appended."""
    for piece in pieces:
        match piece["type"]:
            case "markdown_text":
                if not message.blocks or message.blocks[0]["type"] != "markdown":
                    message.blocks = [*block_kit.named([{"type": "markdown", "text": ""}]), *message.blocks]
                first, *others = message.blocks
                text = first["text"] + piece["text"]
                message.blocks = [{**first, "text": text}, *others]
                message.text = normalise(text)
            case "task_update":
                task = next((c for c in message.chunks if c["type"] == "task_update" and c["id"] == piece["id"]), None)
                if task is None:
                    message.chunks.append(dict(piece))
                else:
                    details = task.get("details", "") + piece.get("details", "")
                    task.update(piece)
                    if details:
                        task["details"] = details
            case "blocks":
                message.blocks = [*message.blocks, *block_kit.named(piece["blocks"])]
            case _:
                message.chunks.append(dict(piece))


METHODS = {
    "chat.startStream": Method(start, ("chat:write",), T2),
    "chat.appendStream": Method(append, ("chat:write",), T4),
    "chat.stopStream": Method(stop, ("chat:write",), T2),
}

"""Checks the messages of a request as the API does: roles, blocks, images, tools and their results.

https://platform.claude.com/docs/en/api/messages/create. Texts of refusals that were not observed are inferred.
"""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from bot.sandbox.claude.errors import ApiError, invalid
from bot.sandbox.claude.models import Model
from bot.sandbox.claude.prompt import Json, blocks

MOST_MESSAGES = 100_000
IMAGE_TYPES = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
# Pixels that an edge may have, alone and among more than MANY_IMAGES.
LONGEST_EDGE, LONGEST_EDGE_OF_MANY, MANY_IMAGES = 8_000, 2_000, 20
# Bytes an image may have as base64 (inferred from reported sizes); not established for the newest models.
LARGEST_IMAGE = 5 * 1024 * 1024
USER_BLOCKS = {"text", "image", "document", "search_result", "tool_result", "compaction"}
ASSISTANT_BLOCKS = {
    *("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use", "fallback", "compaction"),
}


@dataclass(frozen=True)
class Allowed:
    """What else the betas, the version and the parameters of a request allow in its messages.

    `summary` says whether the request is for a summary, `older` whether its version is one before 2026-10-21.
    """

    compaction: bool = False
    mcp: bool = False
    summary: bool = False
    older: bool = False


def check_system(system: str | list[Json] | None) -> None:
    for at, block in enumerate(blocks(system or None)):
        if block["type"] != "text":
            raise invalid(f"system.{at}.type", "Input should be 'text'")
        _check_text(f"system.{at}", "system", block)


def check_messages(messages: list[Json], model: Model, allowed: Allowed) -> None:
    """Raises ApiError for messages that the API would refuse."""
    if not messages:
        raise invalid("messages", "at least one message is required")
    if len(messages) > MOST_MESSAGES:
        raise invalid("messages", f"at most {MOST_MESSAGES} messages are allowed")
    for at, message in enumerate(messages):
        _check_message(f"messages.{at}", message, allowed)
        if not allowed.mcp:
            _check_no_mcp(f"messages.{at}", message)
    _check_roles(messages, model, allowed.summary)
    _check_tool_results(messages)
    _check_images(messages, model)


def _check_message(path: str, message: Json, allowed: Allowed) -> None:
    role, content = message["role"], message["content"]
    if role not in ("user", "assistant", "system"):
        raise invalid("messages", f'Unexpected role "{role}". Allowed roles are "user", "assistant" or "system".')
    for name in message.keys() - {"role", "content"}:
        raise invalid(f"{path}.{name}", "Extra inputs are not permitted")
    if not content:
        raise invalid(path, "all messages must have non-empty content except for the optional final assistant message")
    for part, block in enumerate(blocks(content)):
        _check_block(f"{path}.content.{part}", role, block, allowed)


def _check_no_mcp(path: str, message: Json) -> None:
    for part, block in enumerate(blocks(message["content"])):
        if block["type"].startswith("mcp_"):
            told = f"Input tag '{block['type']}' does not match any of the expected tags"
            raise invalid(f"{path}.content.{part}", told)


def _check_block(path: str, role: str, block: Json, allowed: Allowed) -> None:
    kind = block["type"]
    if role == "system" and kind != "text":
        raise invalid(path, "`system` messages may contain text only")
    if role == "user" and kind not in USER_BLOCKS:
        raise invalid(path, f"`{kind}` blocks can only be in `assistant` messages")
    if role == "assistant" and not _may_be_said(kind, allowed):
        raise invalid(path, f"`{kind}` blocks can only be in `user` messages")
    match kind:
        case "text":
            _check_text(path, "messages", block)
            if role == "user" and block.get("citations") and not allowed.older:
                raise invalid(f"{path}.text.citations", "citations on text blocks are not permitted in user messages")
        case "image":
            _check_image(path, block)
        case "document":
            _check_document(path, block)
        case "tool_result":
            for part, inner in enumerate(blocks(block.get("content"))):
                _check_block(f"{path}.content.{part}", "user", inner, allowed)
        case "compaction" if not allowed.compaction:
            raise invalid(path, "Input tag 'compaction' does not match any of the expected tags")
        case "compaction" if block.get("content") == "":
            raise invalid(f"{path}.compaction.content", "must not be empty")


def _may_be_said(kind: str, allowed: Allowed) -> bool:
    """Whether a block of this kind may stand in an assistant message."""
    if kind in ASSISTANT_BLOCKS or (kind.endswith("_result") and kind != "tool_result"):
        return True
    return kind == "document" and allowed.older


def _check_text(path: str, what: str, block: Json) -> None:
    text = block["text"]
    if not text and block.get("cache_control"):
        raise invalid(f"{path}.text", "cache_control cannot be set for empty text blocks")
    if not text:
        raise invalid(what, "text content blocks must be non-empty")
    if not text.strip():
        raise invalid(what, "text content blocks must contain non-whitespace text")


def _check_image(path: str, block: Json) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/vision"""
    source = _source(path, block, ("base64", "url"))
    if source["type"] == "url":
        return
    kind = source["media_type"]
    if kind not in IMAGE_TYPES:
        allowed = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        raise invalid(f"{path}.image.source.base64.media_type", f"Input should be {allowed}")
    if (size := len(source["data"])) > LARGEST_IMAGE:
        raise invalid(
            f"{path}.image.source.base64", f"image exceeds 5 MB maximum: {size} bytes > {LARGEST_IMAGE} bytes"
        )
    data = _decoded(path, source)
    if not data.startswith(IMAGE_TYPES[kind]):
        found = next((name for name, magic in IMAGE_TYPES.items() if data.startswith(magic)), None)
        if found is None:
            raise ApiError(400, "Could not process image")
        told = f"The image was specified using the {kind} media type, but the image appears to be a {found} image"
        raise invalid(f"{path}.image.source.base64.data", told)


def _check_document(path: str, block: Json) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/pdf-support"""
    source = _source(path, block, ("base64", "text", "content", "url"))
    if source["type"] == "text":
        if source["media_type"] != "text/plain":
            raise invalid(f"{path}.document.source.text.media_type", "Input should be 'text/plain'")
        if not source["data"]:
            raise invalid(f"{path}.document.source.text.data", "String should have at least 1 character")
    elif source["type"] == "base64":
        if source["media_type"] != "application/pdf":
            raise invalid(f"{path}.document.source.base64.media_type", "Input should be 'application/pdf'")
        if not _decoded(path, source).startswith(b"%PDF"):
            raise invalid(f"{path}.document.source.base64.data", "The PDF specified was not valid.")


def _source(path: str, block: Json, kinds: tuple[str, ...]) -> Json:
    source: Json = block["source"]
    if source["type"] == "file":
        raise ApiError(404, f"File not found: {source['file_id']}. Parley's sandbox keeps no files.")
    if source["type"] not in kinds:
        raise invalid(f"{path}.{block['type']}.source.type", f"Input should be one of {', '.join(kinds)}")
    if source["type"] == "url" and not source["url"].startswith("https://"):
        raise invalid(f"{path}.{block['type']}.source.url", "Only HTTPS URLs are supported.")
    return source


def _decoded(path: str, source: Json) -> bytes:
    try:
        return base64.b64decode(source["data"], validate=True)
    except ValueError:
        raise invalid(f"{path}.source.base64.data", "Input should be valid base64") from None


def _check_roles(messages: list[Json], model: Model, summed_up: bool) -> None:
    first, last = messages[0], messages[-1]
    compacted = blocks(first["content"])[0]["type"] == "compaction"
    if first["role"] != "user" and not compacted:
        raise invalid("messages", 'first message must use the "user" role')
    for at, message in enumerate(messages):
        if message["role"] == "system":
            _check_system_turn(messages, at, model)
    if last["role"] == "assistant" and not (model.prefill or summed_up or _resumes(last)):
        told = "This model does not support assistant message prefill. The conversation must end with a user message."
        raise ApiError(400, told)


def _check_system_turn(messages: list[Json], at: int, model: Model) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching

    Only the text of the first refusal was observed.
    """
    if not model.system_turns:
        raise invalid(f"messages.{at}", "role 'system' is not supported on this model")
    before = messages[at - 1]
    if before["role"] != "user" and not (before["role"] == "assistant" and _resumes(before)):
        raise invalid(f"messages.{at}", "role 'system' must follow a user message")
    if at + 1 < len(messages) and messages[at + 1]["role"] != "assistant":
        raise invalid(f"messages.{at}", "role 'system' must be last or be followed by an assistant message")


def _resumes(message: Json) -> bool:
    """Whether an assistant message ends in the use of a server tool, so that the API may resume it (pause_turn)."""
    kind = blocks(message["content"])[-1]["type"]
    return bool(kind in ("server_tool_use", "mcp_tool_use") or kind.endswith("_tool_result"))


def _check_tool_results(messages: list[Json]) -> None:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview"""
    asked: list[str] = []
    previous = ""
    for at, message in enumerate(messages):
        content = blocks(message["content"])
        if message["role"] == "system":
            continue
        if message["role"] == "assistant":
            uses = [block["id"] for block in content if block["type"] == "tool_use"]
            asked = asked + uses if previous == "assistant" else uses
        else:
            answered = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
            _check_pairs(at, content, asked, answered)
            asked = [one for one in asked if one not in answered]
        previous = message["role"]


def _check_pairs(at: int, content: list[Json], asked: list[str], answered: list[str]) -> None:
    for part, block in enumerate(content):
        if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
            raise invalid(
                f"messages.{at}.content.{part}",
                f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
            )
    if missing := [one for one in asked if one not in answered]:
        raise invalid(
            f"messages.{at - 1}",
            f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. Each "
            "`tool_use` block must have a corresponding `tool_result` block in the next message.",
        )


def _check_images(messages: list[Json], model: Model) -> None:
    most = 100 if model.context <= 200_000 else 600
    found = [block for m in messages for block in blocks(m["content"]) if block["type"] == "image"]
    if len(found) > most:
        raise invalid("messages", f"Too many images: {len(found)} > {most} maximum")
    longest = LONGEST_EDGE_OF_MANY if len(found) > MANY_IMAGES else LONGEST_EDGE
    if any(block["source"]["type"] == "base64" and _longest_edge(block) > longest for block in found):
        many = " for many-image requests" if len(found) > MANY_IMAGES else ""
        raise invalid(
            "messages", f"At least one of the image dimensions exceed max allowed size{many}: {longest} pixels"
        )


def _longest_edge(block: Json) -> int:
    try:
        with Image.open(io.BytesIO(base64.b64decode(block["source"]["data"]))) as image:
            return max(image.size)
    except Exception:
        raise ApiError(400, "Could not process image") from None

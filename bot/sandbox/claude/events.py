"""A message as the events of a stream. https://platform.claude.com/docs/en/build-with-claude/streaming"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from bot.sandbox.claude.prompt import CHARS_PER_TOKEN, Json

# A delta carries 2 to 6 tokens, short ones more often (inferred).
_LENGTHS, _WEIGHTS = (2, 3, 4, 5, 6), (14, 6, 2, 1, 1)
_DELTA_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
    "iterations",
)


@dataclass(frozen=True)
class Frame:
    """One event of a stream. A `paced` one waits for its time; `text` is what a reader sees of it."""

    event: Json
    paced: bool = False
    text: str = ""


def frames(message: Json, model: str) -> Iterator[Frame]:
    """The events from message_start, which names the requested `model`, to message_stop."""
    usage = message["usage"]
    begun = {key: value for key, value in usage.items() if key not in ("iterations", "output_tokens_details")}
    start = {**message, "model": model, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    start["usage"] = {**begun, "output_tokens": 1}
    yield Frame({"type": "message_start", "message": start})
    for index, block in enumerate(message["content"]):
        empty, deltas = _unroll(block)
        yield Frame({"type": "content_block_start", "index": index, "content_block": empty})
        if index == 0:
            yield Frame({"type": "ping"})
        for delta in deltas:
            text = delta["text"] if delta["type"] == "text_delta" else ""
            yield Frame({"type": "content_block_delta", "index": index, "delta": delta}, True, text)
        yield Frame({"type": "content_block_stop", "index": index})
    delta = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    end = {"type": "message_delta", "delta": delta, "usage": {k: usage[k] for k in _DELTA_USAGE if k in usage}}
    if "context_management" in message:
        end["context_management"] = message["context_management"]
    yield Frame(end)
    yield Frame({"type": "message_stop"})


def _unroll(block: Json) -> tuple[Json, list[Json]]:
    """A content block as it starts, and the deltas that fill it."""
    match block["type"]:
        case "text":
            cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or []]
            said = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
            return {**block, "text": "", "citations": [] if cited else None}, cited + said
        case "thinking":
            thought = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thought, signed]
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            parts = ["", *pieces(json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case "compaction" if "signature" not in block:
            whole = {key: block.get(key) for key in ("content", "encrypted_content")}
            return {**block, "content": None, "encrypted_content": None}, [{"type": "compaction_delta", **whole}]
        case _:
            return block, []


def pieces(text: str) -> list[str]:
    """The text in pieces of a few tokens, cut inside words too. The same text is always cut alike."""
    choice, found, at = random.Random(text), [], 0
    while at < len(text):
        length = choice.choices(_LENGTHS, _WEIGHTS)[0] * CHARS_PER_TOKEN + choice.randint(-1, 2)
        found.append(text[at : at + length])
        at += length
    return found


def encode(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()

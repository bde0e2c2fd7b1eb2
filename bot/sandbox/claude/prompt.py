"""What the body of a Messages request says: its turns, its blocks, and about how many tokens they are."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

CHARS_PER_TOKEN = 4
IMAGE_TOKENS = 1_500
BASE64_PER_TOKEN = 50
THINKING = ("thinking", "redacted_thinking")


@dataclass(frozen=True)
class Turn:
    """Neighbouring messages of one role, which Claude reads as one."""

    role: str
    text: str


@dataclass(frozen=True)
class Segment:
    """One block of the prompt, in the order in which Claude reads it: tools, system, messages.

    `path` is where it stands in the request ("messages.2.content.0"), `block` has no `cache_control` any more.
    """

    path: str
    role: str
    block: Json
    cache_control: Json | None = None


def tokens(text: str) -> int:
    """About how many tokens a text is; the real tokenizer is not public."""
    return -(-len(text) // CHARS_PER_TOKEN)


def block_tokens(block: Json) -> int:
    """About how many tokens a block is, whatever its kind. Images and files are rough guesses."""
    match block.get("type"):
        case "text":
            return tokens(block["text"])
        case "thinking":
            return tokens(block.get("thinking") or "")
        case "image":
            return IMAGE_TOKENS
        case "document":
            source = block["source"]
            if source["type"] == "base64":
                return -(-len(source["data"]) // BASE64_PER_TOKEN)
            return tokens(source["data"]) if source["type"] == "text" else IMAGE_TOKENS
        case "tool_result":
            return sum(map(block_tokens, blocks(block.get("content"))))
        case "compaction":
            return tokens(block.get("content") or "")
        case "fallback":
            return 0
        case _:
            return tokens(json.dumps(block, ensure_ascii=False))


def prompt_tokens(body: Json, but: Iterable[str] = ()) -> int:
    """About how many tokens the prompt is, without the blocks at the paths in `but`."""
    return max(1, sum(block_tokens(segment.block) for segment in segments(body) if segment.path not in but))


def blocks(content: str | Iterable[Json] | None) -> list[Json]:
    """The content of a message or a system prompt as blocks; a plain string is one text block."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content)


def text_of(content: str | Iterable[Json] | None) -> str:
    return "\n".join(block["text"] for block in blocks(content) if block.get("type") == "text")


def turns(body: Json) -> list[Turn]:
    """The conversation without its system messages. Neighbouring messages of one role become one turn."""
    found: list[Turn] = []
    for message in body["messages"]:
        if message["role"] == "system":
            continue
        text = text_of(message["content"])
        if found and found[-1].role == message["role"]:
            text = "\n".join(part for part in (found.pop().text, text) if part)
        found.append(Turn(message["role"], text))
    return found


def newest(body: Json) -> str:
    """The text of the newest user turn."""
    return next((turn.text for turn in reversed(turns(body)) if turn.role == "user"), "")


def segments(body: Json) -> list[Segment]:
    """The prompt block by block, without the messages that a compaction block replaces."""
    found: list[Segment] = []
    for segment in _segments(body):
        if segment.block.get("type") == "compaction" and segment.block.get("content") is not None:
            found = [kept for kept in found if not kept.path.startswith("messages.")]
        found.append(segment)
    return found


def _segments(body: Json) -> Iterator[Segment]:
    for at, tool in enumerate(body.get("tools") or []):
        yield _segment(f"tools.{at}", "tools", tool)
    for at, block in enumerate(blocks(body.get("system"))):
        yield _segment(f"system.{at}", "system", block)
    for at, message in enumerate(body["messages"]):
        for part, block in enumerate(blocks(message["content"])):
            yield _segment(f"messages.{at}.content.{part}", message["role"], block)


def _segment(path: str, role: str, block: Json) -> Segment:
    plain = {key: value for key, value in block.items() if key != "cache_control"}
    return Segment(path, role, plain, block.get("cache_control"))

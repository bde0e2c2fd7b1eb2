"""One message of Claude as its events arrive: text, content blocks, and what it cost.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from bot.models import Usage
from workers.claude import citations

CHARS_PER_TOKEN = 4
SERVER_TOOLS = {"web_search": "Searching the web"}
StreamChange: TypeAlias = Literal["text", "thought"] | None


class StreamedMessage:
    """Fed with the events of a stream, in their order. `text` and `usage` are valid at any time.

    `text` has all text blocks, with their citations as links: the first block is often `thinking`, and a web search
    leaves many. A tool, a thought or another model between two of them begins a paragraph. `thought` is the newest
    summary of a thought, or what a tool is used for.
    """

    def __init__(self, asked: str) -> None:
        self._asked = asked
        self._started = asked
        self._inputs: dict[int, str] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}
        self._said = 0
        self._broken = False
        self._links = ""
        self._half = ""
        self._is_counted = False
        self.text = ""
        self.thought = ""
        self.stop_reason: str | None = None
        self.details: Mapping[str, Any] = {}
        self.is_complete = False

    @property
    def content(self) -> list[dict[str, Any]]:
        """The blocks in the API's own form, to be sent back unchanged; empty texts, which it refuses, are left out."""
        return [block for _, block in sorted(self._blocks.items()) if block.get("text") != ""]

    @property
    def model(self) -> str:
        """The model that served the message: after fallbacks, the last of them."""
        served = [each.get("model") for each in self._iterations() if each.get("type") == "fallback_message"]
        if not served:
            served = [_mapping(block.get("to")).get("model") for block in self.content if block["type"] == "fallback"]
        return str((served and served[-1]) or self._started)

    @property
    def tool_errors(self) -> list[str]:
        """Error codes of server tools, which come in a block of an HTTP 200."""
        contents = (block.get("content") for block in self.content if block["type"].endswith("_tool_result"))
        return [
            str(content["error_code"]) for content in contents if isinstance(content, dict) and "error_code" in content
        ]

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What is billed so far, a piece for each model that ran; nothing before anything arrived.

        A stream that was cut off told its input only, and some never tell their output: it is estimated from what came.
        """
        if not self._usage and not self._said:
            return ()
        if not (self.is_complete and self._is_counted):
            output = max(_number(self._usage, "output_tokens"), -(-self._said // CHARS_PER_TOKEN))
            return (replace(self._piece(self._usage, self._started), output=output, estimated=True),)
        pieces = [self._piece(each, each.get("model") or self._asked) for each in self._iterations()]
        if not pieces:
            pieces = [self._piece(self._usage, self.model)]
        searches = _number(_mapping(self._usage.get("server_tool_use")), "web_search_requests")
        pieces[-1] = replace(pieces[-1], searches=searches)
        return tuple(piece for piece in pieces if piece != Usage(piece.model))

    def take(self, event: Any) -> StreamChange:
        """What the event changed for a reader. Events, blocks and deltas that are not known are let be."""
        match event.type:
            case "message_start":
                self._started = event.message.model or self._asked
                self._count(event.message.usage)
            case "content_block_start":
                return self._begin(event.index, _plain(event.content_block))
            case "content_block_delta":
                return self._grow(event.index, event.delta)
            case "content_block_stop":
                return self._end(event.index)
            case "message_delta":
                if event.delta and event.delta.stop_reason:
                    self.stop_reason, self.details = event.delta.stop_reason, _plain(event.delta.stop_details)
                self._is_counted |= self._count(event.usage)
            case "message_stop":
                self.is_complete = self.stop_reason is not None
        return None

    def _begin(self, index: int, block: dict[str, Any]) -> StreamChange:
        kind = block.get("type")
        if not kind:
            return None
        self._blocks[index], self._half = block, ""
        match kind:
            case "text":
                said, block["text"] = block.get("text"), ""
                return self._say(self._add(index, "text", said))
            case "server_tool_use":
                self._broken, self.thought = True, SERVER_TOOLS.get(block.get("name") or "", "Using a tool")
                return "thought"
            case "mcp_tool_use":
                self._broken, self.thought = True, f"Asking {block.get('server_name') or 'a server'}"
                return "thought"
            case "thinking":
                self.thought = ""
        self._broken = True
        return None

    def _grow(self, index: int, delta: Any) -> StreamChange:
        block = self._blocks.get(index, {})
        match delta.type:
            case "text_delta":
                return self._say(self._add(index, "text", delta.text))
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), _plain(delta.citation)]
            case "thinking_delta":
                thought = self._add(index, "thinking", delta.thinking)
                self._said += len(thought)
                self.thought += thought
                return "thought" if self.thought else None
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                given = delta.partial_json or ""
                self._inputs[index] = self._inputs.get(index, "") + given
                self._said += len(given)
            case "compaction_delta":
                block |= _plain(delta)
                block["type"] = "compaction"
                self._said += len(block.get("content") or "")
        return None

    def _add(self, index: int, name: str, more: str | None) -> str:
        """What joins a block's text or thinking; a block that was not begun is begun.

        JSON can spell half a character, whose other half may come with the next delta, and which cannot be stored.
        """
        text = self._half + (more or "")
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._half).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        block = self._blocks.setdefault(index, {"type": name})
        block[name] = (block.get(name) or "") + text
        return text

    def _end(self, index: int) -> StreamChange:
        block = self._blocks.get(index, {})
        # The length limit may cut it off.
        with suppress(ValueError):
            if self._inputs.get(index):
                block["input"] = json.loads(self._inputs[index])
        if block.get("type") != "text":
            return None
        # A source that the sentence before named is not named again.
        cited = citations.links(block.get("citations") or [])
        repeated, self._links = cited == self._links, cited
        if not cited or repeated:
            return None
        self.text += cited
        return "text"

    def _say(self, text: str) -> StreamChange:
        if not text:
            return None
        if self._broken and self.text and not self.text.endswith("\n"):
            self.text += "\n\n"
        self._broken = False
        self.text += text
        self._said += len(text)
        return "text"

    def _count(self, usage: Any) -> bool:
        """Whether the output is told. `message_delta` has cumulative counts; what it leaves out keeps its value."""
        told = {name: value for name, value in _plain(usage).items() if value is not None}
        self._usage = {**self._usage, **told}
        return "output_tokens" in told

    def _iterations(self) -> list[dict[str, Any]]:
        told = self._usage.get("iterations")
        return [each for each in told if isinstance(each, dict) and each] if isinstance(told, list) else []

    def _piece(self, usage: Mapping[str, Any], model: str) -> Usage:
        """What writes to the cache for longer than five minutes is told by `message_start` alone."""
        written = _number(usage, "cache_creation_input_tokens")
        hour = _number(_mapping(usage.get("cache_creation")), "ephemeral_1h_input_tokens")
        return Usage(
            model,
            input=_number(usage, "input_tokens"),
            output=_number(usage, "output_tokens"),
            write_5m=max(0, written - hour),
            write_1h=min(hour, written),
            read=_number(usage, "cache_read_input_tokens"),
        )


def _plain(model: Any) -> dict[str, Any]:
    """Nothing for None. A warning of what has not the type that the library expects would quote it (invariant 10)."""
    told: dict[str, Any] = model.to_dict(mode="json", warnings=False) if model is not None else {}
    return told


def _mapping(value: object) -> dict[str, Any]:
    """Nothing for what is none."""
    return value if isinstance(value, dict) else {}


def _number(usage: Mapping[str, Any], name: str) -> int:
    """0 where it is not told, or is no number."""
    value = usage.get(name)
    return value if isinstance(value, int) else 0

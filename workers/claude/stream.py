"""One message of Claude as its events arrive: text, content blocks and usage.

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
    """Takes the events of a stream in their order. `text` and `usage` are valid at any time.

    `text` joins all text blocks, with their citations as links. A tool, a thought or another model between two text
    blocks begins a new paragraph. `thought` is the newest summary of a thought, or what a tool is used for.
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
        """The content blocks in the API's form, to be sent back, without empty texts: the API refuses them."""
        return [block for _, block in sorted(self._blocks.items()) if block.get("text") != ""]

    @property
    def model(self) -> str:
        """The model that wrote the message: after fallbacks, the last of them."""
        fallbacks = [item.get("model") for item in self._iterations() if item.get("type") == "fallback_message"]
        if not fallbacks:
            fallbacks = [
                _mapping(block.get("to")).get("model") for block in self.content if block["type"] == "fallback"
            ]
        return str((fallbacks and fallbacks[-1]) or self._started)

    @property
    def tool_errors(self) -> list[str]:
        """The error codes of server tools, which arrive in content blocks."""
        contents = (block.get("content") for block in self.content if block["type"].endswith("_tool_result"))
        return [
            str(content["error_code"]) for content in contents if isinstance(content, dict) and "error_code" in content
        ]

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What is billed so far, a piece for each model that ran.

        A stream that was cut off told only its input, and some never tell their output: that is estimated from what
        arrived.
        """
        if not self._usage and not self._said:
            return ()
        if not (self.is_complete and self._is_counted):
            output = max(_number(self._usage, "output_tokens"), -(-self._said // CHARS_PER_TOKEN))
            return (replace(self._piece(self._usage, self._started), output=output, estimated=True),)
        pieces = [self._piece(item, item.get("model") or self._asked) for item in self._iterations()]
        if not pieces:
            pieces = [self._piece(self._usage, self.model)]
        searches = _number(_mapping(self._usage.get("server_tool_use")), "web_search_requests")
        pieces[-1] = replace(pieces[-1], searches=searches)
        return tuple(piece for piece in pieces if piece != Usage(piece.model))

    def take(self, event: Any) -> StreamChange:
        """Returns what the event changed. Unknown events, content blocks and deltas are ignored."""
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
                json_text = delta.partial_json or ""
                self._inputs[index] = self._inputs.get(index, "") + json_text
                self._said += len(json_text)
            case "compaction_delta":
                block |= _plain(delta)
                block["type"] = "compaction"
                self._said += len(block.get("content") or "")
        return None

    def _add(self, index: int, name: str, more: str | None) -> str:
        """Append to a block's text or thinking, and return what was appended. A missing block is begun.

        JSON can carry half a surrogate pair, which cannot be stored: it waits for its other half in the next delta.
        """
        text = self._half + (more or "")
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._half).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        block = self._blocks.setdefault(index, {"type": name})
        block[name] = (block.get(name) or "") + text
        return text

    def _end(self, index: int) -> StreamChange:
        block = self._blocks.get(index, {})
        # The length limit may have cut the JSON off.
        with suppress(ValueError):
            if self._inputs.get(index):
                block["input"] = json.loads(self._inputs[index])
        if block.get("type") != "text":
            return None
        links = citations.links(block.get("citations") or [])
        # The same sources are not named again behind the next sentence.
        is_repeated = links == self._links
        self._links = links
        if not links or is_repeated:
            return None
        self.text += links
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
        """Take the cumulative counts; a missing one keeps its value. True if the output tokens are among them."""
        counts = {name: value for name, value in _plain(usage).items() if value is not None}
        self._usage = {**self._usage, **counts}
        return "output_tokens" in counts

    def _iterations(self) -> list[dict[str, Any]]:
        iterations = self._usage.get("iterations")
        if not isinstance(iterations, list):
            return []
        return [item for item in iterations if isinstance(item, dict) and item]

    def _piece(self, usage: Mapping[str, Any], model: str) -> Usage:
        """Only `message_start` tells how many of the tokens were written to the cache for an hour."""
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
    """Empty for None. Warnings are off because they would quote values of unexpected types (invariant 10)."""
    if model is None:
        return {}
    values: dict[str, Any] = model.to_dict(mode="json", warnings=False)
    return values


def _mapping(value: object) -> dict[str, Any]:
    """Empty for what is no mapping."""
    return value if isinstance(value, dict) else {}


def _number(usage: Mapping[str, Any], name: str) -> int:
    """0 if it is missing, or is no number."""
    value = usage.get(name)
    return value if isinstance(value, int) else 0

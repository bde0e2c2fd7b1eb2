"""One message of Claude as its events arrive: text, content blocks, and what it cost.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from workers import citations
from workers.models import Usage

CHARS_PER_TOKEN = 4
SERVER_TOOLS = {"web_search": "Searching the web"}
Change: TypeAlias = Literal["text", "thought"] | None


class Streamed:
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
        served = [each["model"] for each in self._iterations() if each.get("type") == "fallback_message"]
        if not served:
            served = [block["to"]["model"] for block in self.content if block["type"] == "fallback"]
        return str(served[-1]) if served else self._started

    @property
    def tool_errors(self) -> list[str]:
        """Error codes of server tools, which come in a block of an HTTP 200."""
        contents = (block.get("content") for block in self.content if block["type"].endswith("_tool_result"))
        return [
            str(content["error_code"]) for content in contents if isinstance(content, dict) and "error_code" in content
        ]

    @property
    def usage(self) -> tuple[Usage, ...]:
        """What is billed so far, a piece for each model that ran; nothing before `message_start`.

        A stream that was cut off told its input only: its output is estimated from what arrived.
        """
        if not self._usage:
            return ()
        if not self.is_complete:
            output = max(int(self._usage.get("output_tokens") or 0), -(-self._said // CHARS_PER_TOKEN))
            return (replace(self._piece(self._usage, self._started), output=output, estimated=True),)
        pieces = [self._piece(each, each.get("model") or self._asked) for each in self._iterations()]
        if not pieces:
            pieces = [self._piece(self._usage, self.model)]
        searches = int((self._usage.get("server_tool_use") or {}).get("web_search_requests") or 0)
        pieces[-1] = replace(pieces[-1], searches=searches)
        return tuple(piece for piece in pieces if piece != Usage(piece.model))

    def take(self, event: Any) -> Change:
        """What the event changed for a reader. Events, blocks and deltas that are not known are let be."""
        match event.type:
            case "message_start":
                self._started = event.message.model
                self._count(event.message.usage)
            case "content_block_start":
                return self._begin(event.index, event.content_block.to_dict(mode="json"))
            case "content_block_delta":
                return self._grow(event.index, event.delta)
            case "content_block_stop":
                return self._end(event.index)
            case "message_delta":
                self.stop_reason = event.delta.stop_reason
                self.details = event.delta.stop_details.to_dict() if event.delta.stop_details else {}
                self._count(event.usage)
            case "message_stop":
                self.is_complete = self.stop_reason is not None
        return None

    def _begin(self, index: int, block: dict[str, Any]) -> Change:
        self._blocks[index] = block
        match block["type"]:
            case "text":
                return self._say(block["text"])
            case "server_tool_use":
                self._broken, self.thought = (
                    True,
                    "Searching the web" if block["name"] == "web_search" else "Using a tool",
                )
                return "thought"
            case "mcp_tool_use":
                self._broken, self.thought = True, f"Asking {block['server_name']}"
                return "thought"
            case "thinking":
                self.thought = ""
        self._broken = True
        return None

    def _grow(self, index: int, delta: Any) -> Change:
        block = self._blocks[index]
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                return self._say(delta.text)
            case "citations_delta":
                block["citations"] = [*(block.get("citations") or []), delta.citation.to_dict(mode="json")]
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._said += len(delta.thinking)
                self.thought += delta.thinking
                return "thought" if self.thought else None
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._inputs[index] = self._inputs.get(index, "") + delta.partial_json
                self._said += len(delta.partial_json)
            case "compaction_delta":
                block |= delta.to_dict(mode="json")
                block["type"] = "compaction"
                self._said += len(block.get("content") or "")
        return None

    def _end(self, index: int) -> Change:
        block = self._blocks[index]
        if self._inputs.get(index):
            block["input"] = json.loads(self._inputs[index])
        if block["type"] != "text":
            return None
        # A source that the sentence before named is not named again.
        cited = citations.links(block.get("citations") or [])
        repeated, self._links = cited == self._links, cited
        if not cited or repeated:
            return None
        self.text += cited
        return "text"

    def _say(self, text: str) -> Change:
        if not text:
            return None
        if self._broken and self.text and not self.text.endswith("\n"):
            self.text += "\n\n"
        self._broken = False
        self.text += text
        self._said += len(text)
        return "text"

    def _count(self, usage: Any) -> None:
        """The counts of `message_delta` are cumulative; those that it leaves out keep their value."""
        told = {name: value for name, value in usage.to_dict(mode="json").items() if value is not None}
        self._usage = {**self._usage, **told}

    def _iterations(self) -> list[dict[str, Any]]:
        return self._usage.get("iterations") or []

    def _piece(self, usage: Mapping[str, Any], model: str) -> Usage:
        """What writes to the cache for longer than five minutes is told by `message_start` alone."""
        written = int(usage.get("cache_creation_input_tokens") or 0)
        hour = int((usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0)
        return Usage(
            model,
            input=int(usage.get("input_tokens") or 0),
            output=int(usage.get("output_tokens") or 0),
            write_5m=max(0, written - hour),
            write_1h=min(hour, written),
            read=int(usage.get("cache_read_input_tokens") or 0),
        )

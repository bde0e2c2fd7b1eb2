"""One message of Claude as its events arrive: text, content blocks and usage.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from bot.models import Usage
from workers.claude import citations

CHARS_PER_TOKEN = 4
MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,100}")
# No answer is billed more of one kind.
MOST_TOKENS = 10**9
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
        self._blocks: dict[int, dict[str, Any]] = {}
        # What grows is kept in pieces, and joined when somebody asks for it.
        self._grown: dict[tuple[int, str], list[str]] = {}
        self._inputs: dict[int, list[str]] = {}
        self._text: list[str] = []
        self._thought: list[str] = []
        self._last = ""
        self._usage: dict[str, Any] = {}
        self.said = 0
        self._broken = False
        self._links = ""
        self._half = ""
        self._is_counted = False
        self.stop_reason: str | None = None
        self.details: Mapping[str, Any] = {}
        self.is_complete = False

    @property
    def text(self) -> str:
        return _joined(self._text)

    @property
    def thought(self) -> str:
        return _joined(self._thought)

    @property
    def content(self) -> list[dict[str, Any]]:
        """The content blocks in the API's form, to be sent back, without empty texts: the API refuses them."""
        for (index, name), pieces in self._grown.items():
            self._blocks[index][name] = _joined(pieces)
        return [block for _, block in sorted(self._blocks.items()) if block.get("text") != ""]

    @property
    def model(self) -> str:
        """The model that wrote the message: after fallbacks, the last of them."""
        fallbacks = [item.get("model") for item in self._iterations() if item.get("type") == "fallback_message"]
        if not fallbacks:
            fallbacks = [
                _mapping(block.get("to")).get("model") for block in self.content if block["type"] == "fallback"
            ]
        return _model_of(fallbacks[-1] if fallbacks else None, self._started)

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
        if not self._usage and not self.said:
            return ()
        if not (self.is_complete and self._is_counted):
            output = max(_number(self._usage, "output_tokens"), -(-self.said // CHARS_PER_TOKEN))
            return (replace(self._piece(self._usage, self._started), output=output, estimated=True),)
        pieces = [self._piece(item, _model_of(item.get("model"), self._asked)) for item in self._iterations()]
        if not pieces:
            pieces = [self._piece(self._usage, self.model)]
        searches = _number(_mapping(self._usage.get("server_tool_use")), "web_search_requests")
        pieces[-1] = replace(pieces[-1], searches=searches)
        return tuple(piece for piece in pieces if piece != Usage(piece.model))

    def take(self, event: Any) -> StreamChange:
        """Returns what the event changed. Unknown events, content blocks and deltas are ignored.

        Raises TypeError and its like for an event whose parts have other types than promised: the SDK checks none.
        """
        match event.type:
            case "message_start":
                self._started = _model_of(event.message.model, self._asked)
                self._count(event.message.usage)
            case "content_block_start":
                return self._begin(int(event.index), _plain(event.content_block))
            case "content_block_delta":
                return self._grow(int(event.index), event.delta)
            case "content_block_stop":
                return self._end(int(event.index))
            case "message_delta":
                if event.delta and event.delta.stop_reason:
                    self.stop_reason = _words(event.delta.stop_reason)
                    self.details = _plain(event.delta.stop_details)
                self._is_counted |= self._count(event.usage)
            case "message_stop":
                self.is_complete = self.stop_reason is not None
        return None

    def _begin(self, index: int, block: dict[str, Any]) -> StreamChange:
        kind = _words(block.get("type"))
        if not kind:
            return None
        self._blocks[index], self._half = block, ""
        for name in ("text", "thinking"):
            self._grown.pop((index, name), None)
        match kind:
            case "text":
                said, block["text"] = block.get("text"), ""
                return self._say(self._add(index, "text", said))
            case "server_tool_use":
                self._broken, self._thought = True, [SERVER_TOOLS.get(_words(block.get("name")), "Using a tool")]
                return "thought"
            case "mcp_tool_use":
                self._broken, self._thought = True, [f"Asking {_words(block.get('server_name')) or 'a server'}"]
                return "thought"
            case "thinking":
                self._thought = []
        self._broken = True
        return None

    def _grow(self, index: int, delta: Any) -> StreamChange:
        block = self._blocks.get(index, {})
        match delta.type:
            case "text_delta":
                return self._say(self._add(index, "text", delta.text))
            case "citations_delta":
                if not isinstance(block.get("citations"), list):
                    block["citations"] = []
                block["citations"].append(_plain(delta.citation))
            case "thinking_delta":
                thought = self._add(index, "thinking", delta.thinking)
                self.said += len(thought)
                if thought:
                    self._thought.append(thought)
                return "thought" if self._thought else None
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                json_text = _words(delta.partial_json)
                self._inputs.setdefault(index, []).append(json_text)
                self.said += len(json_text)
            case "compaction_delta":
                block |= _plain(delta)
                block["type"] = "compaction"
                self.said += len(block.get("content") or "")
        return None

    def _add(self, index: int, name: str, more: str | None) -> str:
        """Append to a block's text or thinking, and return what was appended. A missing block is begun.

        JSON can carry half a surrogate pair, which cannot be stored: it waits for its other half in the next delta.
        """
        text = self._half + _words(more)
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text.removesuffix(self._half).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        block = self._blocks.setdefault(index, {"type": name})
        self._grown.setdefault((index, name), [_words(block.get(name))]).append(text)
        return text

    def _end(self, index: int) -> StreamChange:
        block = self._blocks.get(index, {})
        # The length limit may have cut the JSON off.
        with suppress(ValueError):
            if json_text := _joined(self._inputs.get(index, [])):
                block["input"] = json.loads(json_text)
        if block.get("type") != "text":
            return None
        links = citations.links(block.get("citations") or [])
        # The same sources are not named again behind the next sentence.
        is_repeated = links == self._links
        self._links = links
        if not links or is_repeated:
            return None
        self._text.append(links)
        self._last = links[-1]
        return "text"

    def _say(self, text: str) -> StreamChange:
        if not text:
            return None
        if self._broken and self._last not in ("", "\n"):
            self._text.append("\n\n")
        self._broken = False
        self._text.append(text)
        self._last = text[-1]
        self.said += len(text)
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


def _model_of(value: object, otherwise: str) -> str:
    """The name that the API tells, if it is one."""
    return value if isinstance(value, str) and MODEL.fullmatch(value) else otherwise


def _number(usage: Mapping[str, Any], name: str) -> int:
    """0 if it is missing, or is no number that an answer can have."""
    value = usage.get(name)
    return value if isinstance(value, int) and 0 <= value <= MOST_TOKENS else 0


def _words(value: object) -> str:
    """Empty for None. Raises TypeError for what is no text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value


def _joined(pieces: list[str]) -> str:
    """All pieces together, which are one from then on."""
    pieces[:] = ["".join(pieces)]
    return pieces[0]

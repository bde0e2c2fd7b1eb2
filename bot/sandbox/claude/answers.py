"""What Claude is to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.faults import Fault


@dataclass(frozen=True)
class ToolUse:
    name: str
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One answer, sent as its compaction, thinking, `blocks`, text and tool calls, in this order.

    `blocks` are content blocks in the API's own form (server_tool_use, web_search_tool_result, text with citations).
    If `stop_reason` is None, the sandbox works it out: tool_use, stop_sequence, max_tokens (if cut
    there) or end_turn.
    `usage` overrides what the sandbox counts. `fallback` is what the next model of the request's `fallbacks` says
    when this answer is a refusal. If `first_delta` (seconds) or `deltas_per_second` is None, the server's own holds.
    """

    text: str = ""
    thinking: str | None = None
    tools: tuple[ToolUse, ...] = ()
    blocks: tuple[Mapping[str, Any], ...] = ()
    compaction: str | None = None
    stop_reason: str | None = None
    stop_details: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    fallback: "Answer | None" = None
    first_delta: float | None = None
    deltas_per_second: float | None = None
    fault: Fault | None = None

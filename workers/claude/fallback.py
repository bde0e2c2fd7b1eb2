"""Another model for a question that the first model declines, or for which it is not available.

https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
"""

from collections.abc import Mapping
from typing import Any

from bot import models

SERVER_SIDE = "server-side-fallback-2026-06-01"
# The fallback if FALLBACK_MODEL is not set (documented: classifiers of Fable models also decline harmless questions,
# and their guide asks for a fallback).
DEFAULT = {"fable": "claude-opus-5-5"}
REMINDER = "<system-reminder>\n{text}\n</system-reminder>"


def chosen(request: Mapping[str, Any], setting: str | None) -> str | None:
    """The model that answers if the request's own model declines, or None.

    None also stands for a model that could not read the conversation as it is: the API would refuse the whole request.
    """
    own_model = str(request["model"])
    other = setting or DEFAULT.get(models.find(own_model).family)
    if other is None or other in ("off", own_model):
        return None
    model = models.find(other)
    has_system_turns = any(message["role"] == "system" for message in request["messages"])
    if has_system_turns and not model.system_turns:
        return None
    if _is_compacted(request) and not model.compaction:
        return None
    return other


def entry(request: Mapping[str, Any], other: str, effort: str | None, thinking: str) -> dict[str, Any]:
    """An item of a request's `fallbacks`: the model, and the parameters that must differ for it; null unsets one."""
    options = models.options(other, effort, thinking)
    item: dict[str, Any] = {"model": other}
    for name in ("thinking", "output_config"):
        if name in request and options.get(name) != request[name]:
            item[name] = options.get(name)
    most = models.find(other).max_output
    if request["max_tokens"] > most:
        item["max_tokens"] = most
    return item


def fitted(request: Mapping[str, Any], other: str, effort: str | None, thinking: str) -> dict[str, Any] | None:
    """The same question as a request for another model; None if that model cannot read the conversation.

    Thinking blocks are left out, because only the model that wrote them takes them. System messages become marked
    reminders for a model that takes none. A model without compaction cannot read a compacted beginning.
    """
    model = models.find(other)
    changed = {name: value for name, value in request.items() if name not in ("thinking", "output_config", "fallbacks")}
    changed |= {"model": other, "max_tokens": min(request["max_tokens"], model.max_output)}
    changed |= models.options(other, effort, thinking)
    if _is_compacted(request) and not model.compaction:
        return None
    messages: list[dict[str, Any]] = []
    for message in request["messages"]:
        blocks = _blocks(message["content"])
        if message["role"] == "system" and not model.system_turns:
            _remind(messages, blocks)
        elif message["role"] == "assistant":
            kept = [block for block in blocks if block["type"] not in ("thinking", "redacted_thinking", "fallback")]
            if len(kept) == len(blocks):
                messages.append(dict(message))
            elif kept:
                messages.append({**message, "content": kept})
        else:
            messages.append(dict(message))
    return {**changed, "messages": messages}


def _is_compacted(request: Mapping[str, Any]) -> bool:
    """Whether the first message has the content block that stands for a compacted beginning."""
    return any(block["type"] == "compaction" for block in _blocks(request["messages"][0]["content"]))


def _remind(messages: list[dict[str, Any]], blocks: list[dict[str, Any]]) -> None:
    """Append the operator's words to the user turn before them."""
    words = [{"type": "text", "text": REMINDER.format(text=block["text"])} for block in blocks]
    last = messages[-1]
    last["content"] = [*_blocks(last["content"]), *words]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)

"""Another model for a question: when the asked one declines it, or cannot be had.

https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
"""

from collections.abc import Mapping
from typing import Any

from bot import models

SERVER_SIDE = "server-side-fallback-2026-06-01"
# Who answers what a Fable model declines, if nobody chose (documented: these models' classifiers also decline what is
# harmless, and their guide asks for a fallback).
DEFAULT = {"fable": "claude-opus-5-5"}
REMINDER = "<system-reminder>\n{text}\n</system-reminder>"


def chosen(request: Mapping[str, Any], setting: str | None) -> str | None:
    """The model that answers when the asked one declines.

    None for `off`, for the same model, without a default, and where it could not read the conversation as it stands:
    the API refuses the whole request then.
    """
    asked = str(request["model"])
    other = setting or DEFAULT.get(models.find(asked).family)
    if other is None or other in ("off", asked):
        return None
    model = models.find(other)
    operated = any(message["role"] == "system" for message in request["messages"])
    return None if (operated and not model.system_turns) or (_is_compacted(request) and not model.compaction) else other


def entry(request: Mapping[str, Any], other: str, effort: str | None, thinking: str) -> dict[str, Any]:
    """One of a request's `fallbacks`: the model, and what must differ from the request for it; null unsets."""
    options = models.options(other, effort, thinking)
    differing = {
        name: options.get(name)
        for name in ("thinking", "output_config")
        if name in request and options.get(name) != request[name]
    }
    most = models.find(other).max_output
    return {"model": other, **differing, **({"max_tokens": most} if request["max_tokens"] > most else {})}


def fitted(request: Mapping[str, Any], other: str, effort: str | None, thinking: str) -> dict[str, Any] | None:
    """The same question as a request for another model; None where it cannot be put to that one.

    Thinking belongs to the model that thought it. Operators' words in mid-thread become marked reminders where the
    model has no turns for them; a compacted beginning is lost on a model that reads no compaction.
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
            messages += [{**message, "content": kept}] if len(kept) < len(blocks) and kept else []
            messages += [dict(message)] if len(kept) == len(blocks) else []
        else:
            messages.append(dict(message))
    return {**changed, "messages": messages}


def _is_compacted(request: Mapping[str, Any]) -> bool:
    """The block that stands for a beginning is in the first message."""
    return any(block["type"] == "compaction" for block in _blocks(request["messages"][0]["content"]))


def _remind(messages: list[dict[str, Any]], blocks: list[dict[str, Any]]) -> None:
    """Put an operator's words behind the user turn before them."""
    words = [{"type": "text", "text": REMINDER.format(text=block["text"])} for block in blocks]
    last = messages[-1]
    last["content"] = [*_blocks(last["content"]), *words]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)

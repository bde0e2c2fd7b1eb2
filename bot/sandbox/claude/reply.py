"""An answer as the message that the API would return for a request."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.sandbox.claude import compaction as claude_compaction
from bot.sandbox.claude import thinking as claude_thinking
from bot.sandbox.claude.answers import Answer
from bot.sandbox.claude.cache import CacheUse
from bot.sandbox.claude.headers import BINDING, CREDIT
from bot.sandbox.claude.models import Model, find
from bot.sandbox.claude.prompt import CHARS_PER_TOKEN, Json, prompt_tokens, tokens, turns
from bot.sandbox.claude.request import CREDIT_PREFIX, Request, overridden
from bot.sandbox.claude.samples import NOTICE, sample

DEFAULT_TRIGGER = 150_000
# Who answers when a request says fallbacks="default": inferred.
DEFAULT_FALLBACKS = {"fable": [{"model": "claude-opus-5-5"}]}


@dataclass(frozen=True)
class _Part:
    """What one model said, why it stopped, and its tokens; `used` is the input side of `usage`."""

    model: str
    used: Json
    content: list[Json]
    stop_reason: str
    stop_sequence: str | None = None
    stop_details: Json | None = None
    output: int = 0
    thought: int = 0

    def iteration(self, kind: str) -> Json:
        return {"type": kind, "model": self.model, **self.used, "output_tokens": self.output}


@dataclass(frozen=True)
class _Speaker:
    """A model that answers, the name that its message gives, and the request with the parameters that hold for it."""

    model: Model
    name: str
    body: Json


def compose(answer: Answer, request: Request, cache: CacheUse, dropped: Mapping[str, str]) -> Json:
    """The message that `answer` makes for a request; `dropped` are the thinking blocks that the model does not see."""
    body, used = request.body, cache.usage()
    content: list[Json] = []
    iterations: list[Json] = []
    compaction = _compaction(answer, request, dropped)
    if compaction:
        content.append(compaction)
        iterations.append({"type": "compaction", **used, "output_tokens": tokens(compaction["content"] or "")})
        summary = [{"role": "assistant", "content": [compaction]}]
        used = _fresh(prompt_tokens({**body, "messages": summary}))
    elif body.get("compaction"):
        # No summary came of it: https://platform.claude.com/docs/en/build-with-claude/compaction-on-demand
        iterations.append({"type": "compaction", **used, "output_tokens": 1})
    parts = _parts(answer, request, used, compaction)
    *declined, last = parts
    for part, following in pairwise(parts):
        category = (part.stop_details or {}).get("category")
        hop = {"type": "fallback", "from": {"model": part.model}, "to": {"model": following.model}}
        content += [*part.content, {**hop, "trigger": {"type": "refusal", "category": category}}]
        iterations.append(part.iteration("message"))
    if last.stop_reason != "compaction" and not body.get("compaction"):
        iterations.append(last.iteration("fallback_message" if declined else "message"))
    content += last.content
    message: Json = {
        "id": f"msg_{_id()}",
        "type": "message",
        "role": "assistant",
        "model": last.model,
        "content": content,
        "stop_reason": last.stop_reason,
        "stop_sequence": last.stop_sequence,
        "stop_details": last.stop_details,
        "usage": {**_usage(body, last, iterations), **_used(body, content), **answer.usage},
    }
    if body.get("context_management"):
        message["context_management"] = {"applied_edits": []}
    if BINDING in request.betas:
        told = [{"type": "thinking_dropped", "path": path, "reason": reason} for path, reason in dropped.items()]
        message["input_transformations"] = told
    return message


def _usage(body: Json, last: _Part, iterations: list[Json]) -> Json:
    usage: Json = {**last.used, "output_tokens": last.output, "service_tier": "standard"}
    usage["output_tokens_details"] = {"thinking_tokens": last.thought}
    if body.get("fallbacks") or body.get("context_management") or body.get("compaction"):
        usage["iterations"] = iterations
    return usage


def _used(body: Json, content: list[Json]) -> Json:
    """What server tools and a credit token add to `usage`; a search that failed is not billed (documented)."""
    more: Json = {}
    if body.get("fallback_credit_token"):
        more["fallback_credit"] = {"status": {"type": "redeemed"}}
    if any(block["type"] == "server_tool_use" for block in content):
        found = [block for block in content if isinstance(block.get("content"), list)]
        counts = [sum(block["type"] == f"web_{kind}_tool_result" for block in found) for kind in ("search", "fetch")]
        more["server_tool_use"] = {"web_search_requests": counts[0], "web_fetch_requests": counts[1]}
    return more


def _parts(answer: Answer, request: Request, used: Json, compaction: Json | None) -> list[_Part]:
    """What the models say, one after another. A request that is for a summary, or only warms the cache, gets no answer.

    The requested model speaks first, and each time one refuses, the next of the request's fallbacks. A refusal before
    any output costs nothing. https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
    """
    body = request.body
    if body.get("compaction") and not compaction:
        return [_Part(body["model"], _fresh(0), [], answer.stop_reason or "end_turn")]
    if compaction and _pauses(body):
        return [_Part(body["model"], _fresh(0), [], "compaction")]
    if body["max_tokens"] == 0:
        return [_Part(body["model"], used, [], "max_tokens")]
    parts = [_say(answer, request, _Speaker(request.model, body["model"], body), used)]
    for entry in _chain(request):
        if parts[-1].stop_reason != "refusal":
            break
        if not parts[-1].content:
            parts[-1] = replace(parts[-1], used=_fresh(0), output=0)
        model, over = find(entry["model"]), overridden(body, entry)
        answer = answer.fallback or sample(body, model.thinks_for(over.get("thinking")))
        speaker = _Speaker(model, model.id, over)
        parts.append(_say(answer, request, speaker, _fresh(prompt_tokens(body))))
    return parts


def _say(answer: Answer, request: Request, speaker: _Speaker, used: Json) -> _Part:
    """What one model says. `used` is the input side of its `usage`."""
    model, body = speaker.model, speaker.body
    thought = tokens(answer.thinking or "")
    content = [*_thinking(answer, request, speaker), *(dict(block) for block in answer.blocks)]
    room = model.context - prompt_tokens(body)
    budget = min(body["max_tokens"], room) - thought
    text, stop, sequence = _cut(answer.text, body.get("stop_sequences") or [], max(0, budget))
    if stop == "max_tokens" and room < body["max_tokens"]:
        stop = "model_context_window_exceeded"
    if text:
        content.append({"type": "text", "text": text, "citations": None})
    tools = answer.tools if stop is None else ()
    for tool in tools:
        content.append({"type": "tool_use", "id": f"toolu_{_id()}", "name": tool.name, "input": dict(tool.input)})
    reason = answer.stop_reason or stop or ("tool_use" if tools else "end_turn")
    details = _refusal(answer, request) if reason == "refusal" else None
    output = thought + sum(_weight(block) for block in content if block["type"] != "thinking")
    output = max(1, min(output, body["max_tokens"]))
    return _Part(speaker.name, used, content, reason, sequence, details, output, thought)


def _thinking(answer: Answer, request: Request, speaker: _Speaker) -> list[Json]:
    """The thinking block, if the answer has one. Its text is empty unless the request asks to see it."""
    if answer.thinking is None:
        return []
    shown = answer.thinking if speaker.model.shows_thinking_for(speaker.body.get("thinking")) else ""
    signature = claude_thinking.sign(speaker.model.id, request.body)
    return [{"type": "thinking", "thinking": shown, "signature": signature}]


def _refusal(answer: Answer, request: Request) -> Json:
    """The `stop_details` of a refusal."""
    credit = _credit() if CREDIT in request.betas else {}
    return {"type": "refusal", "category": None, "explanation": None, **credit, **(answer.stop_details or {})}


def _cut(text: str, stops: list[str], budget: int) -> tuple[str, str | None, str | None]:
    """The part of a text that is sent, and what cut it: the stop reason and the stop sequence, or None."""
    found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    at, stop = min(found, default=(len(text), None))
    if at > budget * CHARS_PER_TOKEN:
        return text[: budget * CHARS_PER_TOKEN], "max_tokens", None
    return text[:at], "stop_sequence" if stop else None, stop


def _weight(block: Json) -> int:
    """About how many output tokens a content block took."""
    said = block.get("text") or block.get("input") or ""
    return tokens(said if isinstance(said, str) else json.dumps(said))


def _compaction(answer: Answer, request: Request, dropped: Mapping[str, str]) -> Json | None:
    """The compaction block of an answer, if its script or the request asks for one.

    https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    body = request.body
    edits = (body.get("context_management") or {}).get("edits") or []
    if not edits and (not body.get("compaction") or answer.stop_reason):
        return None
    trigger = ((edits[0].get("trigger") or {}).get("value") or DEFAULT_TRIGGER) if edits else 0
    if answer.compaction is None and prompt_tokens(body, dropped) < trigger:
        return None
    many = len(turns(body))
    told = f"{NOTICE} In place of a summary: {many} turns came before this point."
    # An empty summary is a failed compaction, which the API shows as null (SDK).
    summary = told if answer.compaction is None else answer.compaction or None
    if body.get("compaction") and summary:
        return {"type": "compaction", "content": summary, "signature": claude_compaction.sign(summary)}
    return {"type": "compaction", "content": summary, "encrypted_content": None}


def _pauses(body: Json) -> bool:
    edits = (body.get("context_management") or {}).get("edits") or []
    return bool(body.get("compaction") or any(edit.get("pause_after_compaction") for edit in edits))


def _credit() -> Json:
    """What a client needs to ask another model itself, which may not continue the text of this one (inferred)."""
    return {
        "fallback_credit_token": f"{CREDIT_PREFIX}{_id()}",
        "fallback_has_prefill_claim": False,
        "recommended_model": None,
    }


def _chain(request: Request) -> list[Json]:
    fallbacks = request.body.get("fallbacks") or []
    if fallbacks == "default":
        fallbacks = DEFAULT_FALLBACKS.get(request.model.line, [])
    return list(fallbacks)


def _fresh(input_tokens: int) -> Json:
    """The input side of `usage` for a prompt that does not touch the cache."""
    return CacheUse(0, {}, input_tokens, 0.0).usage()


def _id() -> str:
    return "01" + secrets.token_urlsafe(24).replace("-", "A").replace("_", "B")[:22]

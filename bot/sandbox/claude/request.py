"""Checks a request as the API does: its headers, its parameters, and what each model allows.

https://platform.claude.com/docs/en/api/messages/create, and what the versions of the API changed:
https://platform.claude.com/docs/en/api/versioning. Texts of refusals that were not observed are inferred.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.claude import compaction
from bot.sandbox.claude.conversation import Allowed, check_messages, check_system
from bot.sandbox.claude.errors import ApiError, invalid
from bot.sandbox.claude.headers import (
    BINDING,
    COMPACT_EDIT,
    COMPACT_WHOLE,
    CREDIT,
    FALLBACK,
    FALLBACK_DEFAULT,
    MCP,
    Rules,
    check_headers,
)
from bot.sandbox.claude.models import EFFORTS, THINKING, Model, find
from bot.sandbox.claude.prompt import THINKING as THOUGHTS
from bot.sandbox.claude.prompt import Json, prompt_tokens, segments
from bot.sandbox.claude.shapes import check_shape
from bot.sandbox.claude.tools import check_tools

# For each parameter of a beta, the betas of which one has to be named.
BETA_PARAMETERS = {
    "context_management": {COMPACT_EDIT},
    "compaction": {COMPACT_WHOLE},
    "fallbacks": {FALLBACK, FALLBACK_DEFAULT},
    "fallback_credit_token": {CREDIT},
    "mcp_servers": {MCP},
}
COUNTED = {"messages", "model", "cache_control", "output_config", "speed", "system", "thinking", "tool_choice", "tools"}
PARAMETERS = COUNTED | {
    "max_tokens",
    "inference_geo",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
}
CREDIT_PREFIX = "fct_"
SAMPLING = ("temperature", "top_p", "top_k")
SMALLEST_TRIGGER = 50_000
MOST_OUTPUT = "which is the maximum allowed number of output tokens for"


@dataclass(frozen=True)
class Request:
    """A request that passed the checks: its body, the model it is for, and its betas."""

    body: Json
    model: Model
    betas: frozenset[str]


def check(body: object, headers: Mapping[str, str], counting: bool = False) -> Request:
    """Raises ApiError (400, or 404 for an unknown model) with the API's words; `counting` is for count_tokens."""
    rules = check_headers(headers)
    check_shape(body)
    assert isinstance(body, dict)
    if not counting and body.get("max_tokens") is None:
        raise invalid("max_tokens", "Field required")
    model = find(body["model"])
    _check_names(body, rules, counting)
    if not counting:
        _check_output(body, model)
        _check_sampling(body, model)
    _check_thinking(body, model, rules.betas)
    check_tools(body, model)
    _check_credit(body)
    check_system(body.get("system"))
    _check_conversation(body, model, rules)
    _check_cache_control(body)
    _check_compaction(body, model)
    _check_fallbacks(body, model, rules)
    if not counting and (size := prompt_tokens(body)) > model.context:
        raise invalid("", f"prompt is too long: {size} tokens > {model.context} maximum")
    return Request(body, model, rules.betas)


def _check_conversation(body: Json, model: Model, rules: Rules) -> None:
    summed_up = bool(body.get("compaction"))
    edits, whole = COMPACT_EDIT in rules.betas, COMPACT_WHOLE in rules.betas
    allowed = Allowed(compaction=edits or whole, mcp=MCP in rules.betas, summary=summed_up, older=rules.older)
    check_messages(body["messages"], model, allowed)
    if whole:
        compaction.check(body["messages"], edits)
    if summed_up:
        compaction.check_request(body)


def _check_names(body: Json, rules: Rules, counting: bool) -> None:
    allowed = set(COUNTED if counting else PARAMETERS)
    allowed |= {name for name, headers in BETA_PARAMETERS.items() if headers & rules.betas}
    if rules.older and not counting:
        allowed |= set(SAMPLING)
    for name in body:
        if name in SAMPLING and not rules.older:
            raise invalid("", f"`{name}` is deprecated for this model.")
        if name not in allowed:
            raise invalid(name, "Extra inputs are not permitted")


def _check_sampling(body: Json, model: Model) -> None:
    """What an older version still takes: https://platform.claude.com/docs/en/api/versioning

    Texts observed. The newer models take the default of `temperature` alone (observed).
    """
    temperature, top_p, top_k = (body.get(name) for name in SAMPLING)
    for name, value in (("temperature", temperature), ("top_p", top_p)):
        if value is not None and not 0 <= value <= 1:
            raise invalid(name, "range: 0..1")
    if top_k is not None and top_k < 0:
        raise invalid("top_k", "Input should be greater than or equal to 0")
    if not model.sampling:
        for name in SAMPLING:
            if body.get(name) is not None and (name, body[name]) != ("temperature", 1):
                raise invalid("", f"`{name}` is deprecated for this model.")
    if temperature is not None and top_p is not None:
        told = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        raise invalid("", told)
    if temperature not in (None, 1) and (body.get("thinking") or {}).get("type") in ("adaptive", "enabled"):
        raise invalid("", "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")


def _check_output(body: Json, model: Model) -> None:
    budget = body["max_tokens"]
    if budget < 0:
        raise invalid("max_tokens", "Input should be greater than or equal to 0")
    if budget > model.output:
        raise invalid("max_tokens", f"{budget} > {model.output}, {MOST_OUTPUT} {model.id}")
    if budget == 0 and body.get("stream"):
        raise invalid("max_tokens", "0 (pre-warming the cache) cannot be combined with stream")
    for at, stop in enumerate(body.get("stop_sequences") or []):
        if not stop.strip():
            raise invalid(f"stop_sequences.{at}", "each stop sequence must contain non-whitespace")
    if body.get("service_tier") not in (None, "auto", "standard_only"):
        raise invalid("service_tier", "Input should be 'auto' or 'standard_only'")
    if body.get("speed") not in (None, "standard"):
        raise invalid("speed", f"'{body['speed']}' is not supported on this model")


def _check_thinking(body: Json, model: Model, betas: frozenset[str]) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/thinking and /effort"""
    effort = (body.get("output_config") or {}).get("effort")
    _check_effort(effort, model)
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking["type"]
    if kind not in THINKING:
        raise invalid("thinking.type", f"Input should be {_choice(THINKING)}")
    if kind not in model.thinking:
        use = f'"thinking.type.{model.thinking[0]}"' + (' and "output_config.effort"' if model.efforts else "")
        raise invalid("", f'"thinking.type.{kind}" is not supported for this model. Use {use} instead.')
    if kind == "enabled":
        _check_thinking_budget(thinking, body)
    if kind in ("disabled", "between_tools") and effort and effort not in model.off_efforts:
        raise invalid("", f'"thinking.type.{kind}" is not supported at effort {effort}')
    more = sorted(thinking.keys() - {"type"})
    if kind == "between_tools" and more:
        # https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide
        raise invalid(f"thinking.between_tools.{more[0]}", "Extra inputs are not permitted")
    if thinking.get("display") not in (None, "summarized", "omitted"):
        raise invalid(f"thinking.{kind}.display", "Input should be 'summarized' or 'omitted'")
    _check_block_binding(thinking, betas)


def _check_effort(effort: str | None, model: Model) -> None:
    if effort is None:
        return
    if effort not in EFFORTS:
        raise invalid("output_config.effort", f"Input should be {_choice(EFFORTS)}")
    if effort not in model.efforts:
        what = f"'{effort}' is not supported on {model.id}" if model.efforts else "not supported on this model"
        raise invalid("output_config.effort", what)


def _check_thinking_budget(thinking: Json, body: Json) -> None:
    budget = thinking.get("budget_tokens") or 0
    if budget < 1024:
        raise invalid("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
    if "max_tokens" in body and budget >= body["max_tokens"]:
        raise invalid("", "`max_tokens` must be greater than `thinking.budget_tokens`")


def _check_block_binding(thinking: Json, betas: frozenset[str]) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks"""
    path = f"thinking.{thinking['type']}.block_binding"
    if "block_binding" in thinking and BINDING not in betas:
        raise invalid(path, "Extra inputs are not permitted")
    behavior = (thinking.get("block_binding") or {}).get("prefix_mismatch_behavior")
    if behavior not in (None, "error", "drop_block"):
        raise invalid(f"{path}.prefix_mismatch_behavior", "Input should be 'error' or 'drop_block'")


def _check_cache_control(body: Json) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
    prompt = segments(body)
    found = [(f"{part.path}.cache_control", part.cache_control) for part in prompt if part.cache_control is not None]
    for part in prompt:
        if part.cache_control is not None and part.block.get("type") in THOUGHTS:
            raise invalid(f"{part.path}.cache_control", "Extra inputs are not permitted")
    auto = body.get("cache_control")
    if auto is not None and prompt[-1].cache_control is None:
        found.append(("cache_control", auto))
    elif auto is not None and _ttl("cache_control", auto) != _ttl(*found[-1]):
        raise invalid("cache_control.ttl", "conflicts with the ttl of cache_control on the last block")
    if len(found) > 4:
        raise invalid("", f"A maximum of 4 blocks with cache_control may be provided. Found {len(found)}.")
    short = False
    for where, control in found:
        ttl = _ttl(where, control)
        if ttl == "1h" and short:
            raise invalid(
                f"{where}.ttl",
                "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks "
                "are processed in the following order: `tools`, `system`, `messages`.",
            )
        short = short or ttl == "5m"


def _ttl(path: str, control: Json) -> str:
    if control["type"] != "ephemeral":
        raise invalid(f"{path}.type", "Input should be 'ephemeral'")
    ttl: str = control.get("ttl") or "5m"
    if ttl not in ("5m", "1h"):
        raise invalid(f"{path}.ttl", "Input should be '5m' or '1h'")
    return ttl


def _check_compaction(body: Json, model: Model) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/compaction"""
    edits = (body.get("context_management") or {}).get("edits") or []
    whole = body.get("compaction")
    if (edits or whole) and not model.compaction:
        raise invalid("", f"compaction is not supported on {model.id}")
    if edits and whole:
        raise invalid("compaction", "cannot be combined with context_management")
    if whole and whole["type"] != "summarize":
        raise invalid("compaction.type", "Input should be 'summarize'")
    for at, edit in enumerate(edits):
        if edit["type"] != "compact_20260112":
            raise invalid(f"context_management.edits.{at}.type", "Input should be 'compact_20260112'")
        trigger = edit.get("trigger") or {"type": "input_tokens", "value": SMALLEST_TRIGGER}
        if trigger["type"] != "input_tokens":
            raise invalid(f"context_management.edits.{at}.trigger.type", "Input should be 'input_tokens'")
        if trigger["value"] < SMALLEST_TRIGGER:
            raise invalid(f"context_management.edits.{at}.trigger.value", f"must be at least {SMALLEST_TRIGGER} tokens")


def _check_credit(body: Json) -> None:
    """Only the form of the token is checked: the sandbox does not know what it could save (SDK; texts inferred)."""
    token = body.get("fallback_credit_token")
    if token is not None and body.get("fallbacks") is not None:
        raise invalid("fallback_credit_token", "cannot be combined with fallbacks")
    if isinstance(token, dict) and token.get("mode") not in (None, "strict", "best_effort"):
        raise invalid("fallback_credit_token.mode", "Input should be 'strict' or 'best_effort'")
    text = token["token"] if isinstance(token, dict) else token
    if text is not None and not text.startswith(CREDIT_PREFIX):
        raise invalid("fallback_credit_token", "the token is malformed")


def _check_fallbacks(body: Json, model: Model, rules: Rules) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback"""
    chain = body.get("fallbacks") or []
    if chain == "default" and FALLBACK_DEFAULT in rules.betas:
        return
    if isinstance(chain, str):
        raise invalid("fallbacks", "Input should be a valid list")
    if chain and not model.fallbacks:
        raise invalid("fallbacks", f"not supported on {model.id}")
    for at, entry in enumerate(chain):
        for name in entry.keys() - {"model", "max_tokens", "thinking", "output_config", "speed"}:
            raise invalid(f"fallbacks.{at}.{name}", "Extra inputs are not permitted")
        try:
            other = find(entry["model"])
            over = overridden(body, entry)
            _check_output(over, other)
            _check_sampling(over, other)
            _check_thinking(over, other, rules.betas)
            _check_conversation(over, other, rules)
        except ApiError as error:
            raise invalid(f"fallbacks.{at}", error.message) from None


def overridden(body: Json, entry: Json) -> Json:
    """The request with the parameters that an entry of `fallbacks` replaces. Null keeps `max_tokens`, unsets others.

    Documented for the beta of 2026-07-01 (SDK), inferred for the one before.
    """
    over = {name: value for name, value in entry.items() if value is not None or name != "max_tokens"}
    return {**body, **over}


def _choice(names: tuple[str, ...]) -> str:
    return " or ".join((", ".join(f"'{name}'" for name in names[:-1]), f"'{names[-1]}'"))

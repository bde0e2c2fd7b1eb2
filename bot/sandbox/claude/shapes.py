"""The JSON shapes of a request: which fields an object has, which it needs, and of what type they are.

https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from bot.sandbox.claude.errors import invalid
from bot.sandbox.claude.prompt import Json, blocks

# Field names to their types; a name that ends in "!" is needed, the others may be left out or null.
Shape: TypeAlias = Mapping[str, type | tuple[type, ...]]

REQUEST: Shape = {
    "model!": str,
    "messages!": list,
    "max_tokens": int,
    "mcp_servers": list,
    "cache_control": dict,
    "compaction": dict,
    "context_management": dict,
    "fallbacks": (list, str),
    "fallback_credit_token": (str, dict),
    "inference_geo": str,
    "metadata": dict,
    "output_config": dict,
    "service_tier": str,
    "speed": str,
    "stop_sequences": list,
    "stream": bool,
    "system": (str, list),
    "temperature": (int, float),
    "thinking": dict,
    "tool_choice": dict,
    "tools": list,
    "top_k": int,
    "top_p": (int, float),
}
PARTS: dict[str, Shape] = {
    "cache_control": {"type!": str, "ttl": str},
    "compaction": {"type!": str, "instructions": str},
    "context_management": {"edits": list},
    "metadata": {"user_id": str},
    "output_config": {"effort": str, "format": dict},
    "thinking": {"type!": str, "budget_tokens": int, "display": str, "block_binding": dict},
    "tool_choice": {"type!": str, "name": str, "disable_parallel_tool_use": bool},
}
TOOL: Shape = {
    "name!": str,
    "type": str,
    "input_schema": dict,
    "description": str,
    "cache_control": dict,
    "max_uses": int,
    "allowed_domains": list,
    "blocked_domains": list,
    "user_location": dict,
}
TOOLSET: Shape = {
    "type!": str,
    "mcp_server_name!": str,
    "default_config": dict,
    "configs": dict,
    "tools": list,
    "cache_control": dict,
}
MCP_SERVER: Shape = {
    "type!": str,
    "name!": str,
    "url!": str,
    "authorization_token": str,
    "tool_configuration": dict,
}
EDIT: Shape = {"type!": str, "trigger": dict, "pause_after_compaction": bool, "instructions": str}
TRIGGER: Shape = {"type!": str, "value!": int}
FALLBACK: Shape = {"model!": str, "max_tokens": int, "thinking": dict, "output_config": dict, "speed": str}
MESSAGE: Shape = {"role!": str, "content!": (str, list)}
BLOCKS: dict[str, Shape] = {
    "text": {"text!": str, "citations": list},
    "image": {"source!": dict},
    "document": {"source!": dict, "title": str, "context": str, "citations": dict},
    "search_result": {"source!": str, "title!": str, "content!": list, "citations": dict},
    "tool_result": {"tool_use_id!": str, "content": (str, list), "is_error": bool},
    "tool_use": {"id!": str, "name!": str, "input!": dict},
    "server_tool_use": {"id!": str, "name!": str, "input!": dict},
    "mcp_tool_use": {"id!": str, "name!": str, "server_name!": str, "input!": dict},
    "mcp_tool_result": {"tool_use_id!": str, "content": (str, list), "is_error": bool},
    "thinking": {"thinking!": str, "signature!": str},
    "redacted_thinking": {"data!": str},
    "fallback": {"from!": dict, "to!": dict},
    "compaction": {"content": str, "encrypted_content": str, "signature": str},
}
SERVER_TOOL_RESULT: Shape = {"tool_use_id!": str, "content!": (list, dict)}
SOURCES: dict[str, Shape] = {
    "base64": {"media_type!": str, "data!": str},
    "text": {"media_type!": str, "data!": str},
    "content": {"content!": (str, list)},
    "url": {"url!": str},
    "file": {"file_id!": str},
}
_NAMES = {
    str: "a valid string",
    int: "a valid integer",
    float: "a valid number",
    list: "a valid list",
    dict: "an object",
    bool: "a valid boolean",
}


def check_shape(body: object) -> None:
    """Raises 400 for whatever in a request has the wrong type or lacks a field that it needs."""
    whole = _fields("", body, REQUEST)
    _check_parts(whole)
    _check_tools(whole)
    token = whole.get("fallback_credit_token")
    if isinstance(token, dict):
        _fields("fallback_credit_token", token, {"token!": str, "mode": str})
    _check_edits(whole)
    _check_fallbacks(whole)
    for path, stop in _items("stop_sequences", whole.get("stop_sequences")):
        _typed(path, stop, str)
    _blocks("system", whole.get("system"))
    for path, message in _items("messages", whole["messages"]):
        _blocks(f"{path}.content", _fields(path, message, MESSAGE)["content"])


def _check_parts(whole: Json) -> None:
    for name, shape in PARTS.items():
        if whole.get(name) is not None:
            _fields(name, whole[name], shape)
    binding = (whole.get("thinking") or {}).get("block_binding") or {}
    _fields("thinking.block_binding", binding, {"prefix_mismatch_behavior": str})


def _check_tools(whole: Json) -> None:
    for path, tool in _items("tools", whole.get("tools")):
        is_toolset = isinstance(tool, dict) and tool.get("type") == "mcp_toolset"
        _marked(path, _fields(path, tool, TOOLSET if is_toolset else TOOL))
    for path, server in _items("mcp_servers", whole.get("mcp_servers")):
        for name in _fields(path, server, MCP_SERVER).keys() - {name.removesuffix("!") for name in MCP_SERVER}:
            raise invalid(f"{path}.{name}", "Extra inputs are not permitted")


def _check_edits(whole: Json) -> None:
    for path, edit in _items("context_management.edits", (whole.get("context_management") or {}).get("edits")):
        trigger = _fields(path, edit, EDIT).get("trigger")
        if trigger:
            _fields(f"{path}.trigger", trigger, TRIGGER)


def _check_fallbacks(whole: Json) -> None:
    if isinstance(whole.get("fallbacks"), str):
        return
    for path, entry in _items("fallbacks", whole.get("fallbacks")):
        for name in ("thinking", "output_config"):
            part = _fields(path, entry, FALLBACK).get(name)
            if part is not None:
                _fields(f"{path}.{name}", part, PARTS[name])


def _block(path: str, block: object) -> None:
    kind: str = _fields(path, block, {"type!": str})["type"]
    shape = BLOCKS.get(kind) or (SERVER_TOOL_RESULT if kind.endswith("_tool_result") else None)
    if shape is None:
        raise invalid(path, f"Input tag '{kind}' does not match any of the expected tags")
    known = _marked(path, _fields(f"{path}.{kind}", block, shape))
    if isinstance(source := known.get("source"), dict):
        at = f"{path}.{kind}.source"
        form: str = _fields(at, source, {"type!": str})["type"]
        if form not in SOURCES:
            raise invalid(f"{at}.type", f"Input tag '{form}' does not match any of the expected tags")
        _fields(f"{at}.{form}", source, SOURCES[form])
        if form == "content":
            _blocks(f"{at}.content", source["content"])
    if kind in ("tool_result", "search_result"):
        _blocks(f"{path}.content", known.get("content"))


def _blocks(path: str, content: Any) -> None:
    for where, block in _items(path, blocks(content)):
        _block(where, block)


def _marked(path: str, block: Json) -> Json:
    if block.get("cache_control") is not None:
        _fields(f"{path}.cache_control", block["cache_control"], PARTS["cache_control"])
    return block


def _items(path: str, values: list[Any] | None) -> Iterator[tuple[str, Any]]:
    return ((f"{path}.{at}", value) for at, value in enumerate(values or []))


def _fields(path: str, value: object, shape: Shape) -> Json:
    _typed(path, value, dict)
    assert isinstance(value, dict)
    for name, types in shape.items():
        field, needed = name.removesuffix("!"), name.endswith("!")
        where = f"{path}.{field}" if path else field
        if field not in value and needed:
            raise invalid(where, "Field required")
        if value.get(field) is not None or (field in value and needed):
            _typed(where, value[field], types)
    return value


def _typed(path: str, value: object, types: type | tuple[type, ...]) -> None:
    allowed = types if isinstance(types, tuple) else (types,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        raise invalid(path, f"Input should be {' or '.join(_NAMES[one] for one in allowed)}")

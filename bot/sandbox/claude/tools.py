"""The tools of a request: its own, those that the API runs, and MCP servers.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview and, for the servers,
https://platform.claude.com/docs/en/agents-and-tools/mcp-connector. Texts of refusals that were not observed are
inferred.
"""

import re
from collections import Counter

from bot.sandbox.claude.errors import invalid
from bot.sandbox.claude.models import Model
from bot.sandbox.claude.prompt import Json

# The tools that the API runs or knows by itself, with the names that they must have (SDK).
NAMED = {
    "web_search": ("20250305", "20260209", "20260318"),
    "web_fetch": ("20250910", "20260209", "20260309", "20260318"),
    "code_execution": ("20250522", "20250825", "20260120", "20260521"),
    "memory": ("20250818",),
    "bash": ("20250124",),
    "tool_search_tool_bm25": ("20251119",),
    "tool_search_tool_regex": ("20251119",),
    "str_replace_based_edit_tool": ("20250728",),
}
TYPES = {f"{name}_{version}": name for name, versions in NAMED.items() for version in versions}
TYPES["text_editor_20250728"] = "str_replace_based_edit_tool"
WEB_SEARCH = {
    *("type", "name", "max_uses", "allowed_domains", "blocked_domains", "user_location", "cache_control"),
    *("allowed_callers", "defer_loading", "strict"),
}


def check_tools(body: Json, model: Model) -> None:
    names = set()
    for at, tool in enumerate(body.get("tools") or []):
        kind = tool.get("type") or "custom"
        if kind == "mcp_toolset":
            continue
        if kind != "custom" and kind not in TYPES:
            raise invalid(f"tools.{at}", f"Input tag '{kind}' does not match any of the expected tags")
        name = tool["name"]
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            raise invalid(f"tools.{at}.{kind}.name", "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
        if kind != "custom" and name != TYPES[kind]:
            raise invalid(f"tools.{at}.{kind}.name", f"Input should be '{TYPES[kind]}'")
        if name in names:
            raise invalid("tools", "Tool names must be unique.")
        names.add(name)
        if kind == "custom":
            _check_custom(f"tools.{at}.custom", tool)
        elif name == "web_search":
            _check_web_search(f"tools.{at}.{kind}", tool)
    _check_servers(body)
    _check_choice(body, model, names)


def _check_custom(path: str, tool: Json) -> None:
    if tool.get("input_schema") is None:
        raise invalid(f"{path}.input_schema", "Field required")
    if tool["input_schema"].get("type") != "object":
        raise invalid(f"{path}.input_schema.type", "Input should be 'object'")


def _check_web_search(path: str, tool: Json) -> None:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool"""
    allowed = WEB_SEARCH | ({"response_inclusion"} if tool["type"] >= "web_search_20260318" else set())
    if unknown := sorted(tool.keys() - allowed):
        raise invalid(f"{path}.{unknown[0]}", "Extra inputs are not permitted")
    if tool.get("max_uses") is not None and tool["max_uses"] < 1:
        raise invalid(f"{path}.max_uses", "Input should be greater than 0")
    if tool.get("allowed_domains") and tool.get("blocked_domains"):
        raise invalid(path, "only one of allowed_domains and blocked_domains may be given")


def _check_servers(body: Json) -> None:
    """Each server has one toolset, and each toolset a server."""
    servers = Counter(server["name"] for server in body.get("mcp_servers") or [])
    for at, server in enumerate(body.get("mcp_servers") or []):
        if server["type"] != "url":
            raise invalid(f"mcp_servers.{at}.type", "Input should be 'url'")
        if not server["url"].startswith("https://"):
            raise invalid(f"mcp_servers.{at}.url", "URL should use https")
        if servers[server["name"]] > 1:
            raise invalid("mcp_servers", "MCP server names must be unique")
    tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "mcp_toolset"]
    used = Counter(tool["mcp_server_name"] for tool in tools)
    for name in used:
        if name not in servers:
            raise invalid("tools", f"mcp_toolset references the MCP server '{name}', which is not in mcp_servers")
    for name in servers:
        if used[name] != 1:
            raise invalid("mcp_servers", f"MCP server '{name}' must be referenced by exactly one mcp_toolset")


def _check_choice(body: Json, model: Model, names: set[str]) -> None:
    if (choice := body.get("tool_choice")) is None:
        return
    if choice["type"] not in ("auto", "any", "tool", "none"):
        raise invalid("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'")
    if not body.get("tools"):
        raise invalid("tool_choice", "tool_choice may only be specified while providing tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise invalid("", f"Tool '{choice.get('name')}' not found in provided tools")
    if choice["type"] in ("any", "tool") and not model.forced_tools:
        raise invalid("tool_choice", f"type '{choice['type']}' is not supported on this model. Use 'auto'.")

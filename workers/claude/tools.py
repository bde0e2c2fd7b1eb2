"""The tools that Claude may use: web search and MCP servers. Anthropic runs both, and both are off by default.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool and
https://platform.claude.com/docs/en/agents-and-tools/mcp-connector
"""

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot import models
from bot.settings import SettingError, Settings

# The first version, because every model takes it, and later ones run code.
WEB_SEARCH = "web_search_20250305"
MCP = "mcp-client-2025-11-20"
MOST_BYTES = 1_000_000
FIELDS = {"name", "url", "authorization_token"}


def tools(settings: Settings, model: str) -> dict[str, Any]:
    """The parameters of a request for the tools of the settings: `tools`, `mcp_servers`, `betas` and `thinking`.

    They are the same bytes each time, so that the prompt cache finds them. Between tool calls the newest models
    describe their work in thinking blocks, which are empty unless the request asks for summaries. It does ask, so that
    the thread's status can show them. Raises SettingError if the file of servers is missing or malformed.
    """
    servers = load(settings.mcp_servers) if settings.mcp_servers else []
    tools: list[dict[str, Any]] = []
    if settings.web_search:
        tools.append({"type": WEB_SEARCH, "name": "web_search", "max_uses": settings.web_search_uses})
    tools += [{"type": "mcp_toolset", "mcp_server_name": server["name"]} for server in servers]
    if not tools:
        return {}
    parameters: dict[str, Any] = {"tools": tools}
    if servers:
        parameters |= {"mcp_servers": servers, "betas": [MCP]}
    if models.find(model).thinking[:1] == ("adaptive",):
        parameters |= models.options(model, thinking="summarized")
    return parameters


@cache
def load(path: Path) -> list[dict[str, str]]:
    """The MCP servers of a JSON or TOML file, sorted by name: `servers`, each a `name`, `url`, `authorization_token`.

    The file is read once, because a change would break the prefixes of threads (invariant 11). Raises SettingError.
    """
    content = _content(path)
    servers = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(servers, list):
        raise SettingError(f"MCP_SERVERS: {path} has no list `servers`. Each server has a `name` and a `url`.")
    checked = [_server(server, f"MCP_SERVERS: server {at} of {path}") for at, server in enumerate(servers, 1)]
    if len({server["name"] for server in checked}) < len(checked):
        raise SettingError(f"MCP_SERVERS: {path} has two servers of one name. Rename one.")
    return sorted(checked, key=lambda server: server["name"])


def _content(path: Path) -> Any:
    """What the file says. Raises SettingError, whatever kind of file it is."""
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:
        raise SettingError(f"MCP_SERVERS: {path} cannot be read ({type(error).__name__}). Correct the path.") from None
    if len(data) > MOST_BYTES:
        raise SettingError(f"MCP_SERVERS: {path} has more than {MOST_BYTES:,} bytes. Correct the path.")
    try:
        # Some editors begin a file with a mark (BOM).
        text = data.decode("utf-8-sig")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        # JSON can name half a character (\ud800), which no request can carry.
        json.dumps(content, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError):
        raise SettingError(f"MCP_SERVERS: {path} is no valid JSON or, ending in .toml, TOML.") from None
    return content


def _server(server: Any, where: str) -> dict[str, str]:
    if not isinstance(server, Mapping) or not all(isinstance(value, str) for value in server.values()):
        raise SettingError(f"{where} must have text fields only: `name`, `url` and, if needed, `authorization_token`.")
    if unknown := server.keys() - FIELDS:
        raise SettingError(f"{where} has fields that are not known: {', '.join(sorted(unknown))}.")
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", server.get("name", "")):
        raise SettingError(f"{where} needs a `name` of letters, digits, `_` and `-`.")
    if not _is_https(server.get("url", "")):
        raise SettingError(f"{where} needs a `url` that starts with https://.")
    return {"type": "url", **{name: server[name] for name in sorted(server)}}


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)

"""What Claude may use while it answers: web search and MCP servers, both run by Anthropic, both off by default.

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

# The first version: every model takes it, and it alone runs no code of its own.
WEB_SEARCH = "web_search_20250305"
MCP = "mcp-client-2025-11-20"
FIELDS = {"name", "url", "authorization_token"}


def tools(settings: Settings, model: str) -> dict[str, Any]:
    """What a request gets for the tools of the settings: `tools`, `mcp_servers`, `betas`, and `thinking`.

    The same bytes each time, so that the prompt cache finds them. Between tools, the newest models say what they are
    doing in thinking blocks, which are empty unless asked for: they are asked for, so that a thread's status can tell.
    Raises SettingError for a file of servers that is missing or malformed.
    """
    servers = load(settings.mcp_servers) if settings.mcp_servers else []
    found: list[dict[str, Any]] = []
    if settings.web_search:
        found.append({"type": WEB_SEARCH, "name": "web_search", "max_uses": settings.web_search_uses})
    found += [{"type": "mcp_toolset", "mcp_server_name": server["name"]} for server in servers]
    if not found:
        return {}
    request: dict[str, Any] = {"tools": found}
    if servers:
        request |= {"mcp_servers": servers, "betas": [MCP]}
    thinks = models.find(model).thinking[:1] == ("adaptive",)
    return request | (models.options(model, thinking="summarized") if thinks else {})


@cache
def load(path: Path) -> list[dict[str, str]]:
    """The MCP servers of a file, by name: JSON or TOML with `servers`, each a `name`, `url`, `authorization_token`.

    Read once: a change in the middle of threads would break their prefixes (invariant 11). Raises SettingError.
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8")
        content: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise SettingError(f"MCP_SERVERS: {path} cannot be read ({type(error).__name__}). Correct the path.") from None
    except ValueError:
        raise SettingError(f"MCP_SERVERS: {path} is no valid JSON or, ending in .toml, TOML.") from None
    servers = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(servers, list):
        raise SettingError(f"MCP_SERVERS: {path} has no list `servers`. Each server has a `name` and a `url`.")
    found = [_server(server, f"MCP_SERVERS: server {at} of {path}") for at, server in enumerate(servers, 1)]
    if len({server["name"] for server in found}) < len(found):
        raise SettingError(f"MCP_SERVERS: {path} has two servers of one name. Rename one.")
    return sorted(found, key=lambda server: server["name"])


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

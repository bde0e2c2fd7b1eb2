"""Turns the web pages that Claude cites into Markdown links behind the sentence.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool: citations must be shown, as links.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

# These characters need no escape in the target of a Markdown link.
SAFE = "/:?#@!$&'*+,;=%~-._"


def links(citations: Iterable[Mapping[str, Any]]) -> str:
    """` ([host](url), …)` with each address once, or "". The host is the text, so people see where a link leads."""
    hosts: dict[str, str] = {}
    for citation in citations:
        url = citation.get("url")
        if not isinstance(url, str):
            continue
        host = _host(url)
        if host:
            hosts.setdefault(quote(url, safe=SAFE), host)
    if not hosts:
        return ""
    links = ", ".join(f"[{host}]({url})" for url, host in hosts.items())
    return f" ({links})"


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None
    return quote(host.removeprefix("www."), safe=".-") if host else None

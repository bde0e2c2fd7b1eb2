"""What Claude cites from the web, as Markdown links behind the sentence.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool: citations must be shown, as links.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

# What may stand in the target of a Markdown link as it is.
SAFE = "/:?#@!$&'*+,;=%~-._"


def links(citations: Iterable[Mapping[str, Any]]) -> str:
    """` ([host](url), …)` with each address once, or nothing. The host is the text: it says where a link leads."""
    found: dict[str, str] = {}
    for citation in citations:
        url = citation.get("url")
        if isinstance(url, str) and (host := _host(url)):
            found.setdefault(quote(url, safe=SAFE), host)
    return f" ({', '.join(f'[{host}]({url})' for url, host in found.items())})" if found else ""


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        return None
    return quote(host.removeprefix("www."), safe=".-") if host else None

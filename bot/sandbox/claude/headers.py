"""What the headers of a request say: whose key it has, by which version's rules it goes, and which betas it names."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sandbox.claude.errors import ApiError, invalid

# https://platform.claude.com/docs/en/api/versioning. The first one is played by the second one's rules: the Messages
# API is younger than both.
VERSION = "2026-10-21"
OLDER_VERSIONS = ("2023-01-01", "2023-06-01")

COMPACT_EDIT, COMPACT_WHOLE = "compact-2026-01-12", "compact-2026-09-04"
FALLBACK, FALLBACK_DEFAULT = "server-side-fallback-2026-06-01", "server-side-fallback-2026-07-01"
BINDING = "thinking-binding-controls-2026-08-01"
MCP, CREDIT = "mcp-client-2025-11-20", "fallback-credit-2026-07-01"
# The SDK adds these by itself: the first with the tokens of a profile, the second to each count of its beta client
# (observed).
OAUTH, COUNTING = "oauth-2025-04-20", "token-counting-2024-11-01"
PLAYED = frozenset({OAUTH, COUNTING, COMPACT_EDIT, COMPACT_WHOLE, FALLBACK, FALLBACK_DEFAULT, BINDING, MCP, CREDIT})
# What these once switched on belongs to the API today, or changes nothing in what the sandbox plays (SDK). The
# parameters of a beta that is not played are refused as unknown ones.
WITHOUT_EFFECT = frozenset(
    {
        "code-execution-2025-05-22",
        "computer-use-2024-10-22",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "dev-full-thinking-2025-05-14",
        "extended-cache-ttl-2025-04-11",
        "files-api-2025-04-14",
        "fine-grained-tool-streaming-2025-05-14",
        "interleaved-thinking-2025-05-14",
        "message-batches-2024-09-24",
        "model-context-window-exceeded-2025-08-26",
        "output-128k-2025-02-19",
        "output-300k-2026-03-24",
        "pdfs-2024-09-25",
        "prompt-caching-2024-07-31",
        "skills-2025-10-02",
        "structured-outputs-2025-11-13",
        "thinking-display-updates-2026-08-18",
        "thinking-token-count-2026-05-13",
        "token-efficient-tools-2025-02-19",
    }
)
BETAS = PLAYED | WITHOUT_EFFECT


@dataclass(frozen=True)
class Rules:
    """The rules by which a request is checked: the betas that it names, and whether its version is an older one."""

    betas: frozenset[str] = frozenset()
    older: bool = False


def check_key(headers: Mapping[str, str], key: str) -> None:
    """Raises 401 unless the key comes in one of the two headers in which the API takes it.

    The texts are observed. Where both headers come, both have to be right (inferred).
    """
    authorization, named = headers.get("Authorization"), headers.get("x-api-key")
    if not authorization and not named:
        raise ApiError(401, "x-api-key header is required")
    if named and named != key:
        raise ApiError(401, "invalid x-api-key")
    scheme, _, token = (authorization or "").partition(" ")
    if authorization and (scheme.lower() != "bearer" or token.strip() != key):
        raise ApiError(401, "Invalid bearer token")


def check_headers(headers: Mapping[str, str]) -> Rules:
    """Raises 400 for a missing or unknown version, and for a beta that the sandbox does not know; texts observed."""
    version = headers.get("anthropic-version")
    if not version:
        raise invalid("anthropic-version", "header is required")
    if version not in (VERSION, *OLDER_VERSIONS):
        raise invalid("anthropic-version", f'"{version}" is not a valid version')
    betas = frozenset(beta.strip() for beta in headers.get("anthropic-beta", "").split(",") if beta.strip())
    if unknown := ", ".join(f"`{beta}`" for beta in sorted(betas - BETAS)):
        told = "Please consult our documentation at platform.claude.com/docs or try again without the header."
        raise invalid("", f"Unexpected value(s) {unknown} for the `anthropic-beta` header. {told}")
    return Rules(betas, version != VERSION)

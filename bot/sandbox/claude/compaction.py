"""Compaction on demand: a signed block stands for the conversation so far. It comes first in `messages`, unchanged.

https://platform.claude.com/docs/en/build-with-claude/compaction-on-demand; texts of refusals are inferred.
"""

import hashlib

from bot.sandbox.claude.errors import ApiError
from bot.sandbox.claude.prompt import Json, blocks

_MARK = "parley-sandbox-compaction-"


def sign(content: str) -> str:
    """The signature of a block with this summary."""
    return _MARK + hashlib.sha256(content.encode()).hexdigest()


def check(messages: list[Json], threshold: bool) -> None:
    """Raises 400 for a compaction block that does not come first or was changed.

    `threshold` says whether the request's betas allow compaction at a threshold. Its blocks have no signature and are
    not checked here.
    """
    found = [
        (at, part, block)
        for at, message in enumerate(messages)
        for part, block in enumerate(blocks(message["content"]))
        if block["type"] == "compaction" and block.get("content") is not None
        if block.get("signature") or not threshold
    ]
    if len(found) > 1:
        raise _refused("compaction_block_ambiguous", "`messages` holds more than one `compaction` block")
    for at, part, block in found:
        where = f"messages.{at}.content.{part}"
        if (at, part) != (0, 0):
            raise _refused("compaction_block_misplaced", f"{where}: the `compaction` block must come first")
        signature = block.get("signature") or ""
        if not signature.startswith(_MARK):
            raise _refused("compaction_signature_invalid", f"{where}: the block's `signature` does not verify")
        if signature != sign(block["content"]):
            raise _refused("compaction_content_mismatch", f"{where}: the block's `content` is not what was signed")


def check_request(body: Json) -> None:
    """Raises 400 for a request that cannot be summed up: by one of its parameters, or an unanswered tool call."""
    for name, told in (("stop_sequences", body.get("stop_sequences")), ("output_config.format", _format(body))):
        if told:
            raise ApiError(400, f"{name}: cannot be combined with compaction")
    last = blocks(body["messages"][-1]["content"])[-1]
    if last["type"] == "tool_use":
        raise _refused("compaction_incomplete_turn", "the last `assistant` turn has a tool call without its result")


def _format(body: Json) -> object:
    return (body.get("output_config") or {}).get("format")


def _refused(code: str, message: str) -> ApiError:
    return ApiError(400, message, code=code)

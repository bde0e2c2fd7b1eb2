"""Thinking blocks are bound to the model and the conversation in which they were made.

https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
"""

import base64
import binascii
import hashlib
import json

from bot.sandbox.claude.errors import invalid
from bot.sandbox.claude.models import Model
from bot.sandbox.claude.prompt import THINKING, Json, blocks

_MARK = "parley-sandbox"


def sign(model: str, body: Json) -> str:
    """The signature of a thinking block that answers `body`."""
    return _signature(model, _prefixes(body)[-1])


def check(body: Json, model: Model) -> dict[str, str]:
    """The paths of the thinking blocks that the model does not see, and for each the reason.

    Raises 400 for a signature that the sandbox did not make, and for a changed conversation if the model refuses those.
    """
    prefixes, dropped = _prefixes(body), {}
    binding = (body.get("thinking") or {}).get("block_binding") or {}
    for at, message in enumerate(body["messages"]):
        content = blocks(message["content"])
        if any(block["type"] == "compaction" for block in content):
            continue
        for part, block in enumerate(content):
            if block["type"] != "thinking":
                continue
            path = f"messages.{at}.content.{part}"
            maker = _maker(path, block["signature"])
            if maker != model.id:
                dropped[path] = "model_binding_mismatch"
                continue
            if model.binding is None or block["signature"] == _signature(maker, prefixes[at]):
                continue
            if model.binding == "refuse" and binding.get("prefix_mismatch_behavior") != "drop_block":
                raise invalid(
                    path,
                    "Invalid signature in thinking block. The block is bound to a different conversation. Remove the "
                    'block, or set thinking.block_binding.prefix_mismatch_behavior to "drop_block".',
                )
            dropped[path] = "prefix_binding_mismatch"
    return dropped


def _prefixes(body: Json) -> list[str]:
    """For each message a digest of all that precedes it, and last one of all. Thinking and cache marks do not count."""
    state = hashlib.sha256(_plain([*(body.get("tools") or []), *blocks(body.get("system"))]))
    found = [state.hexdigest()]
    for message in body["messages"]:
        content = [block for block in blocks(message["content"]) if block["type"] not in THINKING]
        if any(block["type"] == "compaction" for block in content):
            state = hashlib.sha256()
        state.update(b"".join(message["role"].encode() + _plain([block]) for block in content))
        found.append(state.hexdigest())
    return found


def _plain(content: list[Json]) -> bytes:
    kept = [{key: value for key, value in block.items() if key != "cache_control" and value} for block in content]
    return json.dumps(kept, sort_keys=True).encode()


def _signature(model: str, prefix: str) -> str:
    return base64.b64encode(f"{_MARK}|{model}|{prefix}".encode()).decode()


def _maker(path: str, signature: str) -> str:
    try:
        mark, model, _ = base64.b64decode(signature, validate=True).decode().split("|")
    except (binascii.Error, ValueError):
        mark = model = ""
    if mark != _MARK:
        raise invalid(path, "Invalid `signature` in `thinking` block")
    return model

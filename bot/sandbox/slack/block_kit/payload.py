"""Block Kit payloads as a whole: how many blocks, how long, and a block_id for each."""

import itertools
from typing import Any

from bot.sandbox.slack.block_kit.blocks import block as check_block
from bot.sandbox.slack.block_kit.check import Check
from bot.sandbox.slack.methods import Refused
from bot.sandbox.slack.world.records import JSON

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
"""https://docs.slack.dev/reference/block-kit/blocks"""

MARKDOWN = 12_000
"""Over all markdown blocks: https://docs.slack.dev/reference/block-kit/blocks/markdown-block"""

CHARACTERS = 13_200
"""Over all blocks of a message. Observed: https://github.com/slackapi/bolt-js/issues/2509"""

MOST_OF_A_KIND = {"table": 1, "data_visualization": 2}
"""Tables: https://docs.slack.dev/reference/block-kit/blocks/table-block; charts: observed."""

TABLE_CHARACTERS = 10_000
"""Over all tables of a message: https://docs.slack.dev/reference/block-kit/blocks/table-block"""

_numbers = itertools.count(1)


def checked(given: Any, surface: str, root: str = "") -> list[JSON]:
    """The blocks, each with a block_id; an empty list if none are given. `surface` is "message", "modal" or "home".

    `root` is the JSON pointer of the object that has the blocks, if that is not the payload itself.

    Raises Refused: invalid_blocks_format, msg_blocks_too_many, msg_blocks_too_long, or invalid_blocks with what is
    wrong and where in `response_metadata`.
    """
    if given is None or given == []:
        return []
    if not isinstance(given, list) or not all(isinstance(block, dict) for block in given):
        raise Refused("invalid_blocks_format")
    if len(given) > MOST_BLOCKS[surface]:
        if surface == "message":
            raise Refused("msg_blocks_too_many")
        raise invalid([f"no more than {MOST_BLOCKS[surface]} items allowed [json-pointer:/view/blocks]"])
    check = Check(surface)
    for number, block in enumerate(given):
        check_block(check, block, f"{root}/blocks/{number}")
    _whole(check, given)
    if check.problems:
        raise invalid(check.problems)
    if surface == "message" and _characters(given) > CHARACTERS:
        raise Refused("msg_blocks_too_long")
    return named(given)


def named(blocks: list[JSON]) -> list[JSON]:
    """The blocks, each with a block_id; like Slack, make one up for a block without."""
    return [block if block.get("block_id") else {**block, "block_id": f"b{next(_numbers):05d}"} for block in blocks]


def invalid(problems: list[str], error: str = "invalid_blocks") -> Refused:
    return Refused(
        error, errors=problems, response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]}
    )


def _whole(check: Check, blocks: list[JSON]) -> None:
    """Check what holds for all blocks together."""
    if sum(len(b["text"]) for b in blocks if b.get("type") == "markdown" and isinstance(b.get("text"), str)) > MARKDOWN:
        check.wrong(f"markdown blocks must be less than {MARKDOWN + 1} characters in all", "/blocks")
    for kind, most in MOST_OF_A_KIND.items():
        if sum(block.get("type") == kind for block in blocks) > most:
            check.wrong(f"no more than {most} blocks of type {kind} allowed", "/blocks")
    tables = [block.get("rows") for block in blocks if block.get("type") in ("table", "data_table")]
    if tables and _characters(tables) > TABLE_CHARACTERS:
        check.wrong(f"tables must be less than {TABLE_CHARACTERS + 1} characters in all", "/blocks")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    for repeated in {name for name in ids if ids.count(name) > 1}:
        check.wrong(f"block_id {repeated} already exists", "/blocks")


def _characters(value: Any) -> int:
    """How many characters are shown: those of every string under a key "text", at any depth."""
    if isinstance(value, dict):
        return sum(
            len(part) if isinstance(part, str) and key == "text" else _characters(part)
            for key, part in value.items()
            if not isinstance(part, str) or key == "text"
        )
    if isinstance(value, list):
        return sum(_characters(part) for part in value)
    return 0

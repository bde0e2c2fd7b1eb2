"""Payloads as slack_sdk's models see them: what Slack publishes about their shapes, and nothing of ours."""

import copy
import json
import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.attachments import Attachment, BlockAttachment
from slack_sdk.models.blocks import Block, RawNumberObject, RawTextObject, RichTextBlock
from slack_sdk.models.messages.chunk import Chunk
from slack_sdk.models.metadata import Metadata
from slack_sdk.models.views import View

from bot.sandbox.journal import Entry

Json = dict[str, Any]

CELLS = {"raw_text": RawTextObject, "raw_number": RawNumberObject, "rich_text": RichTextBlock}
WITHOUT_MODEL = ("data_visualization",)
"""Blocks that slack_sdk has no model for; only the sandbox checks them."""
PARTS = ("blocks", "attachments", "view", "metadata", "chunks")
"""The arguments of a call that have a model."""


def faults(sent: Iterable[Entry]) -> list[str]:
    """What the models find wrong with the calls to Slack among these entries of a journal; each fault once."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    for entry in sent:
        if entry.kind != "slack.request":
            continue
        for name in PARTS:
            text = as_json(entry.data.get(name))
            if text is None or text in seen:
                continue
            seen.add(text)
            found.update((f"{entry.name}: {fault}", None) for fault in faults_of(name, json.loads(text)))
    return list(found)


KEPT = "SENT_CALLS"
"""The environment variable that names a folder for the calls of a run, which tests/proof holds against more types."""


def keep(sent: Iterable[Entry]) -> None:
    """Write the calls to Slack among these entries into that folder, if there is one; those of one form once."""
    folder = os.environ.get(KEPT)
    if not folder:
        return
    calls: dict[str, Json] = {}
    for entry in sent:
        if entry.kind == "slack.request":
            arguments = {name: _decoded(name, value) for name, value in entry.data.items()}
            call = {"method": entry.name, "arguments": arguments}
            calls.setdefault(json.dumps(_form(call)), call)
    Path(folder, f"{uuid.uuid4()}.json").write_text(json.dumps(list(calls.values())))


def _decoded(name: str, value: Any) -> Any:
    return json.loads(value) if name in PARTS and isinstance(value, str) and value else value


def _form(value: Any, key: str = "") -> Any:
    """What stays of a payload if one does not look at its words and figures; words that choose a form stay."""
    if isinstance(value, dict):
        return {name: _form(one, name) for name, one in sorted(value.items())}
    if isinstance(value, list):
        forms = [json.dumps(_form(one)) for one in value]
        return sorted(set(forms))
    if isinstance(value, str) and key not in ("type", "style", "method", "status", "align", "range"):
        return "a string"
    return value if isinstance(value, str) else type(value).__name__


def as_json(argument: Any) -> str | None:
    """An argument that a form carries as a string already, and a JSON body as it is."""
    if argument is None or argument == "":
        return None
    return argument if isinstance(argument, str) else json.dumps(argument)


def faults_of(name: str, given: Any) -> list[str]:
    """What is wrong with one argument; `name` is one of PARTS."""
    match name:
        case "blocks":
            return faults_of_blocks(given)
        case "attachments":
            return [fault for one in given for fault in _faults_of_attachment(one)]
        case "view":
            return [*_differences(View, given), *faults_of_blocks(given["blocks"])]
        case "metadata":
            return _differences(Metadata, given) if given else []
        case _:
            return [fault for chunk in given for fault in _faults_of_chunk(chunk)]


def faults_of_blocks(blocks: list[Json]) -> list[str]:
    return [fault for block in blocks for fault in _faults_of_block(block)]


def _faults_of_block(block: Json) -> list[str]:
    if block.get("type") in WITHOUT_MODEL:
        return []
    if block.get("type") in ("data_table", "table"):
        cells = [cell for row in block["rows"] for cell in row]
        found = [fault for cell in cells for fault in _faults_of_cell(cell)]
        return found if block["type"] == "data_table" else [*found, *_differences(Block.parse, block)]
    return _differences(Block.parse, block)


def _faults_of_cell(cell: Json) -> list[str]:
    model = CELLS.get(str(cell.get("type")))
    return [f"unknown cell {cell}"] if model is None else _differences(model, cell)


def _faults_of_attachment(attachment: Json) -> list[str]:
    blocks = attachment.get("blocks")
    if blocks is None:
        return _differences(Attachment, attachment)
    return [*_differences(BlockAttachment, {**attachment, "blocks": []}), *faults_of_blocks(blocks)]


def _faults_of_chunk(chunk: Json) -> list[str]:
    if chunk.get("type") == "blocks":
        return faults_of_blocks(chunk["blocks"])
    return _differences(Chunk.parse, chunk)


def _differences(model: Any, given: Json) -> list[str]:
    """Whether the model takes what is given, finds it valid, and gives back the same: no field is unknown to it."""
    arguments = copy.deepcopy(given)
    if model in CELLS.values():
        del arguments["type"]
    try:
        parsed = model(arguments) if model in (Block.parse, Chunk.parse) else model(**arguments)
        if parsed is None:
            return [f"no model for {given}"]
        again = parsed.to_dict()
    except (TypeError, AttributeError, SlackObjectFormationError) as error:
        return [f"{error}: {given}"]
    if _filled(again) != _filled(given):
        return [f"{given} is read as {again}"]
    return []


def _filled(value: Any) -> Any:
    """Without fields that are empty: models leave them out."""
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one not in (None, "", [])}
    if isinstance(value, list | tuple):
        return [_filled(one) for one in value]
    return value

"""The calls of the scenarios, and the sandbox's own rules, held against the types that Slack publishes for TypeScript.

TypeScript's compiler reads them; nothing of it runs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.block_kit import blocks, elements, objects
from bot.sandbox.slack.block_kit.check import Shape
from bot.sandbox.slack.streams import CHUNKS
from tests.kit.published import KEPT, WITHOUT_MODEL

pytestmark = pytest.mark.proof

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
SAMPLE = ["usage", "home", "shortcut", "buttons", "streaming", "files", "comments", "steering"]
"""Scenarios that send every kind of payload; run where no earlier run of the tests has kept what it sent."""

OWN_NAMES = {"response_url": "RespondArguments"}
NOT_STRINGS = ("files", "include_all_metadata", "inclusive", "length", "limit")
"""Arguments that a form carries as a string of JSON; booleans as 0 and 1."""
COMPILE = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext"]


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """Each call to Slack that scenarios made, one of each form."""
    folder = Path(os.environ.get(KEPT) or tmp_path_factory.mktemp("sent"))
    if not any(folder.glob("*.json")):
        tests = [f"tests/scenarios/test_{name}.py" for name in SAMPLE]
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--timeout", "600", *tests]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            command, cwd=ROOT, env={**environ, KEPT: str(folder)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:]
    return [call for path in sorted(folder.glob("*.json")) for call in json.loads(path.read_text())]


def compiled(folder: Path, name: str, lines: list[str]) -> str:
    """What the compiler says about these lines; nothing if it has no complaint."""
    (folder / name).write_text("\n".join(lines))
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", *COMPILE, name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def type_of(method: str) -> str:
    """`chat.postMessage` takes ChatPostMessageArguments."""
    words = "".join(part[0].upper() + part[1:] for part in method.split("."))
    return OWN_NAMES.get(method, f"{words}Arguments")


def typed(arguments: Json) -> Json:
    found = {name: json.loads(value) if name in NOT_STRINGS else value for name, value in arguments.items()}
    for name in ("include_all_metadata", "inclusive"):
        if name in found:
            found[name] = bool(found[name])
    if found.get("blocks"):
        found["blocks"] = known(found["blocks"])
    return found


def known(given: list[Json]) -> list[Json]:
    """Blocks for which there is a type."""
    return [block for block in given if block["type"] not in WITHOUT_MODEL]


def lists_of_blocks(arguments: Json) -> Iterator[list[Json]]:
    """The argument types let any block pass that has a type; each is asked for by its own."""
    yield arguments.get("blocks") or []
    yield (arguments.get("view") or {}).get("blocks") or []
    for holder in [*(arguments.get("attachments") or []), *(arguments.get("chunks") or [])]:
        yield holder.get("blocks") or []


def as_typescript(calls: list[Json]) -> list[str]:
    methods = sorted({call["method"] for call in calls})
    names = sorted({type_of(method) for method in methods} - set(OWN_NAMES.values()))
    lines = [
        'import type { KnownBlock } from "@slack/types";',
        'import type { RespondArguments } from "@slack/bolt";',
        f'import type {{ {", ".join(names)} }} from "@slack/web-api";',
        "export type Used = [RespondArguments, KnownBlock];",
    ]
    for number, call in enumerate(calls):
        arguments = typed(call["arguments"])
        lines.append(f"export const call{number}: {type_of(call['method'])} = {json.dumps(arguments)};")
        lines += [
            f"export const blocks{number}_{at}: KnownBlock[] = {json.dumps(given)};"
            for at, given in enumerate(lists_of_blocks(arguments))
            if given
        ]
    return lines


@pytest.mark.timeout(900)
def test_what_scenarios_send_has_the_published_types(node_folder: Path, sent: list[Json]) -> None:
    methods = {call["method"] for call in sent}
    assert {"chat.postMessage", "chat.update", "views.open", "views.publish", "response_url"} <= methods
    assert compiled(node_folder, "calls.ts", as_typescript(sent)) == ""


def test_a_call_that_has_not_is_seen(node_folder: Path) -> None:
    head, number = {"type": "raw_text", "text": "Cost"}, {"type": "raw_number", "value": 1}
    table = {"type": "data_table", "caption": "Usage", "rows": [[head], [number]]}
    wrong = {"method": "chat.postMessage", "arguments": {"channel": "C1", "text": "hi", "blocks": [table]}}
    extra = {"method": "chat.update", "arguments": {"channel": "C1", "ts": "1.1", "text": "hi", "unfurl_links": False}}
    told = compiled(node_folder, "wrong.ts", as_typescript([wrong, extra]))
    assert "Property 'text' is missing" in told
    assert "'\"unfurl_links\"' does not exist" in told


# The sandbox's rules

INTERFACES: dict[str, Shape] = {
    "ActionsBlock": blocks.BLOCKS["actions"],
    "ContextActionsBlock": blocks.BLOCKS["context_actions"],
    "ContextBlock": blocks.BLOCKS["context"],
    "DataTableBlock": blocks.BLOCKS["data_table"],
    "DividerBlock": blocks.BLOCKS["divider"],
    "HeaderBlock": blocks.BLOCKS["header"],
    "ImageBlock": blocks.BLOCKS["image"],
    "InputBlock": blocks.BLOCKS["input"],
    "MarkdownBlock": blocks.BLOCKS["markdown"],
    "RichTextBlock": blocks.BLOCKS["rich_text"],
    "SectionBlock": blocks.BLOCKS["section"],
    "TableBlock": blocks.BLOCKS["table"],
    "HomeView": blocks.VIEWS["home"],
    "ModalView": blocks.VIEWS["modal"],
    "ImageElement": elements.IMAGE,
    "Button": elements.BUTTONS["button"],
    "Overflow": elements.BUTTONS["overflow"],
    "WorkflowButton": elements.BUTTONS["workflow_button"],
    "FeedbackButtons": elements.CONTEXT_BUTTONS["feedback_buttons"],
    "IconButton": elements.CONTEXT_BUTTONS["icon_button"],
    "ChannelsSelect": elements.PICKERS["channels_select"],
    "Checkboxes": elements.PICKERS["checkboxes"],
    "ConversationsSelect": elements.PICKERS["conversations_select"],
    "Datepicker": elements.PICKERS["datepicker"],
    "ExternalSelect": elements.PICKERS["external_select"],
    "MultiChannelsSelect": elements.PICKERS["multi_channels_select"],
    "MultiConversationsSelect": elements.PICKERS["multi_conversations_select"],
    "MultiExternalSelect": elements.PICKERS["multi_external_select"],
    "MultiStaticSelect": elements.PICKERS["multi_static_select"],
    "MultiUsersSelect": elements.PICKERS["multi_users_select"],
    "RadioButtons": elements.PICKERS["radio_buttons"],
    "StaticSelect": elements.PICKERS["static_select"],
    "Timepicker": elements.PICKERS["timepicker"],
    "UsersSelect": elements.PICKERS["users_select"],
    "DateTimepicker": elements.DATE_AND_TIME["datetimepicker"],
    "RichTextInput": elements.RICH_INPUT["rich_text_input"],
    "EmailInput": elements.FIELDS["email_text_input"],
    "FileInput": elements.FIELDS["file_input"],
    "NumberInput": elements.FIELDS["number_input"],
    "PlainTextInput": elements.FIELDS["plain_text_input"],
    "URLInput": elements.FIELDS["url_text_input"],
    "ConfirmationDialog": objects.CONFIRM,
    "DispatchActionConfig": objects.DISPATCH,
    "MrkdwnElement": objects.TEXTS["mrkdwn"],
    "PlainTextElement": objects.TEXTS["plain_text"],
    "OptionGroup": objects.OPTION_GROUP,
    "PlainTextOption": objects.OVERFLOW_OPTION,
    "SlackFile": objects.SLACK_FILE,
    "BlocksChunk": CHUNKS["blocks"],
    "MarkdownTextChunk": CHUNKS["markdown_text"],
    "PlanUpdateChunk": CHUNKS["plan_update"],
    "TaskUpdateChunk": CHUNKS["task_update"],
}
IN_SLACK_SDK_ALONE = {
    "Button": {"agent_prompt", "agent_prompt_display", "visible_to_user_ids"},
    "ModalView": {"submit_disabled"},
}
"""Fields that slack_sdk's models or the reference pages name, and @slack/types does not."""
HEAD = """
type Keys<T> = T extends unknown ? keyof T : never;
type Needed<T> = { [K in keyof T]-?: {} extends Pick<T, K> ? never : K }[keyof T];
type Known<T, Ours, Alone> = [Exclude<Ours, Keys<T> | Alone>] extends [never] ? true : Exclude<Ours, Keys<T> | Alone>;
type All<T, Ours> = [Exclude<Keys<T>, Ours>] extends [never] ? true : Exclude<Keys<T>, Ours>;
type Asked<T, Ours> = [Exclude<Needed<T>, Ours>] extends [never] ? true : Exclude<Needed<T>, Ours>;
"""


def union(names: Iterator[str] | set[str] | tuple[str, ...]) -> str:
    return " | ".join(json.dumps(name) for name in sorted(names)) or "never"


def rules_as_typescript(interfaces: dict[str, Shape]) -> list[str]:
    """A line fails to compile for a field that only one side knows, and for one that only the published type needs."""
    lines = [f'import type {{ {", ".join(sorted(interfaces))} }} from "@slack/types";', HEAD]
    for name, shape in interfaces.items():
        fields, needs = union(set(shape.fields)), union({*shape.needs, "type"})
        alone = union(IN_SLACK_SDK_ALONE.get(name, set()))
        lines += [
            f"export const known{name}: Known<{name}, {fields}, {alone}> = true;",
            f"export const all{name}: All<{name}, {fields}> = true;",
            f"export const asked{name}: Asked<{name}, {needs}> = true;",
        ]
    return lines


def test_the_sandbox_knows_the_published_fields_and_asks_for_those_that_are_needed(node_folder: Path) -> None:
    assert compiled(node_folder, "rules.ts", rules_as_typescript(INTERFACES)) == ""


def test_a_rule_that_is_laxer_or_knows_other_fields_is_seen(node_folder: Path) -> None:
    header = blocks.BLOCKS["header"]
    lax = Shape({**header.fields, "colour": header.fields["text"]})
    told = compiled(node_folder, "lax.ts", rules_as_typescript({"HeaderBlock": lax}))
    assert told.count("error TS") == 2
    assert '"colour"' in told
    assert '"text"' in told

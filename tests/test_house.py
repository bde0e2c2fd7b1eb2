"""What holds for the project as a whole: who may import whom, and that what is written twice says the same."""

import ast
import dataclasses
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import manifest
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("bot", "workers") for path in (ROOT / folder).rglob("*.py"))
MOST_FILES = 25
MOST_PARAMETERS = 5

# The default is too long for a line of .env.example.
SHOWN_ELSEWHERE = {"SYSTEM_PROMPT"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, those inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def under(*folders: str) -> list[Path]:
    return [path for path in SOURCES if any(name(path).startswith(f"{folder}/") for folder in folders)]


# The arrows run one way


def room(path: Path) -> str:
    """The folder in which a file lives; a file of the top folders is a room of its own, and the sandbox is one room."""
    folder = str(path.parent.relative_to(ROOT))
    if folder.startswith("bot/sandbox"):
        return "bot/sandbox"
    return name(path) if folder in ("bot", "workers") and path.name != "__init__.py" else folder


def arrows() -> dict[str, set[str]]:
    """For each room, the other rooms that its files import, by the code."""
    modules = {name(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in SOURCES}
    found: dict[str, set[str]] = {room(path): set() for path in SOURCES}
    for path in SOURCES:
        for target in imports(path):
            while target and target not in modules:
                target = target.rpartition(".")[0]
            if target and room(modules[target]) != room(path):
                found[room(path)].add(room(modules[target]))
    return found


def printed_arrows() -> dict[str, set[str]]:
    """The same by the table of docs/design.md, in its order."""
    table = (ROOT / "docs/design.md").read_text().partition("| room | imports |")[2].partition("\n\n")[0]
    rows = re.findall(r"(?m)^\| `([\w/.]+)` \| (.*) \|$", table)
    return {name: set(re.findall(r"`([\w/.]+)`", imported)) for name, imported in rows}


def test_each_room_imports_what_the_table_of_the_design_says_and_nothing_else() -> None:
    code, table = arrows(), printed_arrows()
    # A package whose file is but a sentence imports nothing, and needs no row.
    rooms = {room for room, imported in code.items() if imported or room not in ("bot", "workers")}
    assert set(table) == rooms
    assert {room: sorted(code[room] ^ table[room]) for room in rooms if code[room] != table[room]} == {}


def test_each_room_imports_only_rooms_below_it() -> None:
    rooms = list(printed_arrows())
    for number, (room, imported) in enumerate(printed_arrows().items()):
        assert imported <= set(rooms[number + 1 :]), f"{room} imports a room above it"


@pytest.mark.parametrize("path", under("bot"), ids=name)
def test_the_bot_never_imports_the_workers_or_the_tests(path: Path) -> None:
    assert not [module for module in imports(path) if is_in(module, "workers") or is_in(module, "tests")]


def test_nothing_that_runs_in_production_loads_the_sandbox() -> None:
    load = "import sys, bot.cli, bot.serve, bot.ops.up, bot.ops.check, workers.cli; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not [module for module in said.stdout.split() if is_in(module, "bot.sandbox")]


def test_only_two_modules_know_claudes_sdk() -> None:
    users = [name(path) for path in SOURCES if any(is_in(module, "anthropic") for module in imports(path))]
    assert users == ["workers/claude/client.py", "workers/claude/events.py"]


def test_workers_take_no_bolt() -> None:
    assert not [name(path) for path in under("workers") if any(is_in(m, "slack_bolt") for m in imports(path))]


# Rooms, names and tests


def test_no_room_has_more_than_25_files() -> None:
    files = [path for path in SOURCES if path.name != "__init__.py"]
    counts = Counter(name(path.parent) for path in files)
    assert not {folder: count for folder, count in counts.items() if count > MOST_FILES}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=name)
def test_a_room_says_who_lives_there(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_the_drawing_of_the_house_names_every_module() -> None:
    """The sandbox's are not drawn one by one."""
    drawing = (ROOT / "docs/design.md").read_text().partition("```\nbot/")[2].partition("```")[0]
    words = set(re.findall(r"[\w.]+\.py", drawing))
    modules = [path for path in SOURCES if room(path) != "bot/sandbox" and path.name != "__init__.py"]
    assert [name(path) for path in modules if path.name not in words] == []
    assert words <= {path.name for path in modules}


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many a function takes, `self` not counted."""
    taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in taken)


def test_a_function_with_more_than_five_parameters_has_its_reason_in_the_design() -> None:
    """ruff allows no more than seven anywhere."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and parameters(node) > MOST_PARAMETERS:
                found.add(f"{name(path)}::{node.name}")
    listed = re.findall(r"(?m)^\| `([\w/.]+\.py::\w+)` \| .+ \|$", (ROOT / "docs/design.md").read_text())
    assert set(listed) == found


def types(path: Path) -> Iterator[str]:
    """The classes and named types that a file defines at its top."""
    for node in ast.parse(path.read_text()).body:
        names: list[str] = []
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        yield from (defined for defined in names if re.fullmatch(r"[A-Z][A-Za-z]*[a-z][A-Za-z]*", defined))


def test_no_two_types_have_one_name() -> None:
    """The sandbox is left out: it has Slack's and Claude's own words."""
    counts = Counter(defined for path in SOURCES if room(path) != "bot/sandbox" for defined in types(path))
    assert not [defined for defined, count in counts.items() if count > 1]


# Modules without tests at their path, and the tests that show what they do.
SHOWN_BY = {
    "bot/__main__.py": "tests/kit/parley.py",
    "bot/background.py": "tests/scenarios/test_buttons.py",
    "bot/commands": "tests/scenarios/test_steering.py",
    "bot/commands/command.py": "tests/scenarios/test_command.py",
    "bot/intake/intake.py": "tests/scenarios/alone/test_waiting.py",
    "bot/listeners": "tests/scenarios/test_answering.py",
    "bot/sandbox": "tests/bot/sandbox/test_sandbox.py",
    "bot/services.py": "tests/bot/test_app_fuzz.py",
    "bot/serve.py": "tests/scenarios/test_bad_input.py",
    "bot/slack/upload.py": "tests/workers/draft/test_upload.py",
    "bot/store/threads/jobs.py": "tests/bot/intake/test_queue_position.py",
    "bot/store/metrics.py": "tests/bot/ops/test_prometheus.py",
    "bot/store/threads/stops.py": "tests/workers/process/test_stops.py",
    "bot/talk/file.py": "tests/bot/talk/test_message.py",
    "bot/views/usage_lists.py": "tests/bot/views/test_usage.py",
    "bot/views/usage_names.py": "tests/bot/views/test_usage.py",
    "bot/views/usage_tables.py": "tests/bot/views/test_usage.py",
    "bot/views/shortcut.py": "tests/bot/listeners/test_shortcut.py",
    "workers/__main__.py": "tests/kit/parley.py",
    "workers/claude/answer.py": "tests/workers/claude/test_call.py",
    "workers/cli.py": "tests/bot/ops/test_check.py",
    "workers/draft/turn.py": "tests/workers/draft/test_draft.py",
    "workers/markdown/blocks.py": "tests/workers/markdown/test_frame.py",
    "workers/markdown/content.py": "tests/workers/markdown/test_sanitize.py",
    "workers/markdown/delimiters.py": "tests/workers/markdown/test_frame.py",
    "workers/markdown/inline.py": "tests/workers/markdown/test_frame.py",
    "workers/markdown/line.py": "tests/workers/markdown/test_frame.py",
    "workers/markdown/links.py": "tests/workers/markdown/test_frame.py",
    "workers/markdown/tables.py": "tests/workers/markdown/test_frame.py",
    "workers/process/loop.py": "tests/workers/process/test_worker.py",
    "workers/process/runtime.py": "tests/workers/process/test_worker.py",
    "workers/reply.py": "tests/scenarios/test_answering.py",
}


def own_tests(module: Path) -> list[Path]:
    """Those of its name, in the folder of `tests/` that is where the module's folder is in the project."""
    folder = ROOT / "tests" / module.relative_to(ROOT).parent
    return [*folder.glob(f"test_{module.stem}.py"), *folder.glob(f"test_{module.stem}_*.py")]


def has_code(path: Path) -> bool:
    """More than the sentence that says who lives in a package."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body)


@pytest.mark.parametrize("path", [path for path in SOURCES if has_code(path)], ids=name)
def test_every_module_has_its_tests(path: Path) -> None:
    if own_tests(path):
        return
    shown_by = next((test for module, test in SHOWN_BY.items() if f"{name(path)}/".startswith(f"{module}/")), None)
    assert shown_by is not None, f"nothing tests {name(path)}"
    assert (ROOT / shown_by).exists()


def test_the_list_of_tests_elsewhere_is_not_stale() -> None:
    assert all((ROOT / module).exists() for module in SHOWN_BY)
    assert not [module for module in SHOWN_BY if own_tests(ROOT / module)]


# What is written twice


def shown_settings() -> dict[str, str]:
    """Name and value of each line of .env.example; a comment stands above each."""
    found: dict[str, str] = {}
    before = ""
    for line in (ROOT / ".env.example").read_text().splitlines():
        if match := re.fullmatch(r"# ([A-Z][A-Z_]+)=(.*)", line):
            assert before.startswith("# "), f"{match[1]} is not explained"
            assert match[1] not in found, f"{match[1]} is there twice"
            found[match[1]] = match[2]
        else:
            assert not line or line.startswith("#"), f"a setting that is on: {line}"
            before = line
    return found


def as_shown(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return str(default)


def test_env_example_names_every_setting_and_nothing_else() -> None:
    assert set(shown_settings()) == {field.name.upper() for field in dataclasses.fields(Settings)}


def rooms(path: str, heading: str, setting: str) -> list[tuple[str, str]]:
    """Each setting of a file in its order, behind the heading that it stands under."""
    found, room = [], ""
    for line in (ROOT / path).read_text().splitlines():
        if match := re.match(heading, line):
            room = match[1]
        elif match := re.match(setting, line):
            found.append((room, match[1].upper()))
    return found


def test_settings_stand_in_the_same_rooms_as_in_env_example() -> None:
    in_code = rooms("bot/settings.py", r"    # (\w.*)$", r"    (\w+): .* = _setting\(")
    assert in_code == rooms(".env.example", r"# --- (.+?) -+$", r"# ([A-Z][A-Z_]+)=")
    assert [name for _, name in in_code] == [field.name.upper() for field in dataclasses.fields(Settings)]
    assert all(room for room, _ in in_code)


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name.upper())
def test_env_example_shows_the_default(field: "dataclasses.Field[Any]") -> None:
    shown = shown_settings()[field.name.upper()]
    if field.name.upper() in SHOWN_ELSEWHERE:
        assert shown == ""
    elif shown == "":
        assert field.default is None
    else:
        assert field.metadata["parse"](shown) == field.default
        assert as_shown(field.default) == shown


def test_env_example_with_every_line_switched_on_gives_the_defaults() -> None:
    assert Settings.load(environ=shown_settings(), dotenv=None) == Settings()


def test_a_time_says_its_unit() -> None:
    text = (ROOT / ".env.example").read_text()
    for setting in shown_settings():
        for unit in ("seconds", "tokens", "days"):
            if setting.endswith(f"_{unit.upper()}"):
                assert re.search(rf"# .*{unit}.*\n# {setting}=", text), f"{setting} does not say {unit}"


@pytest.mark.parametrize(("page", "least"), [("claude.md", 40), ("security.md", 30)])
def test_every_test_that_the_documentation_names_exists(page: str, least: int) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / page).read_text())
    assert len(named) > least
    found = {path: (ROOT / path).read_text() for path, _ in named}
    assert not [f"{path}::{test}" for path, test in named if f"def {test}(" not in found[path]]


def test_every_requirement_has_its_tests() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \|.*\| `tests/[^|]*\|$", (ROOT / "docs/claude.md").read_text())
    assert [int(number) for number in rows] == list(range(1, 54))


def test_the_manifest_asks_for_what_the_code_knows() -> None:
    pasted = yaml.safe_load((ROOT / "manifest.yaml").read_text())
    assert tuple(pasted["oauth_config"]["scopes"]["bot"]) == tuple(manifest.SCOPES)
    assert tuple(pasted["settings"]["event_subscriptions"]["bot_events"]) == manifest.EVENTS
    assert pasted["settings"]["interactivity"] == {"is_enabled": True}


def test_the_manifest_keeps_to_slacks_lengths() -> None:
    """https://docs.slack.dev/reference/app-manifest"""
    pasted = yaml.safe_load((ROOT / "manifest.yaml").read_text())
    shown = pasted["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert re.fullmatch("#[0-9a-fA-F]{6}", shown["background_color"])


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_by_hash_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text
    pins = re.split(r"\n(?=[a-zA-Z])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    assert len(pins) > 10
    for pin in pins:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+", pin), pin
        assert "--hash=sha256:" in pin, pin


def test_the_library_for_claude_keeps_to_its_major_version() -> None:
    """2.0 is the first on API version 2026-10-21: https://platform.claude.com/docs/en/api/migration-2026-10-21"""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [ours] = [each for each in asked if each.startswith("anthropic")]
    assert re.fullmatch(r"anthropic\[aiohttp\]>=2\.\d+,<3", ours)
    assert re.search(r"(?m)^anthropic==2\.", (ROOT / "requirements.lock").read_text())


def test_the_dev_lock_has_the_same_versions_as_the_other() -> None:
    def versions(lock: str) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / lock).read_text()))

    mine, dev = versions("requirements.lock"), versions("requirements-dev.lock")
    assert not {package for package, version in mine.items() if dev.get(package, version) != version}

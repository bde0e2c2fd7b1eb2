"""Who may import whom inside the sandbox, imports inside functions and for type checkers included."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import bot.sandbox

SANDBOX = Path(bot.sandbox.__file__).parent
FILES = sorted(SANDBOX.rglob("*.py"))
WORLD = "bot.sandbox.slack.world"
BELOW_THE_WORLD = {"bot.sandbox.clock", "bot.sandbox.faults", "bot.sandbox.journal"}


def module(path: Path, root: Path = SANDBOX) -> str:
    """The dotted name of a file in the folder `root`, which stands for the package bot.sandbox."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(("bot", "sandbox", *(part for part in parts if part != "__init__")))


def imported(path: Path, modules: set[str]) -> Iterator[str]:
    """Those of `modules` that a file names in any import statement, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # What is imported from a package is one of its modules, or a name in its __init__.
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names = [name if name in modules else str(node.module) for name in whole]
        else:
            continue
        yield from (name for name in names if name in modules)


def graph(root: Path = SANDBOX) -> dict[str, set[str]]:
    """For each file of the folder, the files that it imports."""
    paths = {module(path, root): path for path in root.rglob("*.py")}
    return {name: set(imported(path, set(paths))) for name, path in paths.items()}


def circle(root: Path = SANDBOX) -> list[str]:
    """One circle of files that import each other, or nothing if there is none."""
    try:
        TopologicalSorter(graph(root)).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names
    return []


def test_no_files_import_each_other_in_a_circle() -> None:
    found = circle()
    assert not found, " imports ".join(reversed(found))


@pytest.mark.parametrize(
    "statement",
    [
        "from bot.sandbox.upper import b",
        "from bot.sandbox import upper",
        "import bot.sandbox.upper",
        "if TYPE_CHECKING:\n    from bot.sandbox.upper import b",
        "def a():\n    from bot.sandbox.upper import b",
        "class A:\n    def a(self):\n        import bot.sandbox.upper",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(tmp_path: Path, statement: str) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "upper.py").write_text("from bot.sandbox.lower import a\nb = 1")
    (tmp_path / "lower.py").write_text("a = 1")
    assert circle(tmp_path) == []
    (tmp_path / "lower.py").write_text(f"from typing import TYPE_CHECKING\n{statement}\n")
    assert {"bot.sandbox.lower", "bot.sandbox.upper"} <= set(circle(tmp_path))


def test_the_world_stands_below_everything_else_in_the_slack() -> None:
    for name, used in graph().items():
        if name.startswith(f"{WORLD}."):
            above = {other for other in used - BELOW_THE_WORLD if not other.startswith(f"{WORLD}.")}
            assert not above, f"{name} imports {', '.join(sorted(above))}"

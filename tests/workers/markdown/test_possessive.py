"""Groups that are repeated possessively are atomic: before 3.11.5 Python does not go back after one that fails.

Debian 12 has 3.11.2. https://github.com/python/cpython/issues/106052
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import workers.markdown

# `re` tells how it reads a pattern in modules of its own only.
PARSER: Any = importlib.import_module("re._parser")
ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
MODULES = [
    importlib.import_module(f"workers.markdown.{module.name}")
    for module in pkgutil.iter_modules(workers.markdown.__path__)
]
PATTERNS = {
    f"{module.__name__}.{name}": pattern
    for module in MODULES
    for name, pattern in vars(module).items()
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str)
}


def possessive(node: Any) -> Iterator[Any]:
    """What is repeated possessively in a part of a pattern."""
    if isinstance(node, PARSER.SubPattern | list | tuple):
        if len(node) == 2 and str(node[0]) == "POSSESSIVE_REPEAT":
            yield node[1][2]
        for part in node:
            yield from possessive(part)


@pytest.mark.parametrize("name", PATTERNS)
def test_what_is_repeated_possessively_is_one_character_or_atomic(name: str) -> None:
    for repeated in possessive(PARSER.parse(PATTERNS[name].pattern, PATTERNS[name].flags)):
        assert [str(kind) for kind, _ in repeated] == ["ATOMIC_GROUP"] or (
            len(repeated) == 1 and str(repeated[0][0]) in ONE_CHARACTER
        ), str(repeated)


def test_there_are_such_patterns() -> None:
    found = [list(possessive(PARSER.parse(pattern.pattern, pattern.flags))) for pattern in PATTERNS.values()]
    assert sum(map(len, found)) > 30

"""Which answer a request gets: rules by the newest user turn, from Python or from a JSON or TOML file."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bot.sandbox.claude.answers import Answer, ToolUse
from bot.sandbox.faults import Fault

_FIELDS = {field.name for field in fields(Answer)}


@dataclass
class _Rule:
    pattern: re.Pattern[str] | None
    answers: tuple[Answer, ...]
    times: int | None
    used: int = 0


class Scripts:
    """The rules. Those with `times` are tried first, oldest first; then those without, newest first."""

    def __init__(self) -> None:
        self._counted: list[_Rule] = []
        self._endless: list[_Rule] = []

    def add(self, pattern: str | None, *answers: Answer, times: int | None = None) -> None:
        if not answers:
            raise ValueError("a script needs at least one answer")
        rule = _Rule(re.compile(pattern) if pattern is not None else None, answers, times)
        if times is None:
            self._endless.insert(0, rule)
        else:
            self._counted.append(rule)

    def load(self, path: str | Path) -> None:
        """Add a file's `rules`: each has `pattern`, `times` and either `answers` or the fields of one answer.

        Of the rules without `times`, the first that matches wins. Raises ValueError for an unknown field.
        """
        path = Path(path)
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        rules = [_rule(rule, f"{path}, rule {at}") for at, rule in enumerate(content["rules"], 1)]
        self._counted += [rule for rule in rules if rule.times is not None]
        self._endless = [rule for rule in rules if rule.times is None] + self._endless

    def clear(self) -> None:
        self._counted.clear()
        self._endless.clear()

    def draw(self, text: str) -> Answer | None:
        """The answer of the first rule that matches `text`, the newest user turn, or None.

        It counts as given, so call this once a request.
        """
        for rule in [*self._counted, *self._endless]:
            if rule.pattern is not None and not rule.pattern.search(text):
                continue
            answer = rule.answers[min(rule.used, len(rule.answers) - 1)]
            rule.used += 1
            if rule.times is not None and rule.used >= rule.times:
                self._counted.remove(rule)
            return answer
        return None


def _rule(data: Mapping[str, Any], where: str) -> _Rule:
    pattern = data.get("pattern")
    answers = data.get("answers") or [{key: value for key, value in data.items() if key not in ("pattern", "times")}]
    parsed = tuple(_answer(answer, where) for answer in answers)
    return _Rule(re.compile(pattern) if pattern is not None else None, parsed, data.get("times"))


def _answer(data: Mapping[str, Any], where: str) -> Answer:
    if unknown := data.keys() - _FIELDS:
        raise ValueError(f"{where}: no such field: {', '.join(sorted(unknown))}")
    values = dict(data)
    if "tools" in values:
        values["tools"] = tuple(ToolUse(tool["name"], tool.get("input", {})) for tool in values["tools"])
    if "blocks" in values:
        values["blocks"] = tuple(values["blocks"])
    if "fault" in values:
        values["fault"] = Fault(values["fault"]["kind"], {k: v for k, v in values["fault"].items() if k != "kind"})
    if "fallback" in values:
        values["fallback"] = _answer(values["fallback"], where)
    return Answer(**values)

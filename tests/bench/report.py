"""What a benchmark found: rows, and the targets that they meet or miss."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

Value = str | int | float | None


@dataclass(frozen=True)
class Target:
    """Met if `value` is at most `limit`; a value that was not measured misses it."""

    name: str
    value: float | None
    limit: float

    @property
    def is_met(self) -> bool:
        return self.value is not None and self.value <= self.limit


@dataclass(frozen=True)
class Report:
    """All rows have the same columns. `notes` go below the table."""

    name: str
    rows: Sequence[dict[str, Value]]
    targets: Sequence[Target]
    notes: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        return all(target.is_met for target in self.targets)

    def as_json(self) -> str:
        targets = [{**asdict(target), "met": target.is_met} for target in self.targets]
        return json.dumps({"name": self.name, "rows": list(self.rows), "targets": targets})

    def as_table(self) -> str:
        """As Markdown."""
        rows = [[_cell(value) for value in row.values()] for row in self.rows]
        lines = _table(list(self.rows[0]), rows) if rows else []
        targets = [[t.name, _cell(t.value), _cell(t.limit), "yes" if t.is_met else "NO"] for t in self.targets]
        lines += ["", *_table(["target", "measured", "at most", "met"], targets)]
        return "\n".join([*lines, "", *self.notes])


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]


def _cell(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)

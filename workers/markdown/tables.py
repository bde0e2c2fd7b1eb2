"""Rows of GFM tables (https://github.github.com/gfm/#tables-extension-)."""

import re

SEPARATOR = re.compile(r"[|:-][-:| \t]+$")
SEPARATOR_CELL = re.compile(r":?-+:?$")
CELL_END = re.compile(r"(?<!\\)\|")


def cells(row: str) -> int:
    """How many cells a table row has."""
    parts = CELL_END.split(row.strip())
    if parts and not parts[0]:
        parts = parts[1:]
    if parts and not parts[-1]:
        parts = parts[:-1]
    return len(parts)


def separators(row: str) -> int:
    """How many columns a table's separator row has; 0 if it is none."""
    if not SEPARATOR.match(row) or (row[0] == "-" and row[1] in " \t"):
        return 0
    parts = [part.strip() for part in row.split("|")]
    if not parts[0]:
        parts = parts[1:]
    if parts and not parts[-1]:
        parts = parts[:-1]
    return len(parts) if all(SEPARATOR_CELL.match(part) for part in parts) else 0

"""What was used and said, as CSV (RFC 4180) that a spreadsheet opens without running anything in it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from bot.store.counts.cells import NUMBERS, Counts, percentile
from bot.store.counts.feedback import Feedback
from bot.store.counts.usage import UsageKind

# A cell that begins so may be run as a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# In another language a spreadsheet cuts a line at semicolons or tabs, and does not heed the quotes around them.
LATER_FORMULA = re.compile(r"(?<=[;\t\r\n])(?=[=+\-@])")
MONEY = ("cost", "saved", "estimated")
HEADER = (
    "day",
    "kind",
    "id",
    "name",
    *(f"{name}_usd" if name in MONEY else name for name in NUMBERS),
    "first_text_p50_s",
    "first_text_p95_s",
    "answer_p50_s",
    "answer_p95_s",
)

FEEDBACK_HEADER = ("day", "channel", "thread", "answer", "user", "model", "vote", "comment")


def header() -> str:
    return _lines([HEADER])


def lines(day: date, kind: UsageKind, rows: Mapping[str, Counts], names: Mapping[str, str]) -> str:
    """One line for each of `rows`, which are the counts by the id of a person or channel, or by the name of a model.

    `names` are display names by id.
    """
    return _lines(_row(day, kind, id, names.get(id, ""), counts) for id, counts in rows.items())


def feedback(given: Iterable[Feedback]) -> str:
    """The whole file, with a header and a line for each person, answer and day. Thread and answer are timestamps."""
    return _lines([FEEDBACK_HEADER, *map(_feedback_row, given)])


def safe(cell: str) -> str:
    """The same text with an apostrophe wherever a spreadsheet could see the beginning of a formula."""
    marked = LATER_FORMULA.sub("'", cell)
    return f"'{marked}" if marked.startswith(FORMULA) else marked


def _feedback_row(given: Feedback) -> Sequence[str]:
    cells = [
        given.thread.channel,
        given.thread.ts,
        given.answer,
        given.user,
        given.model or "",
        given.rating or "",
        given.comment or "",
    ]
    return [str(given.day), *map(safe, cells)]


def _row(day: date, kind: UsageKind, id: str, name: str, counts: Counts) -> Sequence[str]:
    return [
        str(day),
        kind,
        safe(id),
        safe(name),
        *(_number(field, getattr(counts, field)) for field in NUMBERS),
        _seconds(percentile(counts.first, 0.5)),
        _seconds(percentile(counts.first, 0.95)),
        _seconds(percentile(counts.total, 0.5)),
        _seconds(percentile(counts.total, 0.95)),
    ]


def _number(field: str, number: int) -> str:
    return _usd(number) if field in MONEY else str(number)


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.2f}"


def _usd(micro: int) -> str:
    """To the micro-dollar."""
    return f"{micro // 1_000_000}.{micro % 1_000_000:06}"


def _lines(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()

"""What was used and said, as CSV (RFC 4180) that a spreadsheet opens without running anything in it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from bot.store.counts.cells import NUMBERS, Counts, percentile
from bot.store.counts.feedback import Given
from bot.store.counts.usage import Kind

# A cell that begins so may be run as a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# A spreadsheet in another language cuts a line at other places than commas, and knows no quotes between them.
LATER_FORMULA = re.compile(r"(?<=[;\t\r\n])(?=[=+\-@])")
MONEY = ("cost", "saved", "estimated")
HEADER = (
    *("day", "kind", "id", "name"),
    *(f"{name}_usd" if name in MONEY else name for name in NUMBERS),
    *("first_text_p50_s", "first_text_p95_s", "answer_p50_s", "answer_p95_s"),
)

FEEDBACK_HEADER = ("day", "channel", "thread", "answer", "user", "model", "vote", "comment")


def header() -> str:
    return _lines([HEADER])


def lines(day: date, kind: Kind, rows: Mapping[str, Counts], names: Mapping[str, str]) -> str:
    """One line for each of `rows`; `names` are display names by id."""
    return _lines(_row(day, kind, name, names.get(name, ""), counts) for name, counts in rows.items())


def feedback(given: Iterable[Given]) -> str:
    """The whole file: one line for each person, answer and day. Thread and answer are timestamps of Slack's."""
    return _lines([FEEDBACK_HEADER, *(_feedback_row(each) for each in given)])


def safe(cell: str) -> str:
    """The same text with an apostrophe wherever a spreadsheet could see the beginning of a formula."""
    apart = LATER_FORMULA.sub("'", cell)
    return f"'{apart}" if apart.startswith(FORMULA) else apart


def _feedback_row(given: Given) -> Sequence[str]:
    about = (given.thread.channel, given.thread.ts, given.answer, given.user)
    said = (given.model or "", given.vote or "", given.comment or "")
    return [str(given.day), *(safe(cell) for cell in (*about, *said))]


def _row(day: date, kind: Kind, name: str, shown: str, counts: Counts) -> Sequence[str]:
    numbers = [(field, getattr(counts, field)) for field in NUMBERS]
    histograms = [(histogram, of_all) for histogram in (counts.first, counts.total) for of_all in (0.5, 0.95)]
    times = [percentile(histogram, of_all) for histogram, of_all in histograms]
    return [
        *(str(day), kind, safe(name), safe(shown)),
        *(_usd(number) if field in MONEY else str(number) for field, number in numbers),
        *("" if time is None else f"{time:.2f}" for time in times),
    ]


def _usd(micro: int) -> str:
    """Exact."""
    return f"{micro // 1_000_000}.{micro % 1_000_000:06}"


def _lines(rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()

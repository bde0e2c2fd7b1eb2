"""What a report is about, from the words that somebody typed: which days, and whom or what. Days are UTC.

`[today|yesterday|7d|30d|month|YYYY-MM] [me|@user|#channel|model:NAME]`, in any order.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from bot.store.counts.usage import UsageKind
from bot.talk import arguments
from bot.talk.arguments import Unclear, quoted

EXAMPLES = "`today`, `yesterday`, `7d`, `30d`, `month` or a month such as `2026-11`"
DEFAULT_PERIOD = "7d"

_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True)
class Period:
    """The days from `first` to `last`, and the days before them with which they are compared.

    `word` is what somebody types to ask for this period.
    """

    word: str
    first: date
    last: date
    first_before: date
    last_before: date

    @cached_property
    def days(self) -> Sequence[date]:
        return _days(self.first, self.last)

    @cached_property
    def days_before(self) -> Sequence[date]:
        return _days(self.first_before, self.last_before)

    def __str__(self) -> str:
        return render_days(self.first, self.last)

    @property
    def before(self) -> str:
        return render_days(self.first_before, self.last_before)


@dataclass(frozen=True)
class Subject:
    """The person, the channel (both by id) or the model that a report is about."""

    kind: UsageKind
    name: str

    @property
    def word(self) -> str:
        """What somebody types to name it, as Slack passes it on."""
        words = {"user": f"<@{self.name}>", "channel": f"<#{self.name}>", "model": f"model:{self.name}"}
        return words[self.kind]


@dataclass(frozen=True)
class Query:
    """What somebody asked for. `subject` is None for the whole workspace.

    What was used before the day `known_from` is forgotten.
    """

    period: Period
    subject: Subject | None = None
    known_from: date = date.min

    @property
    def is_comparable(self) -> bool:
        return self.period.first_before >= self.known_from

    @property
    def comparison(self) -> str:
        """How a report says with which days it is compared."""
        if self.is_comparable:
            return f"compared with {self.period.before}"
        day = render_days(self.known_from, self.known_from)
        return f"compared with nothing, for what was used before {day} is forgotten"

    def __str__(self) -> str:
        """The words that somebody types to ask for this."""
        return f"{self.period.word} {self.subject.word}" if self.subject else self.period.word


def read(typed: Sequence[str], today: date, user: str, keep_days: int) -> Query:
    """What `user` asks for; counts are kept for `keep_days`. Raises Unclear."""
    period: Period | None = None
    subject: Subject | None = None
    for word in typed:
        named = read_subject(word, user)
        if named and subject:
            raise Unclear("One person, channel or model at a time, please.")
        if named:
            subject = named
        elif period:
            raise Unclear(f"{_unknown(word)} I already have the period `{period.word}`.")
        else:
            period = read_period(word, today)
    query = Query(period or read_period(DEFAULT_PERIOD, today), subject, known_from(today, keep_days))
    if query.period.last < today - timedelta(days=keep_days):
        raise Unclear(f"That is too long ago: I remember what was used for {keep_days} days.")
    return query


def known_from(today: date, keep_days: int) -> date:
    """The first day whose counts are all still kept."""
    return today - timedelta(days=keep_days - 1)


def read_subject(word: str, user: str) -> Subject | None:
    """None if the word names no subject. Raises Unclear for a person or channel that Slack did not recognise."""
    if word.lower() == "me":
        return Subject("user", user)
    if id := arguments.person(word):
        return Subject("user", id)
    if id := arguments.channel(word):
        return Subject("channel", id)
    if word.lower().startswith("model:"):
        model = word[len("model:") :]
        if not model:
            raise Unclear("Which model? For example `model:claude-sonnet-5-5`.")
        return Subject("model", model)
    return None


def read_period(word: str, today: date) -> Period:
    """Raises Unclear."""
    name = word.lower()
    day = timedelta(days=1)
    match name:
        case "today":
            return Period(name, today, today, today - day, today - day)
        case "yesterday":
            return Period(name, today - day, today - day, today - 2 * day, today - 2 * day)
        case "7d" | "30d":
            length = int(name[:-1]) * day
            return Period(name, today - length + day, today, today - 2 * length + day, today - length)
        case "month":
            return _month(today.year, today.month, today)
    match_of_month = _MONTH.fullmatch(name)
    if match_of_month is None:
        raise Unclear(_unknown(word))
    year, month = int(match_of_month[1]), int(match_of_month[2])
    if not (1 <= month <= 12 and year >= 2000):
        raise Unclear(f"There is no month {quoted(word)}. Say, for example, `{today:%Y-%m}`.")
    if (year, month) > (today.year, today.month):
        raise Unclear(f"{quoted(word)} is yet to come.")
    return _month(year, month, today)


def render_days(first: date, last: date) -> str:
    """`15–21 Nov 2026`, `30 Nov – 6 Dec 2026`"""
    if first == last:
        return f"{first.day} {first:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} – {last.day} {last:%b %Y}"


def _month(year: int, month: int, today: date) -> Period:
    """A month under way is compared with the first days of the month before, as many as it has had itself."""
    first = date(year, month, 1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    end_before = first - timedelta(days=1)
    first_before = end_before.replace(day=1)
    last = min(end, today)
    last_before = end_before
    if last < end:
        last_before = min(end_before, first_before + (last - first))
    word = "month" if (year, month) == (today.year, today.month) else f"{first:%Y-%m}"
    return Period(word, first, last, first_before, last_before)


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _unknown(word: str) -> str:
    return (
        f"I do not understand {quoted(word)}. A period is {EXAMPLES}; after it you may name a person (`@…`), a channel "
        "(`#…`) or a model (`model:…`)."
    )

"""The figures of a usage report, gathered from the counts, and the arithmetic on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from redis.asyncio import Redis

from bot.store.counts import feedback, usage
from bot.store.counts.cells import Counts, Time, percentile
from bot.store.counts.usage import KINDS, Top, UsageKind
from bot.usage.query import Period, Query, Subject

MOST_ROWS = 20


@dataclass(frozen=True)
class Report:
    """What a query asked for. `now` are the counts of its period, `before` those of the days it is compared with.

    `costs` are in micro-dollars, with a label each: one for each day, or for each hour if the period is one day. `tops`
    are empty if the query has a subject.
    """

    query: Query
    now: Counts
    before: Counts
    costs: Sequence[tuple[str, int]]
    tops: Mapping[UsageKind, Top] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.now.requests or self.now.tokens)

    @property
    def step(self) -> str:
        """`day` or `hour`: what one of `costs` is of."""
        return "day" if len(self.query.period.days) > 1 else "hour"

    def change(self, name: str) -> float | None:
        """By what part of its earlier value a count has grown; None if that was zero."""
        before = getattr(self.before, name)
        return getattr(self.now, name) / before - 1 if before else None

    def part(self, name: str) -> float | None:
        """The part that the count has of all questions; None if there are no questions."""
        return getattr(self.now, name) / self.now.requests if self.now.requests else None

    def seconds(self, time: Time, part: float) -> float | None:
        """The time within which this part of the answers came; None if there are none."""
        return percentile(self.now.times(time), part)


async def gather(redis: Redis, team: str, query: Query, today: date) -> Report:
    """Raises redis.RedisError."""
    if query.subject:
        return await _of_one(redis, team, query, query.subject)
    return await _of_all(redis, team, query, today)


async def _of_one(redis: Redis, team: str, query: Query, subject: Subject) -> Report:
    period = query.period
    days = await usage.of_one(redis, team, subject.kind, subject.name, [*period.days_before, *period.days])
    now = total(days[day] for day in period.days)
    before = total(days[day] for day in period.days_before)
    return Report(query, now, before, _daily_costs(period, days))


async def _of_all(redis: Redis, team: str, query: Query, today: date) -> Report:
    period = query.period
    hours = await usage.by_hour(redis, team, [*period.days_before, *period.days])
    days = {day: total(counts.values()) for day, counts in hours.items()}
    now = total(days[day] for day in period.days)
    before = total(days[day] for day in period.days_before)
    await _add_votes(redis, team, now, period.days)
    await _add_votes(redis, team, before, period.days_before)
    if len(period.days) > 1:
        costs = _daily_costs(period, days)
    else:
        costs = _hourly_costs(hours[period.first], is_over=period.first < today)
    tops = {kind: await usage.top(redis, team, kind, period.days, MOST_ROWS) for kind in KINDS}
    return Report(query, now, before, costs, tops)


async def _add_votes(redis: Redis, team: str, counts: Counts, days: Sequence[date]) -> None:
    votes = await feedback.sums(redis, team, days)
    counts.good, counts.bad = votes["good"], votes["bad"]


def _daily_costs(period: Period, days: Mapping[date, Counts]) -> list[tuple[str, int]]:
    return [(day_label(day), days[day].cost) for day in period.days]


def _hourly_costs(hours: Mapping[int, Counts], *, is_over: bool) -> list[tuple[str, int]]:
    """Of all hours of a day, or of those up to the last one with a question if the day is not over."""
    last = 23 if is_over else max(hours, default=0)
    return [(f"{hour:02}:00", hours[hour].cost if hour in hours else 0) for hour in range(last + 1)]


def total(counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in counts:
        total.add(part)
    return total


def day_label(day: date) -> str:
    return f"{day.day} {day:%b}"

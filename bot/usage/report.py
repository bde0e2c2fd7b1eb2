"""What a usage report says: gathered from the counts, and the arithmetic on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from redis.asyncio import Redis

from bot.store.counts import feedback, usage
from bot.store.counts.cells import Counts, Time, percentile
from bot.store.counts.usage import KINDS, Kind, Top
from bot.usage.query import Query

MOST_ROWS = 20


@dataclass(frozen=True)
class Report:
    """`costs` are those of each step in time, in micro-dollars: of each day, or of each hour if there is one day.

    `tops` are there for a whole workspace, not for one person, channel or model.
    """

    query: Query
    now: Counts
    before: Counts
    costs: Sequence[tuple[str, int]]
    tops: Mapping[Kind, Top] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.now.requests or self.now.tokens)

    @property
    def step(self) -> str:
        """`day` or `hour`: what one of `costs` is of."""
        return "day" if len(self.query.period.days) > 1 else "hour"

    def change(self, name: str) -> float | None:
        """How much more it is than before, as a part of that; None if there was none."""
        before = getattr(self.before, name)
        return getattr(self.now, name) / before - 1 if before else None

    def part(self, name: str) -> float | None:
        """The part of the requests that ended so; None if there are none."""
        return getattr(self.now, name) / self.now.requests if self.now.requests else None

    def seconds(self, time: Time, part: float) -> float | None:
        return percentile(self.now.times(time), part)


async def gather(redis: Redis, team: str, query: Query, today: date) -> Report:
    """Raises redis.RedisError."""
    return await (_of_one if query.subject else _of_all)(redis, team, query, today)


async def _of_one(redis: Redis, team: str, query: Query, today: date) -> Report:
    period, subject = query.period, query.subject
    assert subject
    days = await usage.of_one(redis, team, subject.kind, subject.name, [*period.days_before, *period.days])
    costs = [(day_label(day), days[day].cost) for day in period.days]
    return Report(query, total(days[day] for day in period.days), total(days[day] for day in period.days_before), costs)


async def _of_all(redis: Redis, team: str, query: Query, today: date) -> Report:
    period = query.period
    hours = await usage.by_hour(redis, team, [*period.days_before, *period.days])
    days = {day: total(counts.values()) for day, counts in hours.items()}
    now, before = total(days[day] for day in period.days), total(days[day] for day in period.days_before)
    for counts, of in ((now, period.days), (before, period.days_before)):
        votes = await feedback.sums(redis, team, of)
        counts.good, counts.bad = votes["good"], votes["bad"]
    if len(period.days) > 1:
        costs = [(day_label(day), days[day].cost) for day in period.days]
    else:
        of_day = hours[period.first]
        last = 23 if period.first < today else max(of_day, default=0)
        costs = [(f"{hour:02}:00", of_day[hour].cost if hour in of_day else 0) for hour in range(last + 1)]
    tops = {kind: await usage.top(redis, team, kind, period.days, MOST_ROWS) for kind in KINDS}
    return Report(query, now, before, costs, tops)


def total(counts: Iterable[Counts]) -> Counts:
    found = Counts()
    for each in counts:
        found.add(each)
    return found


def day_label(day: date) -> str:
    return f"{day.day} {day:%b}"

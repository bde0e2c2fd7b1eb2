"""The reference calculation: what a report says is what the calls add up to, to the micro-dollar."""

import csv
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot import models
from bot.models import Usage
from bot.store import connections
from bot.store.counts import feedback, usage
from bot.store.counts.cells import Counts
from bot.store.counts.feedback import Vote
from bot.store.counts.usage import KINDS, Counted, Outcome, UsageKind
from bot.talk.message import Thread
from bot.usage import csv as tables
from bot.usage.query import read
from bot.usage.report import MOST_ROWS, Report, gather
from workers.billing.meter import priced

TODAY = date(2026, 11, 21)
MODELS = ("claude-sonnet-5-5", "claude-haiku-4-5", "claude-fable-5-2", "a-model-of-tomorrow")
OUTCOMES: tuple[Outcome | None, ...] = ("answer", "answer", "answer", "refusal", "error", "stop", None)
NAMES = {"answer": "answers", "refusal": "refusals", "error": "errors", "stop": "stops"}
TOKENS = ("input", "output", "write_5m", "write_1h", "read", "searches")

pytestmark = pytest.mark.asyncio(loop_scope="module")


# Exact prices take a while, and every report asks for those of the same calls again.
cost, saved = cache(models.cost), cache(models.saved)


class Call:
    """A call as it was made, and what Parley counts of it."""

    def __init__(self, chance: random.Random) -> None:
        self.at = datetime(2026, 9, 15, tzinfo=UTC) + timedelta(seconds=chance.uniform(0, 68 * 24 * 3600 - 1))
        self.user, self.channel = f"U{chance.randrange(40):02}", f"C{int(chance.paretovariate(1)) % 30:02}"
        self.outcome, self.model = chance.choice(OUTCOMES), chance.choice(MODELS)
        self.first, self.total = chance.lognormvariate(0, 1), chance.lognormvariate(2, 1)
        others = chance.sample(MODELS, chance.choice((0, 0, 0, 1, 2)))
        self.usage = [self._piece(chance, model) for model in (*others, *([self.model] * chance.choice((0, 1, 1, 2))))]
        pieces = tuple(map(priced, self.usage))
        self.counted = Counted(
            *("T1", self.channel, self.user, self.at.timestamp(), self.model, self.outcome, pieces),
            first_text=self.first,
            total=self.total,
        )

    @property
    def day(self) -> date:
        return self.at.date()

    def cost(self, model: str | None = None) -> int:
        return sum(cost(piece) or 0 for piece in self.usage if model in (None, piece.model))

    @staticmethod
    def _piece(chance: random.Random, model: str) -> Usage:
        """Now and then longer than the limit at which prices rise."""
        new, said, short, long, read = (int(chance.paretovariate(0.6)) * 7 % 300_000 for _ in range(5))
        return Usage(model, new, said, short, long, read, chance.choice((0, 0, 3)), chance.random() < 0.1)


def summed(calls: Iterable[Call], model: str | None = None) -> dict[str, int]:
    """Added up one by one, of one model if one is named."""
    sums: Counter[str] = Counter()
    for call in calls:
        if call.outcome and model in (None, call.model):
            sums["requests"] += 1
            sums[NAMES[call.outcome]] += 1
        for piece in call.usage:
            if model not in (None, piece.model):
                continue
            paid = cost(piece)
            sums["unpriced"] += paid is None
            sums["cost"] += paid or 0
            sums["estimated"] += (paid or 0) if piece.estimated else 0
            sums["saved"] += saved(piece) or 0
            sums.update({name: getattr(piece, name) for name in TOKENS})
    return {name: number for name, number in sums.items() if number}


def numbers(counts: Counts) -> dict[str, int]:
    return {name: number for name, number in vars(counts).items() if isinstance(number, int) and number}


def nearest_rank(times: list[float], part: float) -> float:
    return sorted(times)[max(0, -(-len(times) * int(part * 100) // 100) - 1)]


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    chance = random.Random(2026)
    return [Call(chance) for _ in range(10_000)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis(redis_server: str, calls: list[Call]) -> AsyncIterator[Redis]:
    """With the calls of the team T1."""
    redis = connections.shared(redis_server)
    await redis.flushall()
    for start in range(0, len(calls), 500):
        async with redis.pipeline() as pipe:
            for call in calls[start : start + 500]:
                usage.count(pipe, call.counted)
            await pipe.execute()
    yield redis
    await redis.flushall()
    await redis.aclose()


async def report_of(redis: Redis, text: str, team: str = "T1") -> Report:
    return await gather(redis, team, read(text.split(), TODAY, "U1", 400), TODAY)


@pytest.mark.parametrize("text", ["today", "yesterday", "7d", "30d", "month", "2026-10"])
async def test_every_figure_is_what_ten_thousand_calls_add_up_to(redis: Redis, calls: list[Call], text: str) -> None:
    report = await report_of(redis, text)
    period = report.query.period
    within = [call for call in calls if period.first <= call.day <= period.last]
    before = [call for call in calls if period.first_before <= call.day <= period.last_before]
    assert within
    assert before
    sums, sums_before = summed(within), summed(before)
    assert numbers(report.now) == sums
    assert numbers(report.before) == sums_before
    assert report.now.tokens == sum(sums[name] for name in TOKENS if name != "searches")
    assert report.change("cost") == sums["cost"] / sums_before["cost"] - 1
    assert report.part("errors") == sums["errors"] / sums["requests"]
    assert sum(cost for _, cost in report.costs) == sums["cost"]
    if len(period.days) > 1:
        assert [cost for _, cost in report.costs] == [
            sum(call.cost() for call in within if call.day == day) for day in period.days
        ]
    else:
        assert [cost for _, cost in report.costs] == [
            sum(call.cost() for call in within if call.at.hour == hour) for hour in range(len(report.costs))
        ]
    answers = [call for call in within if call.outcome == "answer"]
    for part in (0.5, 0.95):
        first, total = report.seconds("first", part), report.seconds("total", part)
        assert first == pytest.approx(max(0.05, nearest_rank([call.first for call in answers], part)), rel=0.091)
        assert total == pytest.approx(nearest_rank([call.total for call in answers], part), rel=0.091)
    for kind in KINDS:
        check_top(report, kind, within)


def check_top(report: Report, kind: UsageKind, within: list[Call]) -> None:
    names = {
        "user": {call.user for call in within},
        "channel": {call.channel for call in within},
        "model": {p.model for call in within for p in call.usage} | {call.model for call in within if call.outcome},
    }[kind]
    reference = {name: of(kind, name, within) for name in names}
    used = {name: sums for name, sums in reference.items() if sums}
    top = report.tops[kind]
    assert top.number == len(used)
    assert len(top.rows) == min(len(used), MOST_ROWS)
    assert {name: numbers(counts) for name, counts in top.rows}.items() <= used.items()
    costs = sorted((sums.get("cost", 0) for sums in used.values()), reverse=True)
    assert [counts.cost for _, counts in top.rows] == costs[:MOST_ROWS]


def of(kind: UsageKind, name: str, within: Iterable[Call]) -> dict[str, int]:
    if kind == "model":
        return summed(within, name)
    return summed(call for call in within if getattr(call, kind) == name)


@pytest.mark.parametrize("text", ["<@U07> 30d", "<#C03> month", "model:claude-sonnet-5-5 7d", "<@U99>"])
async def test_a_report_of_one_adds_up_too(redis: Redis, calls: list[Call], text: str) -> None:
    report = await report_of(redis, text)
    period, subject = report.query.period, report.query.subject
    assert subject
    within = [call for call in calls if period.first <= call.day <= period.last]
    before = [call for call in calls if period.first_before <= call.day <= period.last_before]
    assert numbers(report.now) == of(subject.kind, subject.name, within)
    assert numbers(report.before) == of(subject.kind, subject.name, before)
    assert [cost for _, cost in report.costs] == [
        of(subject.kind, subject.name, [call for call in within if call.day == day]).get("cost", 0)
        for day in period.days
    ]
    assert report.is_empty == (text == "<@U99>")


async def test_an_export_adds_up_to_the_same_sum_for_people_channels_and_models(
    redis: Redis, calls: list[Call]
) -> None:
    days = read(["month"], TODAY, "U1", 400).period.days
    cost = sum(call.cost() for call in calls if call.day in days)
    for kind in KINDS:
        text = tables.header()
        for day in days:
            text += tables.lines(day, kind, await usage.all_of(redis, "T1", kind, day), {})
        rows = list(csv.DictReader(text.splitlines()))
        assert sum(int(row["cost_usd"].replace(".", "")) for row in rows) == cost
        assert sum(int(row["requests"]) for row in rows) == summed(c for c in calls if c.day in days)["requests"]


async def test_votes_are_those_of_the_days(redis: Redis) -> None:
    for number, day in enumerate((TODAY, TODAY, TODAY - timedelta(days=7))):
        await feedback.vote(redis, Vote(Thread("T2", "C1", "1.1"), f"1.{number}", "U1", "good", day))
    await feedback.vote(redis, Vote(Thread("T2", "C1", "1.1"), "1.9", "U1", "bad", TODAY))
    report = await report_of(redis, "7d", "T2")
    assert (report.now.good, report.now.bad, report.before.good, report.before.bad) == (2, 1, 1, 0)
    assert ((await report_of(redis, "<#C1>", "T2")).now.good, (await report_of(redis, "me", "T2")).now.bad) == (2, 1)


async def test_without_questions_there_is_nothing_to_compare(redis: Redis) -> None:
    report = await report_of(redis, "7d", "T3")
    assert report.is_empty
    assert (report.change("cost"), report.part("errors"), report.seconds("first", 0.5)) == (None, None, None)

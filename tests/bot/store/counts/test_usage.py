"""What is counted is counted once, by hour, person, channel and model, and read back (invariants 12 and 13)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import connections, keys
from bot.store.counts import feedback, usage
from bot.store.counts.bills import Bill
from bot.store.counts.cells import Counts, bucket
from bot.store.counts.feedback import Vote
from bot.store.counts.usage import BilledPiece, Counted, UsageKind, count
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread

TODAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 13, 59, tzinfo=UTC).timestamp()
PIECE = BilledPiece("claude-sonnet-5-5", 10, 20, 30, 40, 50, 1, cost=1_234, saved=99)
COUNTED = Counted("T1", "C1", "U1", AT, "claude-sonnet-5-5", "answer", (PIECE,), 0.4, 3.0)
SUM = Counts(1, 1, 0, 0, 0, 10, 20, 30, 40, 50, 1, 1_234, 99, first={bucket(0.4): 1}, total={bucket(3.0): 1})


@pytest.fixture
def inbox(redis: AsyncRedis, redis_url: str) -> Inbox:
    return Inbox(redis, connections.queue("test", connections.producer(redis_url)), 60.0)


async def counted(redis: AsyncRedis, *all_of_them: Counted) -> None:
    async with redis.pipeline() as pipe:
        for each in all_of_them:
            count(pipe, each)
        await pipe.execute()


async def whole(redis: AsyncRedis, day: date = TODAY, team: str = "T1") -> Counts:
    total = Counts()
    for counts in (await usage.by_hour(redis, team, [day]))[day].values():
        total.add(counts)
    return total


async def one(redis: AsyncRedis, kind: UsageKind, name: str, day: date = TODAY, team: str = "T1") -> Counts:
    return (await usage.of_one(redis, team, kind, name, [day]))[day]


async def claimed(inbox: Inbox) -> Claim:
    await inbox.put(Message(Thread("T1", "C1", "1.000001"), "1.000001", "U1", "a question", "Ev1", direct=True))
    claim = await inbox.claim(Thread("T1", "C1", "1.000001"))
    assert claim is not None
    return claim


async def test_a_question_is_counted_by_hour_person_channel_and_model(redis: AsyncRedis) -> None:
    await counted(redis, COUNTED)
    assert await usage.by_hour(redis, "T1", [TODAY]) == {TODAY: {13: SUM}}
    for kind, name in (("user", "U1"), ("channel", "C1"), ("model", "claude-sonnet-5-5")):
        assert (await usage.of_one(redis, "T1", kind, name, [TODAY])) == {TODAY: SUM}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "name"), [("answer", "answers"), ("refusal", "refusals"), ("error", "errors"), ("stop", "stops")]
)
async def test_each_outcome_counts_as_what_it_is(redis: AsyncRedis, outcome: usage.Outcome, name: str) -> None:
    await counted(redis, replace(COUNTED, outcome=outcome))
    found = await whole(redis)
    assert (found.requests, getattr(found, name), found.cost) == (1, 1, 1_234)
    assert found.answers + found.refusals + found.errors + found.stops == 1
    assert sum(found.total.values()) == (outcome == "answer"), "only the times of answers tell how fast answers are"


async def test_tokens_count_at_the_model_that_served_them_and_the_question_at_the_one_that_answered(
    redis: AsyncRedis,
) -> None:
    declined = BilledPiece("claude-fable-5-2", input=7, cost=56)
    await counted(redis, replace(COUNTED, pieces=(declined, PIECE, PIECE)))
    fable, sonnet = await one(redis, "model", "claude-fable-5-2"), await one(redis, "model", "claude-sonnet-5-5")
    assert (fable.requests, fable.input, fable.cost) == (0, 7, 56)
    assert (sonnet.requests, sonnet.input, sonnet.cost) == (1, 20, 2_468)
    assert (await whole(redis)).cost == 2_524


async def test_pieces_without_a_price_and_estimated_ones_are_told_apart(redis: AsyncRedis) -> None:
    pieces = (replace(PIECE, cost=None, saved=None), replace(PIECE, cost=5, estimated=True), PIECE)
    await counted(redis, replace(COUNTED, pieces=pieces))
    found = await whole(redis)
    assert (found.cost, found.estimated, found.unpriced, found.saved) == (1_239, 5, 1, 198)


async def test_direct_messages_count_as_one_channel(redis: AsyncRedis) -> None:
    await counted(redis, replace(COUNTED, channel="D1"), replace(COUNTED, channel="D2", user="U2"))
    await feedback.vote(redis, Vote(Thread("T1", "D1", "1.1"), "1.2", "U1", "good", TODAY))
    found = await one(redis, "channel", usage.DIRECT)
    assert (found.requests, found.good) == (2, 1)
    assert (await usage.top(redis, "T1", "channel", [TODAY], 10)).number == 1


async def test_an_attempt_that_is_repeated_counts_what_it_billed_and_no_question(redis: AsyncRedis) -> None:
    await counted(redis, replace(COUNTED, outcome=None), COUNTED)
    found = await whole(redis)
    assert (found.requests, found.answers, found.cost, sum(found.total.values())) == (1, 1, 2_468, 1)
    assert (await one(redis, "model", "claude-sonnet-5-5")).requests == 1


async def test_a_failure_that_billed_nothing_is_a_request_all_the_same(redis: AsyncRedis) -> None:
    await counted(redis, replace(COUNTED, outcome="error", pieces=()))
    assert await one(redis, "model", "claude-sonnet-5-5") == Counts(requests=1, errors=1)
    top = await usage.top(redis, "T1", "user", [TODAY], 10)
    assert top == usage.Top([("U1", Counts(requests=1, errors=1))], 1)


async def test_sums_stay_exact_far_above_what_anybody_pays(redis: AsyncRedis) -> None:
    large = replace(PIECE, cost=2**52)
    await counted(redis, replace(COUNTED, pieces=(large,)), replace(COUNTED, pieces=(replace(PIECE, cost=1),)))
    assert (await whole(redis)).cost == 2**52 + 1
    assert (await one(redis, "user", "U1")).cost == 2**52 + 1


async def test_days_are_those_of_utc_and_teams_do_not_mix(redis: AsyncRedis) -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    await counted(redis, replace(COUNTED, at=midnight - 0.01), replace(COUNTED, at=midnight), COUNTED)
    await counted(redis, replace(COUNTED, team="T2"))
    assert (await whole(redis)).requests == 2
    assert (await whole(redis, TODAY + timedelta(days=1))).requests == 1
    assert (await whole(redis, team="T2")).requests == 1
    assert await whole(redis, team="T3") == Counts()


async def test_the_dearest_come_first_over_all_days(redis: AsyncRedis) -> None:
    yesterday = AT - 24 * 3600
    for user, at, cost in (("U1", AT, 10), ("U1", yesterday, 10), ("U2", AT, 15), ("U3", yesterday, 1), ("U4", AT, 30)):
        await counted(redis, replace(COUNTED, user=user, at=at, pieces=(replace(PIECE, cost=cost),)))
    days = [TODAY - timedelta(days=1), TODAY]
    top = await usage.top(redis, "T1", "user", days, 3)
    assert top.number == 4
    assert [(name, counts.cost, counts.requests) for name, counts in top.rows] == [
        ("U4", 30, 1),
        ("U1", 20, 2),
        ("U2", 15, 1),
    ]
    assert await usage.top(redis, "T2", "user", days, 3) == usage.Top([], 0)
    assert all(":costs:" not in key for key in await redis.keys()), "what was added up for it is gone"
    assert list(await usage.all_of(redis, "T1", "user", TODAY)) == ["U1", "U2", "U4"]
    assert await usage.models(redis, "T1", days) == {"claude-sonnet-5-5"}


@pytest.mark.parametrize("first", [TODAY - timedelta(days=n) for n in range(29, 36)])
async def test_weeks_and_days_together_cover_each_day_once(redis: AsyncRedis, first: date) -> None:
    for n in range(45):
        piece = replace(PIECE, cost=2**n)
        await counted(redis, replace(COUNTED, at=AT - n * 24 * 3600, pieces=(piece,)))
    days = [first + timedelta(days=n) for n in range(30)]
    top = await usage.top(redis, "T1", "user", days, 10)
    costs = sum(2 ** (TODAY - day).days for day in days if day <= TODAY)
    assert [(name, counts.cost) for name, counts in top.rows] == [("U1", costs)]
    names = [name("T1", day, "user") for day, name in usage._covered(days)]
    assert len(names) <= 12
    assert sum([await redis.zscore(name, "U1") or 0 for name in names]) == costs


async def test_it_is_gone_after_as_many_days_as_it_is_kept(redis: AsyncRedis) -> None:
    await counted(redis, replace(COUNTED, keep_days=7))
    names = list(map(str, await redis.keys()))
    assert len(names) == 10
    for name in names:
        assert name.startswith(("T1:usage:2026-11-21:", "T1:usage:week-2026-11-16:"))
        assert 0 <= 7 * 24 * 3600 - await redis.ttl(name) < 60


async def test_votes_count_at_the_model_that_answered_and_are_taken_back_there(redis: AsyncRedis) -> None:
    thread = Thread("T1", "C1", "1.1")
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "good", TODAY, "m1"))
    await feedback.vote(redis, Vote(thread, "1.2", "U2", "good", TODAY, "m1"))
    assert await one(redis, "model", "m1") == Counts(good=2)
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "bad", TODAY, "m2"))
    await feedback.vote(redis, Vote(thread, "1.2", "U2", "bad", TODAY))
    await feedback.vote(redis, Vote(thread, "1.2", "U2", "good", TODAY))
    assert (await one(redis, "model", "m1"), await one(redis, "model", "m2")) == (Counts(), Counts(bad=1))
    assert await one(redis, "channel", "C1") == Counts(good=1, bad=1)


async def test_a_vote_keeps_what_was_used_no_longer(redis: AsyncRedis) -> None:
    await counted(redis, replace(COUNTED, keep_days=7))
    thread = Thread("T1", "C1", "1.1")
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "good", TODAY))
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "bad", TODAY + timedelta(days=1)))
    for kind in ("user", "channel"):
        assert 0 <= 7 * 24 * 3600 - await redis.ttl(keys.usage("T1", TODAY, kind)) < 60


async def test_it_is_counted_in_the_transaction_that_acknowledges(redis: AsyncRedis, inbox: Inbox) -> None:
    claim = await claimed(inbox)
    await inbox.acknowledge(claim, bill=Bill(COUNTED))
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, bill=Bill(COUNTED))
    assert (await whole(redis)).requests == 1


async def test_an_attempt_is_counted_when_it_is_given_back_unless_the_lease_is_lost(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    claim, attempt = await claimed(inbox), replace(COUNTED, outcome=None)
    await inbox.release(claim, bill=Bill(attempt))
    await inbox.release(claim, bill=Bill(attempt))
    found = await whole(redis)
    assert (found.requests, found.cost) == (0, 1_234)


async def test_a_synchronous_pipeline_counts_too(redis: AsyncRedis, redis_url: str) -> None:
    with Redis.from_url(redis_url) as client, client.pipeline() as pipe:
        count(pipe, COUNTED)
        pipe.execute()
    assert await whole(redis) == SUM


async def test_votes_count_where_and_by_whom_they_were_given_and_move(redis: AsyncRedis) -> None:
    thread = Thread("T1", "C1", "1.1")
    yesterday = TODAY - timedelta(days=1)
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "good", yesterday))
    await feedback.vote(redis, Vote(thread, "1.2", "U2", "good", yesterday))
    assert await one(redis, "channel", "C1", yesterday) == Counts(good=2)
    await feedback.vote(redis, Vote(thread, "1.2", "U1", "bad", TODAY))
    assert await one(redis, "channel", "C1", yesterday) == Counts(good=1)
    assert await one(redis, "user", "U1", yesterday) == Counts()
    assert await one(redis, "user", "U1") == Counts(bad=1)
    assert (await usage.top(redis, "T1", "user", [TODAY], 10)).number == 0, "who only votes has used nothing"

"""Votes are counted once each, wherever they move; comments are kept with their team."""

import asyncio
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.incoming import Thread
from bot.store import feedback, keys
from bot.store.feedback import COMMENT_LENGTH, KEEP_SECONDS, Comment, Vote

THREAD, ANSWER = Thread("T1", "C1", "1.1"), "1.2"
TODAY = date(2026, 11, 21)
YESTERDAY = TODAY - timedelta(days=1)


async def test_a_day_without_votes_counts_none(redis: "Redis") -> None:
    assert await feedback.counts(redis, "T1", TODAY) == {"good": 0, "bad": 0}


async def test_a_vote_counts_once_however_often_it_is_given(redis: "Redis") -> None:
    assert await feedback.vote(redis, THREAD, ANSWER, "U1", "good", TODAY)
    assert not await feedback.vote(redis, THREAD, ANSWER, "U1", "good", TODAY)
    assert await feedback.counts(redis, "T1", TODAY) == {"good": 1, "bad": 0}


async def test_a_changed_vote_moves_the_count_to_the_day_of_the_change(redis: "Redis") -> None:
    await feedback.vote(redis, THREAD, ANSWER, "U1", "good", YESTERDAY)
    await feedback.vote(redis, THREAD, ANSWER, "U2", "good", YESTERDAY)
    assert await feedback.vote(redis, THREAD, ANSWER, "U1", "bad", TODAY)
    assert await feedback.counts(redis, "T1", YESTERDAY) == {"good": 1, "bad": 0}
    assert await feedback.counts(redis, "T1", TODAY) == {"good": 0, "bad": 1}


async def test_each_person_answer_and_team_counts_for_itself(redis: "Redis") -> None:
    for thread, answer, user in (
        (THREAD, ANSWER, "U1"),
        (THREAD, ANSWER, "U2"),
        (THREAD, "1.3", "U1"),
        (Thread("T2", "C1", "1.1"), ANSWER, "U1"),
    ):
        assert await feedback.vote(redis, thread, answer, user, "bad", TODAY)
    assert await feedback.counts(redis, "T1", TODAY) == {"good": 0, "bad": 3}
    assert await feedback.counts(redis, "T2", TODAY) == {"good": 0, "bad": 1}


async def test_of_many_clicks_at_once_one_counts(redis: "Redis") -> None:
    counted = await asyncio.gather(
        *(feedback.vote(redis, THREAD, ANSWER, "U1", vote, TODAY) for vote in ("good", "bad") * 5)
    )
    assert any(counted)
    assert sum((await feedback.counts(redis, "T1", TODAY)).values()) == 1


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["U1", "U2"]), st.sampled_from(["1.2", "1.3"]), st.sampled_from(["good", "bad"])),
        max_size=12,
    )
)
def test_the_counts_are_those_of_the_last_votes(redis_url: str, given_votes: list[tuple[str, str, Vote]]) -> None:
    async def run() -> None:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            await redis.flushdb()
            last: dict[tuple[str, str], Vote] = {}
            for user, answer, vote in given_votes:
                assert await feedback.vote(redis, THREAD, answer, user, vote, TODAY) == (
                    last.get((user, answer)) != vote
                )
                last[user, answer] = vote
            votes = list(last.values())
            expected = {"good": votes.count("good"), "bad": votes.count("bad")}
            assert await feedback.counts(redis, "T1", TODAY) == expected

    asyncio.run(run())


async def test_a_comment_is_kept_and_a_second_one_replaces_it(redis: "Redis") -> None:
    await feedback.comment(redis, THREAD, ANSWER, "U1", "Too long.", TODAY)
    await feedback.comment(redis, THREAD, ANSWER, "U1", "Far too long. 🙂", TODAY)
    assert await feedback.comments(redis, "T1", TODAY) == [Comment("T1:C1:1.1", ANSWER, "U1", "Far too long. 🙂")]
    assert await feedback.comments(redis, "T2", TODAY) == []


async def test_each_comment_on_a_day_is_kept(redis: "Redis") -> None:
    elsewhere = Thread("T1", "C2", "1.1")
    said = [(THREAD, ANSWER, "U1"), (THREAD, ANSWER, "U2"), (THREAD, "1.3", "U1"), (elsewhere, ANSWER, "U1")]
    for thread, answer, user in said:
        await feedback.comment(redis, thread, answer, user, "Why?", TODAY)
    kept = await feedback.comments(redis, "T1", TODAY)
    assert sorted((one.thread, one.answer, one.user) for one in kept) == sorted((str(t), a, u) for t, a, u in said)


async def test_a_comment_has_its_length(redis: "Redis") -> None:
    await feedback.comment(redis, THREAD, ANSWER, "U1", "x" * 5000, TODAY)
    [kept] = await feedback.comments(redis, "T1", TODAY)
    assert len(kept.text) == COMMENT_LENGTH


async def test_everything_is_the_teams_and_forgotten_after_400_days(redis: "Redis") -> None:
    await feedback.vote(redis, THREAD, ANSWER, "U1", "bad", TODAY)
    await feedback.comment(redis, THREAD, ANSWER, "U1", "Why?", TODAY)
    found = [str(key) async for key in redis.scan_iter("*")]
    counted = {keys.usage("T1", TODAY, "user"), keys.usage("T1", TODAY, "channel")}
    assert set(found) == {
        *counted,
        *(keys.votes(THREAD, ANSWER), keys.feedback("T1", TODAY), keys.comments("T1", TODAY)),
    }
    assert all(key.startswith("T1:") for key in found)
    assert all([KEEP_SECONDS - 60 < await redis.ttl(key) <= KEEP_SECONDS for key in found])

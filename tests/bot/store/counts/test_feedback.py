"""Votes are counted once each, wherever they move; comments are kept with their team."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.store import keys
from bot.store.counts import feedback
from bot.store.counts.feedback import COMMENT_LENGTH, Comment, Feedback, Rating, Vote
from bot.talk.message import Thread

THREAD, ANSWER = Thread("T1", "C1", "1.1"), "1.2"
TODAY = date(2026, 11, 21)
YESTERDAY = TODAY - timedelta(days=1)


async def test_a_day_without_votes_counts_none(redis: Redis) -> None:
    assert await feedback.sums(redis, "T1", [TODAY]) == {"good": 0, "bad": 0}


async def test_a_vote_counts_once_however_often_it_is_given(redis: Redis) -> None:
    assert await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "good", TODAY))
    assert not await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "good", TODAY))
    assert await feedback.sums(redis, "T1", [TODAY]) == {"good": 1, "bad": 0}


async def test_a_changed_vote_moves_the_count_to_the_day_of_the_change(redis: Redis) -> None:
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "good", YESTERDAY))
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U2", "good", YESTERDAY))
    assert await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "bad", TODAY))
    assert await feedback.sums(redis, "T1", [YESTERDAY]) == {"good": 1, "bad": 0}
    assert await feedback.sums(redis, "T1", [TODAY]) == {"good": 0, "bad": 1}


async def test_each_person_answer_and_team_counts_for_itself(redis: Redis) -> None:
    for thread, answer, user in (
        (THREAD, ANSWER, "U1"),
        (THREAD, ANSWER, "U2"),
        (THREAD, "1.3", "U1"),
        (Thread("T2", "C1", "1.1"), ANSWER, "U1"),
    ):
        assert await feedback.vote(redis, Vote(thread, answer, user, "bad", TODAY))
    assert await feedback.sums(redis, "T1", [TODAY]) == {"good": 0, "bad": 3}
    assert await feedback.sums(redis, "T2", [TODAY]) == {"good": 0, "bad": 1}


async def test_of_many_clicks_at_once_one_counts(redis: Redis) -> None:
    counted = await asyncio.gather(
        *(feedback.vote(redis, Vote(THREAD, ANSWER, "U1", vote, TODAY)) for vote in ("good", "bad") * 5)
    )
    assert any(counted)
    assert sum((await feedback.sums(redis, "T1", [TODAY])).values()) == 1


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["U1", "U2"]), st.sampled_from(["1.2", "1.3"]), st.sampled_from(["good", "bad"])),
        max_size=12,
    )
)
def test_the_counts_are_those_of_the_last_votes(redis_url: str, given_votes: list[tuple[str, str, Rating]]) -> None:
    async def run() -> None:
        async with Redis.from_url(redis_url, decode_responses=True) as redis:
            await redis.flushdb()
            last: dict[tuple[str, str], Rating] = {}
            for user, answer, vote in given_votes:
                assert await feedback.vote(redis, Vote(THREAD, answer, user, vote, TODAY)) == (
                    last.get((user, answer)) != vote
                )
                last[user, answer] = vote
            votes = list(last.values())
            expected = {"good": votes.count("good"), "bad": votes.count("bad")}
            assert await feedback.sums(redis, "T1", [TODAY]) == expected

    asyncio.run(run())


async def test_a_comment_is_kept_and_a_second_one_replaces_it(redis: Redis) -> None:
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "Too long."), TODAY)
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "Far too long. 🙂"), TODAY)
    assert await feedback.comments(redis, "T1", TODAY) == [Comment(THREAD, ANSWER, "U1", "Far too long. 🙂")]
    assert await feedback.comments(redis, "T2", TODAY) == []


async def test_each_comment_on_a_day_is_kept(redis: Redis) -> None:
    elsewhere = Thread("T1", "C2", "1.1")
    said = [(THREAD, ANSWER, "U1"), (THREAD, ANSWER, "U2"), (THREAD, "1.3", "U1"), (elsewhere, ANSWER, "U1")]
    for thread, answer, user in said:
        await feedback.comment(redis, Comment(thread, answer, user, "Why?"), TODAY)
    kept = await feedback.comments(redis, "T1", TODAY)
    assert sorted((str(one.thread), one.answer, one.user) for one in kept) == sorted((str(t), a, u) for t, a, u in said)


async def test_a_comment_has_its_length(redis: Redis) -> None:
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "x" * 5000), TODAY)
    [kept] = await feedback.comments(redis, "T1", TODAY)
    assert len(kept.text) == COMMENT_LENGTH


async def test_everything_is_the_teams_and_forgotten_after_400_days(redis: Redis) -> None:
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "bad", TODAY))
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "Why?"), TODAY)
    found = [str(key) async for key in redis.scan_iter("*")]
    counted = {keys.usage("T1", TODAY, "user"), keys.usage("T1", TODAY, "channel")}
    assert set(found) == {
        *counted,
        *(keys.votes(THREAD, ANSWER), keys.feedback("T1", TODAY), keys.comments("T1", TODAY)),
    }
    assert all(key.startswith("T1:") for key in found)
    assert all([400 * keys.DAY - 60 < await redis.ttl(key) <= 400 * keys.DAY for key in found])


# Telling admins of a comment


SAID = Comment(THREAD, ANSWER, "U1", "Too long.")


async def test_a_comment_is_told_once_however_often_it_is_sent(redis: Redis) -> None:
    found = await asyncio.gather(*(feedback.is_news(redis, SAID) for _ in range(10)))
    assert sorted(found) == [False] * 9 + [True]
    assert not await feedback.is_news(redis, SAID)


@pytest.mark.parametrize(
    "change", [{"text": "Far too long."}, {"user": "U2"}, {"answer": "1.3"}], ids=["text", "user", "answer"]
)
async def test_another_comment_is_told_too(redis: Redis, change: dict[str, str]) -> None:
    assert await feedback.is_news(redis, SAID)
    assert await feedback.is_news(redis, Comment(**{**vars(SAID), **change}))


async def test_the_same_comment_in_another_channel_or_team_is_another(redis: Redis) -> None:
    for thread in (THREAD, Thread("T1", "C2", "1.1"), Thread("T2", "C1", "1.1")):
        assert await feedback.is_news(redis, replace(SAID, thread=thread))


async def test_that_a_comment_was_told_is_forgotten_without_its_text(redis: Redis) -> None:
    await feedback.is_news(redis, SAID)
    [key] = [str(key) async for key in redis.scan_iter("*")]
    assert key.startswith("T1:")
    assert 0 < await redis.ttl(key) <= 24 * 3600
    assert "long" not in str(await redis.get(key))


async def test_what_other_versions_stored_is_read(redis: Redis) -> None:
    stored = '{"thread": "T1:C1:1.1", "answer": "1.2", "user": "U1", "text": "Why?"}'
    await redis.hset(keys.comments("T1", TODAY), "C1:1.2:U1", stored)
    await redis.hset(keys.votes(THREAD, ANSWER), mapping={"U1": f"bad {TODAY}", "U2": f"good {TODAY} m1"})
    assert await feedback.all_of(redis, "T1", [TODAY]) == [
        Feedback(TODAY, THREAD, ANSWER, "U1", None, "bad", "Why?"),
        Feedback(TODAY, THREAD, ANSWER, "U2", "m1", "good"),
    ]
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "good", TODAY, "m1"))
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U2", "bad", TODAY))
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "Why?"), TODAY)
    assert await redis.hgetall(keys.votes(THREAD, ANSWER)) == {"U1": f"good {TODAY} m1", "U2": f"bad {TODAY}"}
    assert await redis.hgetall(keys.comments("T1", TODAY)) == {"C1:1.2:U1": stored}


# What is exported


async def test_all_feedback_of_a_period_has_a_line_for_each_person_and_answer(redis: Redis) -> None:
    elsewhere = Thread("T1", "C2", "2.1")
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "bad", TODAY, "m1"))
    await feedback.comment(redis, Comment(THREAD, ANSWER, "U1", "Too long."), TODAY)
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U2", "good", TODAY))
    await feedback.comment(redis, Comment(elsewhere, "2.2", "U1", "Late."), YESTERDAY)
    assert await feedback.all_of(redis, "T1", [YESTERDAY, TODAY]) == [
        Feedback(YESTERDAY, elsewhere, "2.2", "U1", comment="Late."),
        Feedback(TODAY, THREAD, ANSWER, "U1", "m1", "bad", "Too long."),
        Feedback(TODAY, THREAD, ANSWER, "U2", None, "good"),
    ]
    assert await feedback.all_of(redis, "T1", [TODAY - timedelta(days=2)]) == []


async def test_a_vote_is_of_the_day_of_its_last_change(redis: Redis) -> None:
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "good", YESTERDAY))
    await feedback.vote(redis, Vote(THREAD, ANSWER, "U1", "bad", TODAY))
    assert await feedback.all_of(redis, "T1", [YESTERDAY]) == []
    assert [given.rating for given in await feedback.all_of(redis, "T1", [YESTERDAY, TODAY])] == ["bad"]


async def test_nobody_reads_the_feedback_of_another_team(redis: Redis) -> None:
    for team in ("T12", "XT1", "T2"):
        await feedback.vote(redis, Vote(Thread(team, "C1", "1.1"), ANSWER, "U1", "bad", TODAY))
        await feedback.comment(redis, Comment(Thread(team, "C1", "1.1"), ANSWER, "U1", "Why?"), TODAY)
    assert await feedback.all_of(redis, "T1", [TODAY]) == []


async def test_the_votes_of_many_answers_are_found_among_other_keys(redis: Redis) -> None:
    await redis.mset({f"T1:person:U{n}": "somebody" for n in range(3_000)})
    for n in range(1_200):
        await feedback.vote(redis, Vote(Thread("T1", "C1", f"{n}.1"), f"{n}.2", "U1", "good", TODAY))
    found = await feedback.all_of(redis, "T1", [TODAY])
    assert len(found) == len({each.answer for each in found}) == 1_200

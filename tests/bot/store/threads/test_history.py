"""What a thread remembers, and how much of it."""

import json

from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.store import keys
from bot.store.threads import history
from bot.store.threads.files import Attachment
from bot.store.threads.history import Entry, kept
from bot.talk.message import Thread

THREAD = Thread("T1", "C1", "1.1")


def turns(*sizes: int) -> list[Entry]:
    """A question and an answer in turn, each of so many bytes."""
    return [Entry("assistant" if n % 2 else "user", "x" * size, f"{n}.1") for n, size in enumerate(sizes)]


conversations = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), min_size=1, max_size=20).map(
    lambda pairs: turns(*(size for pair in pairs for size in pair))
)
budgets = st.integers(0, 8000)


def total(entries: list[Entry]) -> int:
    return sum(entry.tokens for entry in entries)


def test_a_question_is_found_by_its_ts() -> None:
    entries = [Entry("user", "a", "1.1"), Entry("assistant", "b", "1.1"), Entry("user", "c", "1.2")]
    assert history.asked(entries, "1.1") == entries[0]
    assert history.asked(entries, "1.3") is None


def test_the_newest_question_is_the_last() -> None:
    entries = [Entry("user", "a", "1.1"), Entry("user", "c", "1.2"), Entry("assistant", "b", "1.2")]
    assert history.newest(entries) == "1.2"
    assert history.newest([]) is None


def test_a_turn_that_is_left_out_leaves_no_trace() -> None:
    entries = [Entry("user", "a", "1.1"), Entry("assistant", "b", "1.1"), Entry("user", "c", "1.2")]
    assert history.without(entries, "1.1") == entries[2:]
    assert history.without(entries, "1.3") == entries


async def test_a_thread_nobody_spoke_in_has_no_history(redis: Redis) -> None:
    assert await history.load(redis, THREAD) == []


async def test_what_a_later_version_wrote_is_read(redis: Redis) -> None:
    entry = Entry("user", "a", "1.1")
    await redis.rpush(keys.history(THREAD), json.dumps({**json.loads(entry.to_json()), "mood": "good"}))
    assert await history.load(redis, THREAD) == [entry]


async def test_entries_come_back_as_they_were_written(redis: Redis) -> None:
    file = Attachment("F1", "Ä.png", "image", "image/png", 1_000, 50_000)
    entries = [
        Entry("user", "Ä <b>\n\u2028🙂", "1.1", "U1", "Ada “A”", files=(file,)),
        Entry("assistant", "Ja.", "1.1"),
    ]
    await redis.rpush(keys.history(THREAD), *(entry.to_json() for entry in entries))
    assert await history.load(redis, THREAD) == entries


@given(conversations, budgets)
def test_a_history_within_its_budget_stays_whole(entries: list[Entry], budget: int) -> None:
    if total(entries) <= budget:
        assert kept(entries, budget) == len(entries)


@given(conversations, budgets)
def test_what_is_kept_begins_with_a_question(entries: list[Entry], budget: int) -> None:
    assert entries[-kept(entries, budget)].role == "user"


@given(conversations, budgets)
def test_the_newest_question_and_answer_stay_however_long(entries: list[Entry], budget: int) -> None:
    assert 2 <= kept(entries, budget) <= len(entries)


@given(conversations, budgets)
def test_a_history_over_its_budget_is_cut_to_half_of_it(entries: list[Entry], budget: int) -> None:
    keep = kept(entries, budget)
    if total(entries) > budget and keep > 2:
        assert total(entries[-keep:]) <= budget // 2


@given(conversations, budgets)
def test_no_question_that_would_fit_is_dropped(entries: list[Entry], budget: int) -> None:
    keep = kept(entries, budget)
    if keep < len(entries):
        assert total(entries[-keep - 2 :]) > budget // 2


@given(conversations, budgets)
def test_cutting_twice_cuts_no_more(entries: list[Entry], budget: int) -> None:
    once = entries[-kept(entries, budget) :]
    assert kept(once, budget) == len(once)


@given(st.lists(st.integers(0, 3000), min_size=2, max_size=40), st.integers(1000, 8000))
def test_the_beginning_moves_seldom(sizes: list[int], budget: int) -> None:
    """Between two cuts a thread grows by half of its budget (invariant 11), unless single turns are as long as that."""
    entries: list[Entry] = []
    grown = budget
    for n, size in enumerate(sizes):
        new = [Entry("user", "q" * size, f"{n}.1"), Entry("assistant", "a", f"{n}.1")]
        entries, grown = [*entries, *new], grown + total(new)
        keep = kept(entries, budget)
        if keep < len(entries):
            assert grown > budget // 2
            entries, grown = entries[-keep:], 0 if total(entries[-keep:]) <= budget // 2 else budget


@given(st.text(max_size=500))
def test_the_estimate_is_on_the_high_side(text: str) -> None:
    """No tokenizer makes more tokens than a third of the bytes out of prose; sixteen are for what stands around it."""
    assert Entry("user", text, "1.1").tokens >= len(text) / 3


def test_files_count_too() -> None:
    file = Attachment("F1", "a.png", "image", "image/png", 1_000, 50_000)
    assert Entry("user", "", "1.1", files=(file, file)).tokens >= 2_000


async def test_turns_from_before_there_were_files_are_read(redis: Redis) -> None:
    await redis.rpush(keys.history(THREAD), '{"role": "user", "text": "hi", "ts": "1.1"}')
    assert await history.load(redis, THREAD) == [Entry("user", "hi", "1.1")]

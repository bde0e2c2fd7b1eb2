"""What of a long thread is summed up, and how seldom; the calls for it are in test_conversation.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox import Claude as Sandbox
from bot.sandbox import Clock, Faults, Journal
from bot.sandbox.claude.answers import Answer as Script
from bot.settings import Settings
from bot.store.threads.history import Entry
from bot.store.threads.prompt_record import Instructions
from tests.kit.claude import RecordingMeter
from workers.claude.client import CallSubject, ClaudeClient
from workers.prompt import compaction
from workers.prompt.compaction import SUMMARY_TOKENS, Summarizer, older, room
from workers.prompt.prompt import RequestSetup, build

SUMMARY = Entry("summary", "x" * 3_000, "0.1")

sizes = st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)), min_size=1, max_size=30)
budgets = st.integers(100, 20_000)


def turn(question: int, answer: int) -> list[Entry]:
    """A question and an answer of so many bytes, with an instruction between them."""
    return [
        Entry("user", "q" * question, "1.1"),
        Entry("system", "Be brief.", "1.1"),
        Entry("assistant", "a" * answer, "1.1"),
    ]


def total(entries: list[Entry]) -> int:
    return sum(entry.tokens for entry in entries)


@given(sizes, budgets)
def test_what_stays_are_the_newest_turns_that_fit_into_a_quarter(pairs: list[tuple[int, int]], budget: int) -> None:
    entries = [entry for pair in pairs for entry in turn(*pair)]
    count = older(entries, budget)
    if count:
        assert count % 3 == 0
        assert total(entries[count:]) <= budget // 4
        assert total(entries[count - 3 :]) > budget // 4


@given(sizes, budgets)
def test_two_summaries_are_a_quarter_of_the_budget_apart(pairs: list[tuple[int, int]], budget: int) -> None:
    """Invariant 11: however long the summary is, and whatever is asked."""
    entries: list[Entry] = []
    grown = budget
    for pair in pairs:
        if total(entries) > budget and (count := older(entries, budget)):
            assert grown > budget // 4
            entries = [SUMMARY, *entries[count:]]
            grown = total(entries[1:])
        entries += turn(*pair)
        grown += total(entries[-3:])


@given(sizes)
def test_turns_that_no_prompt_has_are_no_reason(pairs: list[tuple[int, int]]) -> None:
    hidden = [Entry(e.role, e.text, e.ts, hidden=True) for pair in pairs for e in turn(*pair)]
    assert older(hidden, 100) == 0
    assert older([SUMMARY], 100) == 0
    assert older([], 100) == 0


@pytest.mark.parametrize(
    ("model", "max_tokens", "history_tokens", "system", "tokens"),
    [
        ("claude-sonnet-5-5", 16_000, 100_000, 4_000, 104_000),
        ("claude-sonnet-5-5", 16_000, 990_000, 4_000, 984_000),
        ("claude-haiku-4-5", 16_000, 900_000, 4_000, 184_000),
        ("claude-haiku-4-5", 128_000, 900_000, 4_000, 136_000),
        ("claude-of-tomorrow", 128_000, 900_000, 4_000, 136_000),
    ],
)
def test_a_prompt_leaves_room_for_its_answer(
    model: str, max_tokens: int, history_tokens: int, system: int, tokens: int
) -> None:
    assert room(model, max_tokens, history_tokens, system) == tokens


async def test_a_summary_is_of_what_the_cheap_model_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models differ in how much that is; here the thread is three times as long."""
    monkeypatch.setattr(compaction, "CHEAP_MODEL", "claude-haiku-4-5")
    clock = Clock(speed=200)
    sandbox = Sandbox(clock, Journal(clock), Faults(seed=1), first_delta=0.0)
    sandbox.script(None, Script("They pasted much."))
    await sandbox.start()
    environ = {"ANTHROPIC_API_KEY": sandbox.api_key, "ANTHROPIC_BASE_URL": sandbox.url}
    claude = ClaudeClient(Settings.load(environ, dotenv=None))
    try:
        entries = [Entry("user", f"{number} " + "x" * 60_000, "1.1", "U1") for number in range(30)]
        meter = RecordingMeter()
        request = build(RequestSetup("claude-haiku-4-5", 1_000), Instructions("", "x"), entries)
        summary = await Summarizer(claude, CallSubject("T1"), meter).summary(request, entries)
    finally:
        await claude.close()
        await sandbox.stop()
    assert summary == Entry("summary", "They pasted much.", "until 1.1")
    [piece] = meter.usage
    assert 100_000 < piece.prompt < 200_000 - SUMMARY_TOKENS

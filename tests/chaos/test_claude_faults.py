"""1,000 answers while a third of all calls to Claude fail in some way."""

import asyncio
import re
from collections import Counter
from typing import Any

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.limits import Rates
from bot.sandbox.journal import Entry
from tests.asking import REQUEST, ROUTE, bodies, connected, serving
from workers import failures
from workers.claude import Claude, Unanswered

ANSWERS = 1_000
AT_ONCE = 40
ATTEMPTS = 4
TEXTS = {n: f"Answer {n}: " + f"some words of {n}, " * 6 for n in range(10)}

PASSING: list[tuple[str, dict[str, Any]]] = [
    ("overloaded", {}),
    ("rate_limit", {"retry_after": "0.01"}),
    ("rate_limit", {"retry_after": 100_000}),
    ("status", {"status": 500}),
    ("status", {"status": 503}),
    ("status", {"status": 408}),
    ("status", {"status": 409}),
    ("status", {"status": 400, "should_retry": True}),
    ("error", {}),
    ("error", {"error_type": "api_error"}),
    ("eof", {}),
    ("half", {}),
    ("reset", {}),
    ("drop", {}),
    ("stall", {}),
]
STAYING: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 400}),
    ("status", {"status": 401}),
    ("status", {"status": 403}),
    ("status", {"status": 404}),
    ("status", {"status": 413}),
    ("status", {"status": 503, "should_retry": False}),
    ("spend_limit", {}),
    ("error_first", {"error_type": "invalid_request_error"}),
]
STAYS = "This stays."
SENTENCES = {
    *failures.SENTENCES.values(),
    *(failures.NOT_ACCEPTED, failures.SPENT, failures.TOO_SLOW, failures.UNREACHABLE),
}


def add_faults(sandbox: Sandbox) -> None:
    """For a third of all requests, of which a quarter stays. Each is drawn where none before it was."""
    left = 1.0
    for kinds, share, message in ((PASSING, 0.25, "This passes."), (STAYING, 1 / 12, STAYS)):
        for kind, params in kinds:
            sandbox.faults.add(ROUTE, kind, probability=share / len(kinds) / left, message=message, **params)
            left -= share / len(kinds)


async def one(claude: Claude, n: int, places: asyncio.Semaphore) -> str:
    """The text, or the sentence of a failure."""
    question = {"role": "user", "content": f"question {n} of number {n % len(TEXTS)}"}
    async with places:
        try:
            return (await claude.call({**REQUEST, "messages": [question]}, on_text=lambda text: None).answer()).text
        except Unanswered as failure:
            return failure.sentence


async def test_every_answer_is_complete_or_has_its_one_sentence() -> None:
    async with serving(speed=2000) as sandbox:
        sandbox.limits.rates = Rates(10**9, 10**9, 10**9)
        for n, text in TEXTS.items():
            sandbox.script(f"number {n}$", Script(text))
        add_faults(sandbox)
        more = {"CLAUDE_ATTEMPTS": str(ATTEMPTS), "CLAUDE_IDLE_SECONDS": "1"}
        async with connected(sandbox, **more) as claude:
            places = asyncio.Semaphore(AT_ONCE)
            ends = await asyncio.gather(*(one(claude, n, places) for n in range(ANSWERS)))

    complete = [end == TEXTS[n % len(TEXTS)] for n, end in enumerate(ends)]
    assert not [
        end for end, is_complete in zip(ends, complete, strict=True) if not is_complete and end not in SENTENCES
    ]
    assert 0.8 * ANSWERS < sum(complete) < ANSWERS

    errors = {entry.data["request_id"]: entry for entry in sandbox.journal.entries("claude.error")}
    asked = sandbox.journal.entries("claude.request")
    calls: dict[int, list[str]] = {}
    for entry, body in zip(asked, bodies(sandbox), strict=True):
        question = re.fullmatch(r"question (\d+) .*", body["messages"][0]["content"])
        assert question
        calls.setdefault(int(question[1]), []).append(entry.data["request_id"])
    assert 0.25 < len(errors) / len(asked) < 0.42
    assert max(map(len, calls.values())) == ATTEMPTS
    for n, attempts in calls.items():
        stays = [at for at, request in enumerate(attempts, 1) if request in errors and _stays(errors[request])]
        assert stays in ([], [len(attempts)]), f"question {n} was asked again after what stays"
        assert complete[n] == (attempts[-1] not in errors)
    assert Counter(map(len, calls.values())).keys() == set(range(1, ATTEMPTS + 1))


def _stays(entry: Entry) -> bool:
    return entry.name == "error_first" or entry.data.get("message") == STAYS

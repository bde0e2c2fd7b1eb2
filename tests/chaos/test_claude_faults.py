"""1,000 answers while a third of all calls to Claude fail in some way.

What befalls each call is drawn before, so that how each answer ends, and after how many calls, is known exactly. No
clock has a say: calls that are to be answered may take for ever, and only those that hang are waited for shortly.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.sandbox import Claude as Sandbox
from bot.sandbox.claude.answers import Answer as Script
from bot.sandbox.claude.limits import Rates
from bot.sandbox.faults import Fault
from tests.kit.claude import QUICK, REQUEST, Watching, bodies, serving, settings
from workers.claude.client import ClaudeClient, NoAnswer
from workers.claude.failures import BAD_KEY, NOT_ACCEPTED, NOT_NOW, OVERLOADED, SENTENCES, SPENT, TOO_SLOW, UNREACHABLE

ANSWERS = 1_000
AT_ONCE = 40
ATTEMPTS = 3
PATIENT = replace(QUICK, attempts=ATTEMPTS, idle_seconds=3600, connect_seconds=600)
HASTY = replace(QUICK, idle_seconds=1)
TEXTS = [f"Answer {n}: " + f"some words of {n}, " * 6 for n in range(10)]
TOO_MANY = SENTENCES["rate_limit_error"]


@dataclass(frozen=True)
class Meeting:
    """A fault, what people are told where it ends their turn, and whether it does so at the first time."""

    kind: str
    sentence: str
    params: Mapping[str, Any] = field(default_factory=dict)
    stays: bool = False

    @property
    def hangs(self) -> bool:
        return self.kind == "stall"


PASSING = [
    Meeting("overloaded", OVERLOADED),
    Meeting("rate_limit", TOO_MANY, {"retry_after": "0.01"}),
    Meeting("rate_limit", TOO_MANY, {"retry_after": 100_000}),
    Meeting("status", NOT_ACCEPTED, {"status": 400, "should_retry": True}),
    Meeting("status", OVERLOADED, {"status": 503}),
    Meeting("status", NOT_NOW, {"status": 408, "error_type": "of_tomorrow"}),
    Meeting("status", NOT_NOW, {"status": 409}),
    Meeting("status", OVERLOADED, {"status": 500}),
    Meeting("error", OVERLOADED),
    Meeting("error", OVERLOADED, {"error_type": "api_error"}),
    Meeting("eof", UNREACHABLE),
    Meeting("half", UNREACHABLE),
    Meeting("reset", UNREACHABLE),
    Meeting("drop", UNREACHABLE),
    Meeting("stall", TOO_SLOW),
]
STAYING = [
    Meeting("status", NOT_ACCEPTED, {"status": 400}, stays=True),
    Meeting("status", BAD_KEY, {"status": 401}, stays=True),
    Meeting("status", BAD_KEY, {"status": 403}, stays=True),
    Meeting("status", SENTENCES["not_found_error"], {"status": 404}, stays=True),
    Meeting("status", SENTENCES["request_too_large"], {"status": 413}, stays=True),
    Meeting("status", OVERLOADED, {"status": 503, "should_retry": False}, stays=True),
    Meeting("spend_limit", SPENT, stays=True),
    Meeting("error_first", NOT_ACCEPTED, {"error_type": "invalid_request_error"}, stays=True),
]
MEETINGS = [*PASSING, *STAYING]
WELL = len(MEETINGS)


def drawn(n: int) -> list[int]:
    """What befalls the calls of question `n`, as indices of MEETINGS, WELL where nothing does.

    A third of them fails, of which a quarter stays.
    """
    chance = random.Random(n)
    weights = [*[0.25 / len(PASSING)] * len(PASSING), *[1 / 12 / len(STAYING)] * len(STAYING), 2 / 3]
    return chance.choices(range(WELL + 1), weights, k=ATTEMPTS)


def due(n: int) -> list[int]:
    """The calls that must be made for question `n`."""
    plan = drawn(n)
    for made, what in enumerate(plan, 1):
        if what == WELL or MEETINGS[what].stays:
            return plan[:made]
    return plan


def end(n: int) -> str:
    """What the last of them makes people see."""
    last = due(n)[-1]
    return TEXTS[n % len(TEXTS)] if last == WELL else MEETINGS[last].sentence


def label(n: int, call: int, what: int) -> str:
    return f"question {n} for text {n % len(TEXTS)}, call {call} meets {what}"


class Labelling(ClaudeClient):
    """Tells the sandbox in each request what befalls it, and sends those that are to hang as `hasty` does."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(settings(sandbox, ANSWER_SECONDS="3600"), patience=PATIENT)
        self._hasty = ClaudeClient(settings(sandbox), patience=HASTY)
        self.made: dict[int, list[int]] = {}

    async def close(self) -> None:
        await super().close()
        await self._hasty.close()

    async def _send(self, request: Mapping[str, Any]) -> Any:
        n = int(request["messages"][0]["content"])
        made = self.made.setdefault(n, [])
        plan = drawn(n)
        what = plan[len(made)] if len(made) < len(plan) else WELL
        made.append(what)
        labelled = {**request, "messages": [{"role": "user", "content": label(n, len(made), what)}]}
        if what != WELL and MEETINGS[what].hangs:
            return await self._hasty._send(labelled)
        return await super()._send(labelled)


async def one(claude: ClaudeClient, n: int, concurrency: asyncio.Semaphore) -> tuple[str, Sequence[str]]:
    """The text or the sentence of a failure, and each text that was shown on the way."""
    shown: list[str] = []
    request = {**REQUEST, "messages": [{"role": "user", "content": str(n)}]}
    async with concurrency:
        try:
            return (await claude.call(request, observer=Watching(shown.append)).answer()).text, shown
        except NoAnswer as failure:
            return failure.sentence, shown


async def test_every_answer_is_complete_or_has_its_one_sentence() -> None:
    async with serving(speed=2000) as sandbox:
        sandbox.limits.rates = Rates(10**9, 10**9, 10**9)
        for at, text in enumerate(TEXTS):
            sandbox.script(f" text {at}, .* meets {WELL}$", Script(text))
            for what, meeting in enumerate(MEETINGS):
                fault = Fault(meeting.kind, meeting.params)
                sandbox.script(f" text {at}, .* meets {what}$", Script(text, fault=fault))
        claude = Labelling(sandbox)
        concurrency = asyncio.Semaphore(AT_ONCE)
        try:
            ends = await asyncio.gather(*(one(claude, n, concurrency) for n in range(ANSWERS)))
        finally:
            await claude.close()

    for n, (answer, shown) in enumerate(ends):
        assert claude.made[n] == due(n), f"question {n} was asked too often, or not often enough"
        assert answer == end(n), f"question {n}: {claude.made[n]}"
        assert all(TEXTS[n % len(TEXTS)].startswith(text) for text in shown)
        assert answer not in TEXTS or shown[-1] == answer

    # What hangs may be given up before the sandbox has read it. Nothing else, the SDK least, repeats a call.
    arrived = Counter(body["messages"][0]["content"] for body in bodies(sandbox))
    made = [(label(n, call, what), what) for n in claude.made for call, what in enumerate(claude.made[n], 1)]
    hanging = {name for name, what in made if what != WELL and MEETINGS[what].hangs}
    assert {name: 1 for name, _ in made if name not in hanging} == {
        name: count for name, count in arrived.items() if name not in hanging
    }
    assert all(arrived[name] <= 1 for name in hanging)


def test_what_is_drawn_is_a_third_and_leaves_no_end_out() -> None:
    plans = [due(n) for n in range(ANSWERS)]
    calls = [what for plan in plans for what in plan]
    assert 0.3 < sum(what != WELL for what in calls) / len(calls) < 0.37
    assert set(calls) == set(range(WELL + 1))
    assert set(map(len, plans)) == set(range(1, ATTEMPTS + 1))
    assert 0.8 * ANSWERS < sum(plan[-1] == WELL for plan in plans) < ANSWERS
    used_up = {MEETINGS[plan[-1]].sentence for plan in plans if plan[-1] != WELL and not MEETINGS[plan[-1]].stays}
    assert used_up == {meeting.sentence for meeting in PASSING}

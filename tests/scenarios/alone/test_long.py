"""A thread that grows too long while people speak to each other in it keeps what it remembers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.store import keys
from bot.store.threads.history import Entry
from bot.talk.message import Thread
from tests.kit.parley import Parley
from tests.scenarios.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parley(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with running(tmp_path_factory, "socket", HISTORY_TOKENS="4000") as parley:
        yield parley


async def test_what_was_read_and_summed_up_at_once_is_in_the_summary_alone(parley: Parley) -> None:
    root = asked = ""
    for attempt in range(5):
        root, asked = await _asked_after_much_was_said(parley, f"root {attempt}")
        # A worker gives Slack three seconds to tell what was said. A machine that stands still that long begins anew.
        if f":{root} error=" not in parley.log:
            break

    async def is_remembered() -> bool:
        return (await parley.history("general", root))[-1].ts == asked

    await parley.eventually(is_remembered, within=10)
    summary, *rest = await parley.history("general", root)
    assert summary.role == "summary"
    assert all(float(entry.ts) > float(summary.ts.removeprefix("until ")) for entry in rest)


async def _asked_after_much_was_said(parley: Parley, text: str) -> tuple[str, str]:
    """A thread with six long turns and twenty messages of people, and the question that was answered after them."""
    root = await parley.slack.say("ben", "general", text)
    thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], root)
    for turn in range(6):
        ts = f"{float(root) + turn / 1_000_000:.6f}"
        said = Entry("user", "Ä" * 600, ts, parley.sandbox.users["ben"]), Entry("assistant", "Ö" * 600, ts)
        await parley.redis.rpush(keys.history(thread), *(entry.to_json() for entry in said))
    await parley.slack.say("ben", "general", "@chidi what do you think?", thread_ts=root)

    async def is_noted() -> object:
        return await parley.redis.hget(keys.asides(thread), "others")

    await parley.eventually(is_noted, within=10)
    for number in range(20):
        await parley.slack.say("chidi", "general", f"{number} " + "well " * 180, thread_ts=root)
    asked = await parley.slack.say("ben", "general", "@parley so?", thread_ts=root)
    await parley.answers("general", asked, thread_ts=root)
    return root, asked

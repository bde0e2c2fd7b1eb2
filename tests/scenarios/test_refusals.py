"""What Slack refuses while an answer grows, and what people see then: the answer, or the reason in the log."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.claude.answers import Answer
from bot.sandbox.faults import Fault
from bot.sandbox.slack.world.records import Message
from tests.kit.parley import Parley, payload, text

pytestmark = pytest.mark.asyncio(loop_scope="package")

LONG = " ".join(f"word{n}" for n in range(500))


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def parley(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Parley]:
    async with Parley(redis_server, tmp_path_factory.mktemp("refusals")) as parley:
        parley.sandbox.claude.first_delta, parley.sandbox.claude.deltas_per_second = 0.05, 400.0
        yield parley


def said(messages: list[Message]) -> str:
    return "".join("".join(text(message) for message in messages).split())


async def growing(parley: Parley, channel: str = "general") -> str:
    """A question whose answer is being written, and goes on for more than a second."""
    parley.sandbox.claude.script("at length", Answer(LONG, deltas_per_second=150.0), times=1)
    ts = await parley.slack.say("ada", channel, "@parley at length")
    await parley.slack.until(lambda: parley.replies(channel, ts))
    return ts


async def answers_again(parley: Parley, ts: str, channel: str = "general") -> None:
    """The thread goes on."""
    last = await parley.slack.say("ada", channel, "@parley and now?", thread_ts=ts)
    assert await parley.answers(channel, last, thread_ts=ts)


@pytest.mark.parametrize("error", ["msg_too_long", "msg_blocks_too_long", "invalid_blocks"])
async def test_an_edit_that_is_refused_for_its_form_is_made_simpler(parley: Parley, error: str) -> None:
    ts = await growing(parley)
    parley.sandbox.faults.add("chat.update", "error", times=1, error=error)
    await parley.answers("general", ts)
    assert said(parley.replies("general", ts)) == "".join(LONG.split())
    await parley.logged(f"slack refused method=chat.update .*{ts} error={error}")


async def test_an_answer_that_somebody_deletes_ends_and_the_thread_goes_on(parley: Parley) -> None:
    ts = await growing(parley)
    [reply] = parley.replies("general", ts)
    await parley.slack.delete("ada", "general", reply.ts)
    await parley.logged(f"reply deleted by somebody .*ts={ts}")
    assert parley.replies("general", ts) == []
    await answers_again(parley, ts)
    assert len(parley.replies("general", ts)) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_an_answer_that_may_not_be_edited_any_more_goes_on_in_a_new_message(parley: Parley, error: str) -> None:
    ts = await growing(parley)
    parley.sandbox.faults.add("chat.update", "error", times=1, error=error)
    await parley.answers("general", ts)
    first, last = parley.replies("general", ts)
    assert LONG.startswith(text(first))
    assert said([last]) == "".join(LONG.split())
    assert payload(last)["state"] == "complete"


async def test_an_archived_channel_ends_the_answer_with_the_reason_in_the_log(parley: Parley) -> None:
    ts = await growing(parley, "random")
    await parley.slack.archive("random")
    try:
        await parley.logged(f"undeliverable .*ts={ts} .*error=is_inactive")
    finally:
        await parley.slack.archive("random", archived=False)
    await answers_again(parley, ts, "random")


@pytest.mark.parametrize(("gone", "error"), [("archived", "is_archived"), ("removed", "not_in_channel")])
async def test_an_answer_that_has_no_channel_any_more_ends_with_the_reason_in_the_log(
    parley: Parley, gone: str, error: str
) -> None:
    parley.sandbox.claude.script("late", Answer("Too late.", first_delta=1.0), times=1)
    ts = await parley.slack.say("ada", "random", "@parley late")
    await parley.sandbox.journal.until(
        lambda e: e.kind == "claude.request" and "late" in str(e.data) and e.at > float(ts)
    )
    await (parley.slack.archive("random") if gone == "archived" else parley.slack.remove("parley", "random"))
    try:
        await parley.logged(f"undeliverable .*ts={ts} .*error={error}")
    finally:
        if gone == "archived":
            await parley.slack.archive("random", archived=False)
        else:
            await parley.slack.invite("parley", "random")
    assert parley.replies("random", ts) == []
    await answers_again(parley, ts, "random")


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("error", {"error": "internal_error"}),
        ("error", {"error": "update_failed"}),
        ("status", {"status": 503}),
        ("reset", {}),
        ("reset", {"after": True}),
        ("rate_limit", {"retry_after": 1}),
    ],
    ids=["internal_error", "update_failed", "503", "reset", "lost", "limited"],
)
async def test_an_edit_that_fails_is_made_again(parley: Parley, kind: str, params: dict[str, Any]) -> None:
    ts = await growing(parley)
    parley.sandbox.faults.add("chat.update", kind, times=2, **params)
    assert await parley.answers("general", ts) == [LONG]


async def test_after_claude_fails_in_mid_answer_what_people_see_never_gets_shorter(parley: Parley) -> None:
    """Invariant 8."""
    broken = Answer(LONG[:2000], deltas_per_second=300.0, fault=Fault("reset", {"after": 250}))
    parley.sandbox.claude.script("break off", broken, Answer(LONG, deltas_per_second=300.0), times=2)
    ts = await parley.slack.say("ada", "general", "@parley break off")
    assert await parley.answers("general", ts) == [LONG]
    [reply] = parley.replies("general", ts)
    edits = parley.sandbox.journal.entries("slack.request", "chat.update")
    lengths = [len(edit.data["blocks"][0]["text"]) for edit in edits if edit.data["ts"] == reply.ts]
    assert all(before <= after for before, after in itertools.pairwise(lengths))
    assert lengths[-1] == len(LONG)
    await parley.logged("attempt failed")

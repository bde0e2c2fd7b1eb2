"""Many threads at once: each message one answer, in order inside a thread (invariants 2 and 3)."""

import asyncio
from functools import partial

import pytest

from bot.sandbox.claude.answers import Answer
from bot.sandbox.journal import Entry
from tests.kit.parley import Parley, payload

pytestmark = pytest.mark.asyncio(loop_scope="package")

CHANNELS = ("general", "engineering", "random")


async def _say(parley: Parley, channel: str, words: str, root: str | None = None) -> str:
    """Say it, and wait until Parley has it: an event that comes after a later one's first words comes too late."""
    ts = await parley.slack.say("ada", channel, words, thread_ts=root)
    await parley.sandbox.journal.until(lambda e: e.kind == "slack.ack" and e.data.get("ts") == ts)
    return ts


async def _ask(parley: Parley, channel: str, n: int) -> list[str]:
    root = await _say(parley, channel, f"@parley {n}/0")
    return [root, *[await _say(parley, channel, f"@parley {n}/{turn}", root) for turn in range(1, 4)]]


async def test_forty_mentions_in_ten_threads_each_delivered_twice_get_forty_replies_in_order(parley: Parley) -> None:
    parley.sandbox.faults.add("event:duplicate", "duplicate")
    channels = [CHANNELS[n % 3] for n in range(10)]
    threads = await asyncio.gather(*(_ask(parley, channel, n) for n, channel in enumerate(channels)))
    asked = {stamps[0]: stamps for stamps in threads}
    roots = list(zip(channels, asked, strict=True))
    await asyncio.gather(*(parley.answers(channel, *asked[root], thread_ts=root, within=90) for channel, root in roots))
    for channel, root in roots:
        answered = [payload(message)["message_ts"] for message in parley.replies(channel, root)]
        assert answered == asked[root]
    everything = {ts for messages in asked.values() for ts in messages}
    deliveries = [e for e in parley.sandbox.journal.entries("slack.delivery") if e.data.get("ts") in everything]
    assert len(deliveries) >= 2 * len(everything)


def _asks(ts: str, entry: Entry) -> bool:
    return entry.kind == "claude.request" and ts in str(entry.data["body"])


async def test_an_earlier_message_that_arrives_late_is_still_answered_first(parley: Parley) -> None:
    parley.sandbox.claude.script("late", Answer("Said.", first_delta=1.0), times=3)
    root = await parley.slack.say("ada", "general", "@parley hello")
    await parley.answers("general", root)
    first, second = (f"{float(root) + later:.6f}" for later in (10, 20))
    for ts in (second, first):
        event = {"user": parley.sandbox.users["ben"], "channel": parley.sandbox.channels["general"]}
        text = f"<@{parley.sandbox.bot_user}> late {ts}"
        await parley.slack.deliver({"type": "app_mention", "ts": ts, "thread_ts": root, "text": text, **event})
        await parley.sandbox.journal.until(partial(_asks, ts))
    await parley.answers("general", first, second, thread_ts=root)
    answered = [payload(message)["message_ts"] for message in parley.replies("general", root)]
    assert answered == [root, first, second]


async def test_a_thread_whose_messages_arrive_in_reverse_order_is_answered_in_order(parley: Parley) -> None:
    parley.sandbox.claude.script("backwards", Answer("Said.", first_delta=0.6), times=40)
    root = await parley.slack.say("ada", "random", "@parley hello")
    await parley.answers("random", root)
    stamps = [f"{float(root) + later:.6f}" for later in range(10, 17)]
    for ts in reversed(stamps):
        event = {"user": parley.sandbox.users["ben"], "channel": parley.sandbox.channels["random"]}
        text = f"<@{parley.sandbox.bot_user}> backwards {ts}"
        await parley.slack.deliver({"type": "app_mention", "ts": ts, "thread_ts": root, "text": text, **event})
        await parley.sandbox.journal.until(partial(_asks, ts))
    await parley.answers("random", *stamps, thread_ts=root, within=60)
    replies = parley.replies("random", root)
    assert [payload(message)["message_ts"] for message in replies] == [root, *stamps]
    assert all(payload(message)["state"] == "complete" for message in replies)

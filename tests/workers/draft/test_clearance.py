import asyncio

import pytest

from bot.slack.rate_limits import TIER_3, RateLimits
from bot.store import keys
from bot.store.threads.replies import Final
from tests.kit.drafts import Desk
from tests.kit.parley import payload, text
from workers.draft.layout import PART_LENGTH
from workers.draft.pacing import Pacing

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))


async def test_a_refusal_for_too_many_calls_pauses_the_method_for_all(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "rate_limit", times=1, retry_after=1)
    pacing = Pacing(desk.redis)
    async with desk.draft() as draft:
        finishing = asyncio.create_task(draft.finish(Final("Later")))
        await desk.sandbox.journal.until(lambda e: e.kind == "slack.fault")
        async with asyncio.timeout(0.9):
            while not await pacing.is_paused(desk.message.thread.team, "chat.postMessage"):
                await asyncio.sleep(0.01)
        await finishing
    [refused] = desk.sandbox.journal.entries("slack.fault", "chat.postMessage")
    [posted] = desk.sandbox.journal.entries("slack.request", "chat.postMessage")
    assert posted.monotonic - refused.monotonic >= 0.9


async def test_a_refusal_of_slacks_makes_its_method_slower_and_the_client_alone_pauses_it(desk: Desk) -> None:
    team, method = desk.message.thread.team, "chat.postMessage"
    desk.sandbox.faults.add(method, "rate_limit", times=1, retry_after=20)
    async with desk.draft(has_rate_limits=False) as draft:
        await draft.finish(Final("At once"))
    assert await desk.redis.exists(keys.slower(team, method))
    [refused] = desk.sandbox.journal.entries("slack.fault", method)
    [posted] = desk.sandbox.journal.entries("slack.request", method)
    assert posted.monotonic - refused.monotonic < 10


async def test_a_call_that_was_not_made_pauses_and_slows_nothing_and_is_waited_for(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Others have looked into threads so often that nobody may for a while."""
    team, look = desk.message.thread.team, "conversations.replies"
    async with desk.draft() as draft:
        await draft.finish(Final("Posted, but not written down"))
    await desk.redis.flushall()
    rate_limits, calls = RateLimits(desk.redis, team), keys.calls(team, look)
    assert [await rate_limits.take(look) for _ in range(TIER_3)] == [0] * TIER_3
    now, _ = await desk.redis.time()
    for member in await desk.redis.zrange(calls, 0, -1):
        await desk.redis.zadd(calls, {str(member): (now + 4) * 1000})
    async with desk.draft(resumed=True) as draft:
        draft.write("Found again")
        await draft.finish(Final("Found again"))
    assert [text(m) for m in desk.posted] == ["Found again"]
    assert not await desk.redis.exists(keys.pause(team, look), keys.slower(team, look))
    assert [line.split(" thread=")[0] for line in caplog.messages if "refused" in line] == [
        f"slack refused method={look}"
    ]


async def test_a_reply_that_may_not_be_edited_live_posts_what_is_whole(desk: Desk) -> None:
    pacing = Pacing(desk.redis)
    assert [await pacing.admit(desk.message.thread.team, f"other{n}") for n in range(13)] == [True] * 12 + [False]
    assert PART_LENGTH < len(LONG) < 2 * PART_LENGTH
    async with desk.draft() as draft:
        draft.write(LONG)
        await desk.shows(lambda shown: len(shown) == 1)
        assert payload(desk.posted[0])["state"] == "complete"
        await draft.finish(Final(LONG + " End."))
    assert [payload(m)["state"] for m in desk.posted] == ["complete", "complete"]
    assert text(desk.posted[-1]).endswith("End.")
    assert (desk.calls("chat.postMessage"), desk.calls("chat.update")) == (2, 0)

"""A reply that grows as Slack's native stream, and what becomes of it where that is not possible."""

import asyncio
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from bot.sandbox.slack.streams import STREAM_SECONDS
from bot.store import keys
from bot.store.threads import replies
from bot.store.threads.replies import Final
from bot.talk.message import Thread
from tests.kit.drafts import Desk, Killed
from tests.kit.parley import payload
from workers.draft.draft import Draft
from workers.draft.refusals import ReplyDeleted
from workers.draft.turn import Terms
from workers.markdown.sanitize import PING

BUTTONS = ["context_actions", "actions"]
WORDS = "One paragraph of the answer, and then another sentence of it."


def squeezed(*texts: str) -> str:
    return "".join("".join(texts).split())


def below(desk: Desk, number: int = -1) -> list[str]:
    """What stands below a message's text."""
    return [block["type"] for block in desk.posted[number].blocks[1:]]


def never_shrinks(frames: list[list[str]]) -> bool:
    lengths = [sum(map(len, frame)) for frame in frames]
    return lengths == sorted(lengths)


async def streaming(desk: Desk, draft: Draft, text: str = "First") -> None:
    """Write, and wait until it stands in an open stream."""
    draft.write(f"{text} ")
    await desk.sandbox.slack.until(lambda: desk.texts == [text.rstrip()] and desk.posted[0].stream == "open")


# As it should be


async def test_the_answer_grows_by_appends_and_ends_with_what_stands_below(desk: Desk) -> None:
    with desk.seen() as frames:
        async with desk.draft(streaming="native") as draft:
            await streaming(desk, draft, "One")
            draft.write("One two ")
            await desk.shows(lambda shown: shown == ["One two"])
            await draft.finish(Final("One two three", has_buttons=True, note="a note"))
    assert desk.texts == ["One two three"]
    assert never_shrinks(frames)
    assert (desk.states, desk.posted[0].stream) == (["complete"], "stopped")
    assert payload(desk.posted[0])["parts"] == 1
    assert below(desk) == ["context", *BUTTONS]
    appended = desk.sandbox.journal.entries("slack.request", "chat.appendStream")
    assert [call.data["markdown_text"] for call in appended] == [" two"]
    assert (desk.calls("chat.postMessage"), desk.calls("chat.update"), desk.calls("chat.stopStream")) == (0, 0, 1)


async def test_an_answer_that_was_never_live_is_one_post(desk: Desk) -> None:
    async with desk.draft(streaming="native") as draft:
        await draft.finish(Final("All at once"))
    assert desk.texts == ["All at once"]
    assert (desk.calls("chat.postMessage"), desk.calls("chat.startStream")) == (1, 0)


async def test_slack_is_told_for_whom_a_stream_in_a_channel_is(desk: Desk) -> None:
    async with desk.draft(streaming="native") as draft:
        await streaming(desk, draft)
        await draft.finish(Final("First"))
    [start] = desk.sandbox.journal.entries("slack.request", "chat.startStream")
    assert start.data["recipient_user_id"] == desk.sandbox.users["ada"]
    assert start.data["recipient_team_id"] == desk.sandbox.team


async def test_appends_are_a_second_apart_and_take_all_that_came(desk: Desk) -> None:
    async with desk.draft(streaming="native") as draft:
        began = time.monotonic()
        await streaming(desk, draft, "x")
        for length in range(2, 200):
            draft.write("x " * length)
            await asyncio.sleep(0.005)
        await desk.shows(lambda shown: shown == ["x " * 198 + "x"])
        await draft.finish(Final("x" * 200))
    calls = desk.sandbox.journal.entries("slack.request", "chat.appendStream")
    assert len(calls) <= 1 + time.monotonic() - began
    assert all(later.monotonic - call.monotonic > 0.95 for call, later in pairwise(calls))


@pytest.mark.parametrize(
    "hostile", ["Listen <!channel> all", "Listen @here you", "Ask <@U0000STRANGER> now", "Come, <!subteam^S123> all"]
)
async def test_what_pings_never_stands_in_a_stream_however_it_is_split(desk: Desk, hostile: str) -> None:
    """Invariant 9, judged at every change of what people see."""
    desk.sandbox.slack.limits.on = False
    shown: set[str] = set()
    # Nothing is shown before the first word is whole; of the others, most end before anybody saw their beginning.
    surely_shown = range(hostile.index(" ") + 1, len(hostile), 4)
    for cut in range(1, len(hostile)):
        one = await desk.ask()
        with one.seen() as frames:
            async with one.draft(streaming="native") as draft:
                draft.write(hostile[:cut])
                if cut in surely_shown:
                    await one.shows(lambda texts: texts)
                draft.write(hostile)
                await draft.finish(Final(hostile))
        shown.update(text for frame in frames for text in frame)
        await desk.redis.flushall()
    assert len(shown) >= 2
    assert desk.calls("chat.startStream") >= len(surely_shown) >= 2
    assert not [text for text in shown if PING.search(text)]


async def test_25_replies_at_once_are_complete_without_a_refused_call(desk: Desk) -> None:
    """Invariant 6, with Slack's limits on: the ones beyond 20 are edited."""
    channels = ["general", "random", "engineering", "@ada", "@ben"]
    desks = [await desk.ask(name, "ben" if name == "@ben" else "ada") for name in channels for _ in range(5)]

    async def answer(one: Desk, number: int) -> None:
        async with one.draft(streaming="native") as draft:
            for size in range(1, 60):
                draft.write(f"{number}: " + "word " * size)
                await asyncio.sleep(0.15)
            await draft.finish(Final(f"{number}: " + "word " * 60 + "end", has_buttons=True))

    await asyncio.gather(*(answer(one, number) for number, one in enumerate(desks)))
    assert desk.refused() == []
    assert [one.texts for one in desks] == [[f"{number}: " + "word " * 60 + "end"] for number in range(25)]
    assert {state for one in desks for state in one.states} == {"complete"}
    assert 10 <= desk.calls("chat.startStream") <= 20


# Rotation


async def test_a_stream_goes_on_in_a_new_message_before_slack_ends_it(desk: Desk) -> None:
    text = "\n\n".join(f"{n}. paragraph, and what it says." for n in range(60))
    # Slack ends a stream after fifteen seconds then, so that there are some to spare.
    desk.sandbox.clock.speed = STREAM_SECONDS / 15
    terms = Terms(frozenset(), rotate_seconds=0.8, longest_seconds=2.5)
    with desk.seen() as frames:
        async with desk.draft(streaming="native", terms=terms) as draft:
            began = time.monotonic()
            while (come := time.monotonic() - began) < 6:
                draft.write(text[: int(len(text) * come / 6)])
                await asyncio.sleep(0.05)
            await draft.finish(Final(text, has_buttons=True))
    assert len(desk.posted) >= 3
    assert squeezed(*desk.texts) == squeezed(text)
    assert {message.stream for message in desk.posted} == {"stopped"}
    assert all(shown.endswith("says.") for shown in desk.texts)
    assert never_shrinks(frames)
    assert desk.states == ["complete"] * len(desk.posted)
    assert below(desk, 0) == ["context"]
    assert below(desk) == ["context", *BUTTONS]
    assert desk.refused() == []
    ends = {call.data["ts"]: call.at for call in desk.sandbox.journal.entries("slack.request", "chat.stopStream")}
    assert max(ends[message.ts] - float(message.ts) for message in desk.posted) < STREAM_SECONDS


async def test_a_fence_is_reopened_in_the_next_stream(desk: Desk) -> None:
    code = [f"line_{n} = {n}" for n in range(30)]
    text = "```python\n" + "\n".join(code)
    terms = Terms(frozenset(), rotate_seconds=0.3, longest_seconds=20.0)
    async with desk.draft(streaming="native", terms=terms) as draft:
        await streaming(desk, draft, text[:100].rpartition("\n")[0] + "\n")
        await asyncio.sleep(0.6)
        draft.write(text)
        await desk.shows(lambda shown: len(shown) == 2)
        await draft.finish(Final(f"{text}\n```\nDone."))
    first, second = desk.texts
    assert first.startswith("```python\n")
    assert first.endswith("\n```")
    assert second.startswith("```python\n")
    assert second.endswith("\n```\nDone.")
    assert [line for shown in desk.texts for line in shown.split("\n") if line in code] == code
    assert desk.refused() == []


async def test_a_stream_ends_in_time_even_if_no_text_comes(desk: Desk) -> None:
    terms = Terms(frozenset(), rotate_seconds=0.3, longest_seconds=0.6)
    async with desk.draft(streaming="native", terms=terms) as draft:
        await streaming(desk, draft, "First")
        await desk.sandbox.slack.until(lambda: desk.posted[0].stream == "stopped", within=3)
        assert desk.texts == ["First"]
        draft.write("First and more\n\nand more ")
        await desk.shows(lambda shown: squeezed(*shown) == squeezed("First and more and more"))
        await draft.finish(Final("First and more\n\nand more. End."))
    assert squeezed(*desk.texts) == squeezed("First and more and more. End.")
    assert desk.refused() == []


# Where it is not possible


@pytest.mark.parametrize("moment", ["append", "stop"])
async def test_a_stream_that_slack_ended_is_edited_from_then_on(desk: Desk, moment: str) -> None:
    async with desk.draft(streaming="native") as draft:
        await streaming(desk, draft)
        desk.sandbox.clock.advance(310)
        if moment == "append":
            draft.write("First and second ")
            await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last", has_buttons=True))
    assert (desk.texts, desk.states) == (["First and second and last"], ["complete"])
    assert below(desk) == BUTTONS
    assert desk.calls("chat.startStream") == 1
    assert desk.calls("chat.update") >= 1
    assert len(desk.refused()) == 1


@pytest.mark.parametrize("error", ["unknown_method", "feature_not_enabled", "channel_type_not_supported"])
async def test_a_workspace_without_streams_gets_edits(desk: Desk, error: str) -> None:
    desk.sandbox.faults.add("chat.startStream", "error", error=error)
    async with desk.draft(streaming="native") as draft:
        draft.write("First ")
        await desk.shows(lambda shown: shown == ["First"])
        draft.write("First and second ")
        await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last"))
    assert desk.texts == ["First and second and last"]
    assert len(desk.sandbox.journal.entries("slack.fault", "chat.startStream")) == 1
    assert desk.calls("chat.postMessage") == 1


@pytest.mark.parametrize(("mode", "tried"), [("auto", 1), ("native", 2)])
async def test_only_auto_remembers_that_a_workspace_has_none(desk: Desk, mode: Any, tried: int) -> None:
    desk.sandbox.faults.add("chat.startStream", "error", error="unknown_method")
    for one in (desk, await desk.ask("random")):
        async with one.draft(streaming=mode) as draft:
            draft.write("First ")
            await one.shows(lambda shown: shown == ["First"])
            await draft.finish(Final("First and last"))
        assert one.texts == ["First and last"]
    assert len(desk.sandbox.journal.entries("slack.fault", "chat.startStream")) == tried
    assert desk.calls("conversations.replies") == 0
    assert await desk.redis.exists(keys.no_streams(desk.sandbox.team))


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
@pytest.mark.parametrize(
    "fault",
    [
        ("error", {"error": "invalid_chunks"}),
        ("error", {"error": "internal_error"}),
        ("reset", {}),
        ("reset", {"after": True}),
        ("half", {}),
        ("status", {"status": 502}),
        ("delay", {"seconds": 2.5}),
    ],
    ids=["invalid_chunks", "internal_error", "reset", "lost", "half", "502", "late"],
)
async def test_a_call_that_fails_on_the_way_doubles_and_loses_nothing(
    desk: Desk, method: str, fault: tuple[str, dict[str, Any]]
) -> None:
    desk.sandbox.faults.add(method, fault[0], times=1, **fault[1])
    with desk.seen() as frames:
        async with desk.draft(streaming="native") as draft:
            draft.write("First ")
            await desk.shows(lambda shown: shown == ["First"])
            draft.write("First and second ")
            await desk.shows(lambda shown: shown == ["First and second"])
            await draft.finish(Final("First and second and last", has_buttons=True))
    assert (desk.texts, desk.states) == (["First and second and last"], ["complete"])
    assert below(desk) == BUTTONS
    assert {squeezed(*frame) for frame in frames} - {""} <= {
        squeezed(text) for text in ("First", "First and second", "First and second and last")
    }


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
async def test_a_call_that_is_limited_is_made_again_after_the_time_that_slack_told(desk: Desk, method: str) -> None:
    desk.sandbox.faults.add(method, "rate_limit", times=1, retry_after=1)
    async with desk.draft(streaming="native") as draft:
        draft.write("First ")
        await desk.shows(lambda shown: shown == ["First"])
        draft.write("First and second ")
        await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last"))
    assert (desk.texts, desk.states) == (["First and second and last"], ["complete"])
    [refused] = desk.sandbox.journal.entries("slack.fault", method)
    later = [call for call in desk.sandbox.journal.entries("slack.request", method) if call.at > refused.at]
    assert all(call.monotonic - refused.monotonic >= 0.95 for call in later)


async def test_the_stop_of_a_stream_that_cannot_go_on_counts_too(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.appendStream", "error", error="invalid_chunks")
    async with desk.draft(streaming="native") as draft:
        await streaming(desk, draft)
        draft.write("First and second ")
        await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last"))
    assert desk.calls("chat.stopStream") == 1
    assert await desk.redis.zcard(keys.calls(desk.sandbox.team, "chat.stopStream")) == 1


@pytest.mark.parametrize(
    ("kind", "params"), [("error", {"error": "internal_error"}), ("rate_limit", {"retry_after": 1})]
)
async def test_a_stream_that_will_not_stop_is_asked_again_in_good_time(
    desk: Desk, kind: str, params: dict[str, Any]
) -> None:
    desk.sandbox.faults.add("chat.appendStream", "error", error="invalid_chunks")
    desk.sandbox.faults.add("chat.stopStream", kind, times=2, **params)
    async with desk.draft(streaming="native") as draft:
        await streaming(desk, draft)
        await draft.finish(Final("First and second and last"))
    assert (desk.texts, desk.states) == (["First and second and last"], ["complete"])
    assert len(desk.refused()) <= 2
    tries = [e for e in desk.sandbox.journal.entries() if e.name == "chat.stopStream" and "response" not in e.kind]
    assert all(later.monotonic - call.monotonic >= 0.45 for call, later in pairwise(tries[1:]))


async def test_slacks_stop_is_stop(desk: Desk) -> None:
    stopped = asyncio.Event()
    async with desk.draft(streaming="native", on_stop=stopped.set) as draft:
        await streaming(desk, draft)
        thread = (desk.message.thread.channel, desk.message.thread.ts)
        await _session(desk)
        await desk.sandbox.slack.press_stop("ada", *thread)
        draft.write("First and second ")
        async with asyncio.timeout(5):
            await stopped.wait()
        await draft.finish(Final("First and second", has_buttons=True, stopped_by="ada"))
    assert (desk.texts, desk.states) == (["First and second"], ["complete"])
    assert below(desk) == ["context", *BUTTONS]


async def _session(desk: Desk) -> None:
    """What makes Slack show its Stop button."""
    async with desk.web() as web:
        where = {"channel_id": desk.message.thread.channel, "thread_ts": desk.message.thread.ts}
        await web.agents_sessions_setStatus(**where, status="processing")


async def test_a_deleted_stream_ends_it(desk: Desk) -> None:
    async def answer() -> None:
        async with desk.draft(streaming="native") as draft:
            await streaming(desk, draft)
            await desk.sandbox.slack.delete("ada", "general", desk.posted[0].ts)
            await draft.finish(Final("First and last"))

    with pytest.raises(ReplyDeleted):
        await answer()
    assert desk.posted == []


async def test_text_that_turns_out_otherwise_stops_the_stream_and_is_edited(desk: Desk) -> None:
    """Invariant 8: after a retry of Claude, and a stream can take nothing back."""
    with desk.seen() as frames:
        async with desk.draft(streaming="native") as draft:
            await streaming(desk, draft, "one two three four")
            for new in ("uno", "uno due tre", "uno due tre quattro cinque"):
                draft.write(new)
                await asyncio.sleep(0.05)
            await desk.shows(lambda shown: shown == ["uno due tre quattro cinque"])
            while_streaming = list(frames)
            await draft.finish(Final("uno due tre quattro cinque sei"))
    assert desk.texts == ["uno due tre quattro cinque sei"]
    assert never_shrinks(while_streaming)
    assert [frame for frame in frames if frame] == [
        ["one two three four"],
        ["uno due tre quattro cinque"],
        ["uno due tre quattro cinque sei"],
    ]
    assert desk.refused() == []


async def test_a_retry_that_is_shorter_leaves_no_message_of_a_rotated_stream(desk: Desk) -> None:
    terms = Terms(frozenset(), rotate_seconds=0.2, longest_seconds=20.0)
    async with desk.draft(streaming="native", terms=terms) as draft:
        await streaming(desk, draft, "The first paragraph.")
        await asyncio.sleep(0.5)
        draft.write("The first paragraph.\n\nThe second ")
        await desk.shows(lambda shown: len(shown) == 2)
        await draft.finish(Final("Claude began anew"))
    assert (desk.texts, desk.states) == (["Claude began anew"], ["complete"])
    assert desk.refused() == []


# When a process dies


@pytest.mark.parametrize("recorded", [True, False])
async def test_who_takes_over_stops_the_stream_and_edits_it(desk: Desk, recorded: bool) -> None:
    with suppress(Killed):
        async with desk.draft(streaming="native") as draft:
            await streaming(desk, draft, "First")
            while not (await replies.load(desk.redis, desk.message.thread, desk.message.ts)).parts:
                await asyncio.sleep(0.01)
            raise Killed
    if not recorded:
        await desk.redis.hdel(keys.reply(desk.message.thread, desk.message.ts), "parts")
    async with desk.draft(resumed=True, streaming="native") as draft:
        draft.write("First and second ")
        await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last", has_buttons=True))
    assert (desk.texts, desk.states) == (["First and second and last"], ["complete"])
    assert desk.posted[0].stream == "stopped"
    assert below(desk) == BUTTONS
    assert desk.calls("chat.startStream") == 1
    assert desk.refused() == ["chat.update streaming_state_conflict"]


async def test_who_takes_over_begins_no_stream(desk: Desk) -> None:
    async with desk.draft(resumed=True, streaming="native") as draft:
        draft.write("First ")
        await desk.shows(lambda shown: shown == ["First"])
        await draft.finish(Final("First and last"))
    assert (desk.texts, desk.calls("chat.startStream")) == (["First and last"], 0)


async def test_a_stream_of_an_earlier_question_is_left_alone(desk: Desk) -> None:
    """Of two questions in a thread, the first one's stream is still there when the second one is gone on with."""
    thread = desk.message.thread
    again = await desk.ask()
    second = Desk(desk.sandbox, desk.redis, type(desk.message)(thread, again.message.ts, desk.message.user, "again"))
    async with desk.draft(streaming="native") as draft:
        await streaming(desk, draft)
        await draft.finish(Final("The first answer"))
    await replies.save_streamed(desk.redis, Thread(thread.team, thread.channel, thread.ts), second.message.ts)
    async with second.draft(resumed=True, streaming="native") as draft:
        await draft.finish(Final("The second answer"))
    assert desk.texts == ["The first answer", "The second answer"]

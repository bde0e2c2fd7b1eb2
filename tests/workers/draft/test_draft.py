import asyncio
import time
from contextlib import suppress

import pytest

from bot.store.threads.claims import LeaseLost
from bot.store.threads.replies import Final
from tests.kit.drafts import Desk, Killed
from tests.kit.parley import payload, text

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))


async def test_the_first_words_are_posted_and_then_edited_in_place(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        draft.write("First and second")
        await desk.shows(lambda shown: shown == ["First and second"])
        await draft.finish(Final("First and second and last"))
    assert [text(m) for m in desk.posted] == ["First and second and last"]
    assert payload(desk.posted[0])["state"] == "complete"
    assert desk.calls("chat.postMessage") == 1


async def test_nothing_is_posted_before_there_are_words(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("")
        draft.write("   \n")
        await draft.finish(Final("Words"))
    assert desk.calls("chat.postMessage") == 1
    assert desk.calls("chat.update") == 0


async def test_a_complete_answer_takes_one_call(desk: Desk) -> None:
    async with desk.draft() as draft:
        await draft.finish(Final("All at once"))
    assert (desk.calls("chat.postMessage"), desk.calls("chat.update")) == (1, 0)


async def test_text_that_came_faster_than_the_budget_allows_is_shown_newest_first(desk: Desk) -> None:
    async with desk.draft() as draft:
        began = time.monotonic()
        for length in range(1, 200):
            draft.write("x" * length)
            await asyncio.sleep(0.005)
        await desk.shows(lambda shown: shown == ["x" * 199])
        assert desk.calls("chat.update") <= 1 + time.monotonic() - began
        await draft.finish(Final("x" * 200))


async def test_after_a_retry_the_old_text_stays_until_the_new_one_has_passed_it(desk: Desk) -> None:
    lengths: list[int] = []
    async with desk.draft() as draft:
        draft.write("one two three four")
        await desk.shows(lambda shown: shown == ["one two three four"])
        with desk.sandbox.journal.follow() as entries:
            for new in ("uno", "uno due tre", "uno due tre quattro cinque"):
                draft.write(new)
                await asyncio.sleep(0.05)
            await desk.shows(lambda shown: shown == ["uno due tre quattro cinque"])
            while not entries.empty():
                entry = entries.get_nowait()
                if (entry.kind, entry.name) == ("slack.request", "chat.update"):
                    lengths.append(len(entry.data["blocks"][0]["text"]))
        await draft.finish(Final("uno due"))
    assert lengths == [len("uno due tre quattro cinque")]
    assert [text(m) for m in desk.posted] == ["uno due"]


async def test_frames_are_closed_and_the_complete_text_is_as_it_is(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("```python\nprint(1)\n")
        await desk.shows(lambda shown: shown and shown[0].rstrip().endswith("```"))
        await draft.finish(Final("```python\nprint(1)\n```\nand `half"))
    assert text(desk.posted[0]) == "```python\nprint(1)\n```\nand `half"


async def test_who_takes_over_goes_on_with_the_same_message(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("The beginning of an answer")
        await desk.shows(lambda shown: shown == ["The beginning of an answer"])
        await draft.finish(Final("The beginning of an answer"))
    async with desk.draft(resumed=True) as draft:
        draft.write("Shorter")
        await draft.finish(Final("Another, complete answer"))
    assert [text(m) for m in desk.posted] == ["Another, complete answer"]


async def test_who_takes_over_finds_a_post_that_nobody_recorded(desk: Desk) -> None:
    async with desk.draft() as draft:
        await draft.finish(Final("Posted, but not written down"))
    await desk.redis.flushall()
    async with desk.draft(resumed=True) as draft:
        await draft.finish(Final("Found again"))
    assert [text(m) for m in desk.posted] == ["Found again"]


async def test_a_retry_that_comes_out_shorter_leaves_no_message_over(desk: Desk) -> None:
    long = "\n\n".join(["A paragraph of the answer. " * 30] * 30)
    async with desk.draft() as draft:
        await draft.finish(Final(long))
    assert len(desk.posted) > 1
    async with desk.draft(resumed=True) as draft:
        await draft.finish(Final("Short"))
    assert [text(m) for m in desk.posted] == ["Short"]


async def test_nothing_is_sent_once_the_lease_is_lost(desk: Desk) -> None:
    def may_send() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        async with desk.draft(may_send=may_send) as draft:
            await draft.finish(Final("Not mine any more"))
    assert desk.calls("chat.postMessage") == 0


async def test_a_reply_asks_before_it_becomes_visible(desk: Desk) -> None:
    class NotYet(Exception): ...

    async def may_begin() -> None:
        raise NotYet

    with pytest.raises(NotYet):
        async with desk.draft(may_begin=may_begin) as draft:
            await draft.finish(Final("Too early"))
    assert desk.calls("chat.postMessage") == 0


async def test_what_was_shown_by_a_worker_that_died_before_it_could_write_that_down_stays(desk: Desk) -> None:
    """Invariant 8. Slack has the edit, and its answer finds nobody."""
    with suppress(Killed):
        async with desk.draft() as draft:
            draft.write("First")
            await desk.shows(lambda shown: shown == ["First"])
            draft.write("First, and then many more words")
            await desk.shows(lambda shown: shown == ["First, and then many more words"])
            raise Killed
    with desk.seen() as frames:
        async with desk.draft(resumed=True) as draft:
            draft.write("First, other words")
            # Longer than one edit waits for the next.
            await asyncio.sleep(1.5)
            draft.write("First, other words, and more of them than before")
            await desk.shows(lambda shown: shown == ["First, other words, and more of them than before"])
            await draft.finish(Final("First, other words, and more of them than before."))
    assert next(text for [text] in frames if "other" in text).endswith("than before")


@pytest.mark.parametrize("kind", ["reset", "half", "status"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_post_that_fails_on_the_way_appears_once(desk: Desk, kind: str, after: bool) -> None:
    params = {"status": 502} if kind == "status" else {}
    desk.sandbox.faults.add("chat.postMessage", kind, times=1, after=after, **params)
    async with desk.draft() as draft:
        await draft.finish(Final("Once"))
    assert [text(m) for m in desk.posted] == ["Once"]


async def test_a_message_that_is_full_needs_no_edit_at_the_end(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("A paragraph")
        await desk.shows(lambda shown: len(shown) == 1)
        draft.write(LONG)
        await desk.shows(lambda shown: len(shown) == 2)
        before = desk.calls("chat.update")
        await draft.finish(Final(LONG + " End."))
        assert desk.calls("chat.update") - before == 1
    assert [(payload(m)["state"], payload(m).get("parts")) for m in desk.posted] == [
        ("complete", None),
        ("complete", 2),
    ]


async def test_the_last_message_says_how_many_there_are(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write(LONG)
        await desk.shows(lambda shown: len(shown) == 2)
        before = desk.calls("chat.update")
        await draft.finish(Final(LONG + "\n\n" + LONG))
        assert desk.calls("chat.update") - before == 1
    assert len(desk.posted) > 2
    assert [payload(m).get("parts") for m in desk.posted] == [None] * (len(desk.posted) - 1) + [len(desk.posted)]

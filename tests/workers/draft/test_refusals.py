import asyncio
import itertools

import pytest

from bot.store.threads.replies import Final
from tests.kit.drafts import Desk
from tests.kit.parley import payload, text
from workers.draft.layout import PLAIN_LENGTH
from workers.draft.part import STANDS_IN
from workers.draft.refusals import ReplyDeleted, Undeliverable

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))


def squeezed(*texts: str) -> str:
    return "".join("".join(texts).split())


def small_print(desk: Desk, number: int = -1) -> list[str]:
    return [block["elements"][0]["text"] for block in desk.posted[number].blocks if block["type"] == "context"]


def actions(desk: Desk, number: int = -1) -> list[str]:
    """The buttons below a message."""
    rows = [block["elements"] for block in desk.posted[number].blocks if "actions" in block["type"]]
    return [element["action_id"] for element in itertools.chain(*rows)]


async def test_a_deleted_answer_ends_it(desk: Desk) -> None:
    async with desk.draft() as draft:
        await draft.finish(Final("Go away"))
    await desk.sandbox.slack.delete("ada", "general", desk.posted[0].ts)
    with pytest.raises(ReplyDeleted):
        async with desk.draft(resumed=True) as draft:
            await draft.finish(Final("Go away, or not"))
    assert desk.posted == []


async def test_an_archived_channel_ends_it(desk: Desk) -> None:
    await desk.sandbox.slack.archive("general")
    with pytest.raises(Undeliverable, match="is_archived"):
        async with desk.draft() as draft:
            await draft.finish(Final("Nobody listens"))


async def test_an_answer_that_may_not_be_edited_any_more_goes_on_in_a_new_message(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.slack.workspace.edit_window = 60.0
        desk.sandbox.clock.advance(120)
        await draft.finish(Final("Begun and done"))
    assert [text(m) for m in desk.posted] == ["Begun", "Begun and done"]


async def test_blocks_that_slack_refuses_are_sent_as_plain_text(desk: Desk) -> None:
    long = "Some words of the answer. " * 100
    desk.sandbox.faults.add("chat.postMessage", "error", times=1, error="invalid_blocks")
    async with desk.draft() as draft:
        await draft.finish(Final(long))
    assert len(desk.posted) == -(-len(long) // PLAIN_LENGTH)
    assert all(m.blocks == [] for m in desk.posted)
    assert "".join("".join(m.text for m in desk.posted).split()) == "".join(long.split())


async def test_a_full_message_that_may_not_be_edited_any_more_stays(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write(LONG)
        await desk.shows(lambda shown: len(shown) == 2)
        first = desk.posted[0].ts
        desk.sandbox.slack.workspace.edit_window = 60.0
        desk.sandbox.clock.advance(120)
        await draft.finish(Final(LONG + "\n\n" + LONG))
    assert desk.posted[0].ts == first
    assert len([m for m in desk.posted if text(m) == text(desk.posted[0])]) == 1


async def test_buttons_that_slack_does_not_know_are_replaced_by_older_ones(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", times=1, error="invalid_blocks")
    async with desk.draft() as draft:
        await draft.finish(Final("Words", has_buttons=True))
    assert desk.texts == ["Words"]
    assert [block["type"] for block in desk.posted[0].blocks] == ["markdown", "actions"]
    assert actions(desk) == ["parley_feedback_good", "parley_feedback_bad", "parley_regenerate"]


async def test_after_a_second_refusal_the_text_comes_without_blocks(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", times=2, error="invalid_blocks")
    async with desk.draft() as draft:
        await draft.finish(Final("Words", has_buttons=True))
    assert (desk.texts, desk.posted[0].blocks) == (["Words"], [])


async def test_after_a_third_refusal_it_is_given_up(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", error="invalid_blocks")
    with pytest.raises(Undeliverable, match="invalid_blocks"):
        async with desk.draft() as draft:
            await draft.finish(Final("Words", has_buttons=True))
    assert len(desk.sandbox.journal.entries("slack.fault")) == 3


@pytest.mark.parametrize("error", ["msg_too_long", "msg_blocks_too_long"])
@pytest.mark.parametrize("live", [False, True])
async def test_what_is_too_long_is_made_shorter_and_sent_once_more(desk: Desk, error: str, live: bool) -> None:
    text = "Some words of the answer. " * 100
    async with desk.draft() as draft:
        if live:
            draft.write("Some")
            await desk.shows(lambda shown: shown == ["Some"])
        desk.sandbox.faults.add("chat.update" if live else "chat.postMessage", "error", times=1, error=error)
        await draft.finish(Final(text, has_buttons=True))
    assert squeezed(*(message.text for message in desk.posted)) == squeezed(text)
    assert max(len(message.text) for message in desk.posted) <= PLAIN_LENGTH
    assert len(desk.sandbox.journal.entries("slack.fault")) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_what_may_not_be_edited_goes_on_in_a_new_message(desk: Desk, error: str) -> None:
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.faults.add("chat.update", "error", error=error, times=1)
        draft.write("Begun and gone on")
        await desk.shows(lambda shown: shown == ["Begun", "Begun and gone on"])
        await draft.finish(Final("Begun and gone on and done"))
    assert desk.texts == ["Begun", "Begun and gone on and done"]


async def test_where_nothing_may_be_edited_the_answer_is_not_begun_over_and_over(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.update", "error", error="edit_window_closed")
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        draft.write("Begun and gone on")
        await desk.shows(lambda shown: shown == ["Begun", "Begun and gone on"])
        draft.write("Begun and gone on and on")
        while len(desk.sandbox.journal.entries("slack.fault")) < 2:
            await asyncio.sleep(0.02)
        draft.write("Begun and gone on and on and on")
        await asyncio.sleep(1.5)
        await draft.finish(Final("Begun and gone on and on and on and done"))
    assert desk.texts == ["Begun", "Begun and gone on", "Begun and gone on and on and on and done"]


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_refusal_that_nobody_knows_is_not_the_end(desk: Desk, method: str) -> None:
    desk.sandbox.faults.add(method, "error", error="an_error_of_next_year", times=1)
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        draft.write("Begun and gone on")
        await desk.shows(lambda shown: shown == ["Begun and gone on"])
        await draft.finish(Final("Done"))
    assert desk.texts == ["Done"]


async def test_a_refusal_that_nobody_knows_is_not_the_end_after_an_outage_either(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", error="internal_error", times=4)
    desk.sandbox.faults.add("chat.postMessage", "error", error="an_error_of_next_year", times=1)
    async with desk.draft(backoff_seconds=(0.05, 0.1)) as draft:
        await draft.finish(Final("Done"))
    assert desk.texts == ["Done"]


@pytest.mark.parametrize("error", ["an_error_of_next_year", "block_mismatch"])
async def test_an_edit_that_is_refused_in_every_form_goes_on_in_a_new_message(desk: Desk, error: str) -> None:
    async with desk.draft(backoff_seconds=(0.05, 0.1)) as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.faults.add("chat.update", "error", error=error)
        await draft.finish(Final("Begun and done"))
    assert desk.texts == ["Begun", "Begun and done"]


async def test_a_post_that_is_refused_again_and_again_is_given_up(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", error="an_error_of_next_year")
    with pytest.raises(Undeliverable, match="an_error_of_next_year"):
        async with desk.draft(backoff_seconds=(0.05, 0.1)) as draft:
            await draft.finish(Final("Never"))


@pytest.mark.parametrize("lost", [False, True])
async def test_an_edit_that_fails_to_the_end_is_told_in_one_new_message(
    desk: Desk, caplog: pytest.LogCaptureFixture, lost: bool
) -> None:
    async with desk.draft(final_seconds=2.0) as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.faults.add("chat.update", "error", error="internal_error")
        if lost:
            desk.sandbox.faults.add("chat.postMessage", "reset", times=1)
        await draft.finish(Final("Begun and done", has_buttons=True))
    assert desk.texts == ["Begun", "Begun and done"]
    assert small_print(desk) == [STANDS_IN]
    assert payload(desk.posted[1])["state"] == "complete"
    assert "edit given up" in caplog.text


async def test_what_cannot_be_told_at_all_is_raised(desk: Desk) -> None:
    desk.sandbox.faults.add("chat.postMessage", "error", error="internal_error")
    with pytest.raises(TimeoutError):
        async with desk.draft(final_seconds=0.8) as draft:
            await draft.finish(Final("Never"))
    assert desk.posted == []


async def test_looking_for_a_lost_post_is_limited_as_slack_says(desk: Desk) -> None:
    """Invariant 6."""
    desk.sandbox.faults.add("chat.postMessage", "reset", after=True, times=1)
    desk.sandbox.faults.add("conversations.replies", "rate_limit", times=1, retry_after=3)
    async with desk.draft() as draft:
        await draft.finish(Final("Once"))
    assert desk.texts == ["Once"]
    [refused] = desk.sandbox.journal.entries("slack.fault", "conversations.replies")
    [looked] = desk.sandbox.journal.entries("slack.request", "conversations.replies")
    assert looked.monotonic - refused.monotonic >= 2.9

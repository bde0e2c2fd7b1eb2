"""The last words of a reply, whatever Slack refuses (invariant 7)."""

import asyncio
import itertools
import logging
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from bot.sandbox.slack.world.app import SCOPES
from bot.sandbox.slack.world.records import File
from bot.slack import status
from bot.store.threads import replies
from bot.store.threads.replies import Final
from tests.kit.drafts import Desk, Killed, at_desk
from tests.kit.parley import payload
from workers.draft.composition import Terms
from workers.draft.draft import FILE_NAME, Undeliverable
from workers.draft.layout import PLAIN_LENGTH
from workers.draft.messages import IN_A_FILE, STANDS_IN

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))
IN_PART = Terms(frozenset(), 5_000)


def squeezed(*texts: str) -> str:
    return "".join("".join(texts).split())


def small_print(desk: Desk, number: int = -1) -> list[str]:
    return [block["elements"][0]["text"] for block in desk.posted[number].blocks if block["type"] == "context"]


def actions(desk: Desk, number: int = -1) -> list[str]:
    """The buttons below a message."""
    rows = [block["elements"] for block in desk.posted[number].blocks if "actions" in block["type"]]
    return [element["action_id"] for element in itertools.chain(*rows)]


def files(desk: Desk) -> list[File]:
    thread = desk.sandbox.slack.thread(desk.message.thread.channel, desk.message.thread.ts)
    return [file for message in thread for file in message.files]


# Buttons and numbers


async def test_a_growing_answer_can_be_stopped_and_a_whole_one_judged(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        assert actions(desk) == ["parley_stop"]
        await draft.finish(Final("First and last", has_buttons=True, continuable=True, note="a note"))
    assert actions(desk) == ["parley_feedback", "parley_continue", "parley_regenerate"]
    assert small_print(desk) == ["a note"]


async def test_messages_are_numbered_only_if_there_are_several(desk: Desk) -> None:
    async with desk.draft() as draft:
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        assert small_print(desk) == []
        await draft.finish(Final(LONG, has_buttons=True))
    assert [small_print(desk, number) for number in (0, 1)] == [["Part 1, continued below"], ["Part 2"]]
    assert actions(desk, 0) == []
    assert actions(desk, 1) == ["parley_feedback", "parley_regenerate"]


# A file for the rest


async def test_the_rest_of_a_long_answer_comes_as_a_file(desk: Desk) -> None:
    async with desk.draft(terms=IN_PART) as draft:
        draft.write(LONG)
        await desk.shows(lambda shown: shown)
        await draft.finish(Final(LONG, has_buttons=True))
    [file] = files(desk)
    assert (file.name, file.full()["filetype"]) == (FILE_NAME, "markdown")
    assert squeezed(*desk.texts, file.content.decode()) == squeezed(LONG)
    assert sum(map(len, desk.texts)) <= 5_000
    assert small_print(desk) == [IN_A_FILE]
    assert desk.refused() == []


async def test_a_file_whose_answer_was_lost_is_there_once(desk: Desk) -> None:
    desk.sandbox.faults.add("files.completeUploadExternal", "reset", after=True, times=1)
    async with desk.draft(terms=IN_PART) as draft:
        await draft.finish(Final(LONG))
    [file] = files(desk)
    assert squeezed(*desk.texts, file.content.decode()) == squeezed(LONG)


async def test_a_file_is_there_once_when_its_process_died_behind_it(desk: Desk) -> None:
    async with desk.draft(terms=IN_PART) as draft:
        await draft.finish(Final(LONG))
    assert (await replies.load(desk.redis, desk.message.thread, desk.message.ts)).file
    async with desk.draft(resumed=True, terms=IN_PART) as draft:
        await draft.finish(Final(LONG))
    [file] = files(desk)
    assert squeezed(*desk.texts, file.content.decode()) == squeezed(LONG)


async def test_a_file_is_there_once_when_its_process_died_before_it_was_shared(desk: Desk) -> None:
    desk.sandbox.faults.add("files.completeUploadExternal", "delay", seconds=1.5, times=1)
    with suppress(Killed):
        async with desk.draft(terms=IN_PART) as draft:
            finishing = asyncio.create_task(draft.finish(Final(LONG)))
            await desk.sandbox.journal.until(lambda e: e.kind == "slack.fault")
            finishing.cancel()
            await asyncio.wait({finishing})
            raise Killed
    async with desk.draft(resumed=True, terms=IN_PART) as draft:
        await draft.finish(Final(LONG))
    assert len(files(desk)) == 1
    assert squeezed(*desk.texts, files(desk)[0].content.decode()) == squeezed(LONG)


@pytest.mark.parametrize("error", ["file_uploads_disabled", "storage_limit_reached"])
async def test_where_there_are_no_files_the_rest_comes_in_further_messages(desk: Desk, error: str) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "error", error=error)
    async with desk.draft(terms=IN_PART) as draft:
        await draft.finish(Final(LONG, has_buttons=True))
    assert squeezed(*desk.texts) == squeezed(LONG)
    assert IN_A_FILE not in [line for number in range(len(desk.posted)) for line in small_print(desk, number)]
    assert payload(desk.posted[-1])["parts"] == len(desk.posted) > 1


async def test_without_the_scope_for_files_the_rest_comes_in_further_messages(redis: Redis) -> None:
    async with at_desk(redis, scopes=[scope for scope in SCOPES if scope != "files:write"]) as desk:
        async with desk.draft(terms=IN_PART) as draft:
            await draft.finish(Final(LONG))
        assert squeezed(*desk.texts) == squeezed(LONG)


async def test_where_files_fail_until_the_end_the_rest_comes_in_further_messages(desk: Desk) -> None:
    desk.sandbox.faults.add("files.getUploadURLExternal", "status", status=503)
    async with desk.draft(terms=IN_PART, final_seconds=2.0) as draft:
        await draft.finish(Final(LONG))
    assert squeezed(*desk.texts) == squeezed(LONG)


# What Slack refuses


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


async def test_an_edit_that_slack_makes_late_does_not_stay(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.draft.messages.LATE_SECONDS", 2.0)
    async with desk.draft() as draft:
        draft.write("Begun")
        await desk.shows(lambda shown: shown == ["Begun"])
        desk.sandbox.faults.add("chat.update", "delay", seconds=3.0, times=1)
        draft.write("Begun and gone on")
        await desk.sandbox.journal.until(lambda e: e.kind == "slack.fault")
        with desk.seen() as frames:
            await draft.finish(Final("Begun and gone on and done"))
    assert frames == [["Begun and gone on and done"], ["Begun and gone on"], ["Begun and gone on and done"]]


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


# Status


def shown_status(desk: Desk) -> str | None:
    found = desk.sandbox.slack.workspace.statuses.get((desk.message.thread.channel, desk.message.thread.ts))
    return found.text if found else None


async def test_a_status_says_what_goes_on_until_there_is_text(desk: Desk) -> None:
    async with desk.draft() as draft:
        keeping = asyncio.create_task(draft.keep_status())
        draft.say("is reading…")
        await desk.sandbox.slack.until(lambda: shown_status(desk) == "is reading…")
        draft.say("is searching…")
        await desk.sandbox.slack.until(lambda: shown_status(desk) == "is searching…")
        draft.write("First")
        await desk.shows(lambda shown: shown == ["First"])
        draft.say("is reading…")
        await asyncio.wait_for(keeping, 5)
        assert shown_status(desk) is None
        await draft.finish(Final("First and last"))
    assert desk.calls("assistant.threads.setStatus") == 2


async def test_who_takes_over_shows_the_status_at_once(desk: Desk) -> None:
    async with desk.draft(resumed=True) as draft:
        keeping = asyncio.create_task(draft.keep_status())
        await desk.sandbox.slack.until(lambda: shown_status(desk) == status.THINKING)
        keeping.cancel()
        await draft.finish(Final("Words"))


async def test_eyes_stand_in_for_a_status_and_are_gone_at_the_end(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "parley.status")
    desk.sandbox.faults.add("assistant.threads.setStatus", "error", error="missing_scope")
    [question] = desk.sandbox.slack.thread("general", desk.message.ts)
    async with desk.draft() as draft:
        keeping = asyncio.create_task(draft.keep_status())
        draft.say("is reading…")
        await desk.sandbox.slack.until(lambda: status.EYES in question.reactions)
        draft.say("is searching…")
        await draft.finish(Final("Words"))
        keeping.cancel()
    assert status.EYES not in question.reactions
    assert desk.calls("reactions.add") == desk.calls("reactions.remove") == 1

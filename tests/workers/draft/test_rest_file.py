import asyncio
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from bot.sandbox.slack.world.app import SCOPES
from bot.sandbox.slack.world.records import File
from bot.store.threads import replies
from bot.store.threads.replies import Final
from tests.kit.drafts import Desk, Killed, at_desk
from tests.kit.parley import payload
from workers.draft.part import IN_A_FILE
from workers.draft.rest_file import FILE_NAME
from workers.draft.turn import Terms

# Two messages long.
LONG = "\n\n".join(f"{n}. paragraph of the answer. " * 30 for n in range(16))

IN_PART = Terms(frozenset(), 5_000)


def squeezed(*texts: str) -> str:
    return "".join("".join(texts).split())


def small_print(desk: Desk, number: int = -1) -> list[str]:
    return [block["elements"][0]["text"] for block in desk.posted[number].blocks if block["type"] == "context"]


def files(desk: Desk) -> list[File]:
    thread = desk.sandbox.slack.thread(desk.message.thread.channel, desk.message.thread.ts)
    return [file for message in thread for file in message.files]


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

"""Turns that are answered anew, files that come late, questions that must be alone."""

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis as AsyncRedis
from rq import Queue

from bot.store import keys
from bot.store.threads import changes, history, stops
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from bot.talk.file import File
from bot.talk.message import Message
from tests.kit.mailbox import ANSWERED, OTHER, THREAD, claimed, said


@pytest.mark.parametrize("is_claimed", [False, True])
async def test_files_that_only_the_second_delivery_tells_of_are_kept(inbox: Inbox, is_claimed: bool) -> None:
    first, files = said("1.000001"), (File("F1", "a.png"),)
    await inbox.put(first)
    claim = await claimed(inbox) if is_claimed else None
    assert not await inbox.put(replace(first, event_id="Ev-twin", files=files))
    assert not await inbox.put(replace(first, event_id="Ev-third"))
    assert await inbox.files(claim or await claimed(inbox)) == files


async def test_a_second_delivery_of_an_answered_message_leaves_nothing(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.000001"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 2, 30))
    assert not await inbox.put(replace(said("1.000001"), files=(File("F1", "a.png"),)))
    assert not await redis.exists(keys.messages(THREAD))


async def test_an_answer_given_anew_takes_the_place_of_the_old_one(redis: AsyncRedis, inbox: Inbox) -> None:
    later = [Entry("user", "more", "1.2", "U1"), Entry("assistant", "said", "1.2")]
    for message, entries in ((said("1.1"), ANSWERED), (said("1.2"), later)):
        await inbox.put(message)
        await inbox.acknowledge(await claimed(inbox), HistoryUpdate(entries, 100, 30))
    anew = [later[0], Entry("assistant", "said better", "1.2")]
    await inbox.put(Message(THREAD, "1.3", "U2", "", again="1.2"))
    claim = await claimed(inbox)
    assert claim.message.again == "1.2"
    await inbox.acknowledge(claim, HistoryUpdate(anew, 100, 30, replaces="1.2"))
    assert await history.load(redis, THREAD) == [*ANSWERED, *anew]


async def answered_anew(inbox: Inbox) -> Claim:
    """A question whose second answer is being written."""
    await inbox.put(said("1.1"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 100, 30))
    await inbox.put(Message(THREAD, "1.3", "U2", "", again="1.1"))
    return await claimed(inbox)


async def test_a_question_deleted_while_it_is_answered_anew_is_not_remembered(redis: AsyncRedis, inbox: Inbox) -> None:
    claim = await answered_anew(inbox)
    assert await changes.remove(redis, THREAD, "1.1") == "answered"
    await inbox.acknowledge(claim, HistoryUpdate(ANSWERED, 100, 30, replaces="1.1"))
    assert await history.load(redis, THREAD) == []
    assert await inbox.claim(THREAD) is None


async def test_a_question_edited_while_it_is_answered_anew_is_remembered_in_its_new_form(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    claim = await answered_anew(inbox)
    assert await changes.edit(redis, said("1.1"), "a better question")
    anew = [ANSWERED[0], Entry("assistant", "said better", "1.1")]
    await inbox.acknowledge(claim, HistoryUpdate(anew, 100, 30, replaces="1.1"))
    assert await history.load(redis, THREAD) == [replace(ANSWERED[0], text="a better question"), anew[1]]


async def test_without_the_lease_nothing_is_replaced(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.1"))
    await inbox.acknowledge(await claimed(inbox), HistoryUpdate(ANSWERED, 100, 30))
    await inbox.put(said("1.2"))
    claim = await claimed(inbox)
    await redis.set(keys.lease(THREAD), "another")
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, HistoryUpdate([], 100, 30, replaces="1.1"))
    assert await history.load(redis, THREAD) == ANSWERED


async def test_an_answered_message_leaves_no_wish_to_stop_it(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.1"))
    await stops.ask(redis, THREAD, ["1.1", "1.2"], "U1")
    await inbox.acknowledge(await claimed(inbox))
    assert await stops.asked(redis, THREAD, "1.1") is None
    assert await stops.asked(redis, THREAD, "1.2") == "U1"


async def test_what_waits_is_told_in_order_until_it_is_answered(redis: AsyncRedis, inbox: Inbox) -> None:
    for ts in ("10.1", "9.1"):
        await inbox.put(said(ts))
    await redis.hset(keys.messages(THREAD), "11.1", "{")
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["9.1", "10.1"]
    claim = await claimed(inbox)
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["9.1", "10.1"]
    await inbox.acknowledge(claim)
    assert [message.ts for message in await inbox.waiting(THREAD)] == ["10.1"]


async def test_a_message_is_behind_those_that_are_answered_first(inbox: Inbox) -> None:
    first, second = said("1.000001"), said("1.000002")
    for message in (second, first):
        await inbox.put(message)
    assert not await inbox.is_behind(first)
    assert await inbox.is_behind(second)
    await inbox.acknowledge(await claimed(inbox))
    assert not await inbox.is_behind(second)


async def test_what_must_be_alone_is_kept_only_in_an_empty_mailbox(inbox: Inbox, queue: Queue) -> None:
    assert await inbox.put(said("1.1"), alone=True)
    assert not await inbox.put(said("1.2"), alone=True)
    claim = await claimed(inbox)
    assert not await inbox.put(said("1.3"), alone=True)
    assert await inbox.put(said("1.4", OTHER), alone=True)
    await inbox.acknowledge(claim)
    assert await inbox.put(said("1.3"), alone=True)
    assert await inbox.put(said("1.5"))


async def test_of_many_that_must_be_alone_at_once_one_is_kept(inbox: Inbox) -> None:
    kept = await asyncio.gather(*(inbox.put(said(f"1.{n}"), alone=True) for n in range(1, 9)))
    assert kept.count(True) == 1

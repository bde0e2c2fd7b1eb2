"""What mailbox and history are after edits and deletions."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bot.store import connections, keys
from bot.store.threads import changes, files, history, replies
from bot.store.threads.claims import Claim
from bot.store.threads.files import Attachment
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from bot.store.threads.replies import Progress
from bot.talk.file import File
from bot.talk.message import Message, Thread

TEAM, BOT = "T1", "UBOT"
THREAD = Thread(TEAM, "C1", "1.1")


@pytest.fixture
def inbox(redis: AsyncRedis, redis_url: str) -> Inbox:
    return Inbox(redis, connections.queue("test", Redis.from_url(redis_url)), 60.0)


def said(ts: str, text: str = "old") -> Message:
    return Message(THREAD, ts, "U1", text, f"Ev{ts}", direct=True)


async def team_keys(redis: AsyncRedis) -> set[str]:
    return {str(key) async for key in redis.scan_iter(f"{TEAM}:*")}


def turn(ts: str, text: str = "old") -> list[Entry]:
    return [Entry("user", text, ts, "U1", "Ada"), Entry("assistant", f"answer to {text}", ts)]


async def claimed(inbox: Inbox) -> Claim:
    claim = await inbox.claim(THREAD)
    assert claim is not None
    return claim


async def answered(inbox: Inbox, *stamps: str) -> None:
    for ts in stamps:
        await inbox.put(said(ts))
        await inbox.acknowledge(await claimed(inbox), HistoryUpdate(turn(ts), 99, 30))


async def test_a_waiting_question_is_answered_in_its_new_form(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.2"))
    assert await changes.edit(redis, said("1.2", "<new>"), "new")
    claim = await claimed(inbox)
    assert claim.message == Message(THREAD, "1.2", "U1", "<new>", "Ev1.2", direct=True)
    await inbox.acknowledge(claim, HistoryUpdate(turn("1.2", "as the worker reads it"), 99, 30))
    assert (await history.load(redis, THREAD))[0].text == "as the worker reads it"


async def test_a_waiting_question_has_the_files_that_the_edit_left(redis: AsyncRedis, inbox: Inbox) -> None:
    first, second = File("F1", "a.txt"), File("F2", "b.txt")
    await inbox.put(replace(said("1.2"), files=(first, second)))
    assert await changes.edit(redis, replace(said("1.2", "new"), files=(second,)), "new")
    assert (await claimed(inbox)).message.files == (second,)


async def test_a_question_edited_while_it_is_answered_is_remembered_in_its_new_form(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    await inbox.put(said("1.2"))
    claim = await claimed(inbox)
    assert await changes.edit(redis, said("1.2", "<new>"), "new")
    assert 0 < await redis.ttl(keys.edited(THREAD)) <= keys.edited.seconds
    await inbox.acknowledge(claim, HistoryUpdate(turn("1.2"), 99, 30))
    assert await history.load(redis, THREAD) == [Entry("user", "new", "1.2", "U1", "Ada"), turn("1.2")[1]]
    assert not await redis.exists(keys.edited(THREAD))


async def test_an_answered_question_is_remembered_in_its_new_form(redis: AsyncRedis, inbox: Inbox) -> None:
    await answered(inbox, "1.2", "1.3", "1.4")
    assert await changes.edit(redis, said("1.3", "<new>"), "new")
    entries = await history.load(redis, THREAD)
    assert [entry.text for entry in entries if entry.role == "user"] == ["old", "new", "old"]
    assert entries[3] == turn("1.3")[1]


async def test_an_edit_of_something_else_changes_nothing(redis: AsyncRedis, inbox: Inbox) -> None:
    await answered(inbox, "1.2")
    before = await history.load(redis, THREAD)
    assert not await changes.edit(redis, said("7.7", "new"), "new")
    assert await history.load(redis, THREAD) == before
    assert not await redis.exists(keys.messages(THREAD))


async def later(change: Coroutine[Any, Any, bool], n: int) -> bool:
    """At another moment of what happens meanwhile in each of twenty rounds."""
    await asyncio.sleep(n % 20 / 10_000)
    return await change


async def test_an_edit_while_its_question_is_being_acknowledged_is_remembered(redis: AsyncRedis, inbox: Inbox) -> None:
    for n in range(60):
        await inbox.put(said(f"2.{n:06d}"))
        claim = await claimed(inbox)
        edit = changes.edit(redis, replace(claim.message, text=f"<new {n}>"), f"new {n}")
        assert (
            await asyncio.gather(later(edit, n), inbox.acknowledge(claim, HistoryUpdate(turn(claim.message.ts), 9, 30)))
        )[0]
        assert (await history.load(redis, THREAD))[-2].text == f"new {n}"
        assert not await redis.exists(keys.messages(THREAD), keys.edited(THREAD))


async def test_an_edit_while_its_question_is_being_deleted_brings_nothing_back(redis: AsyncRedis, inbox: Inbox) -> None:
    for n in range(60):
        await inbox.put(said(f"2.{n:06d}"))
        edit = changes.edit(redis, said(f"2.{n:06d}", "<new>"), "new")
        await asyncio.gather(edit, later(removed(redis, f"2.{n:06d}"), n))
        assert not await redis.exists(keys.messages(THREAD), keys.edited(THREAD))


async def removed(redis: AsyncRedis, ts: str) -> bool:
    return await changes.remove(redis, THREAD, ts) is not None


async def test_an_edit_while_older_turns_are_summed_up_changes_the_right_one(redis: AsyncRedis, inbox: Inbox) -> None:
    for n in range(60):
        await redis.delete(keys.history(THREAD))
        await redis.rpush(keys.history(THREAD), *(e.to_json() for ts in ("1.2", "1.3", "1.4") for e in turn(ts)))
        await inbox.put(said(f"2.{n:06d}"))
        claim = await claimed(inbox)
        edit = changes.edit(redis, said("1.4", "<new>"), "new")
        await asyncio.gather(edit, later(summed_up(inbox, claim), n))
        assert [e.text for e in await history.load(redis, THREAD)] == ["summary", "new", "answer to old"]
        await inbox.acknowledge(claim, HistoryUpdate([], 9, 30))


async def summed_up(inbox: Inbox, claim: Claim) -> bool:
    await inbox.compact(claim, 4, Entry("summary", "summary", claim.message.ts), 30)
    return True


async def test_a_question_that_arrives_after_it_was_deleted_is_not_answered(redis: AsyncRedis, inbox: Inbox) -> None:
    assert await changes.remove(redis, THREAD, "1.2") is None
    assert not await inbox.put(said("1.2"))
    assert await inbox.claim(THREAD) is None


async def test_of_a_deleted_question_nothing_is_left(redis: AsyncRedis, inbox: Inbox) -> None:
    """But for the mark by which its second delivery is known."""
    await inbox.put(said("1.2"))
    before = await team_keys(redis)
    await inbox.put(said("1.3", "a secret"))
    await inbox.release(await claimed(inbox))
    await redis.hset(keys.attempts(THREAD), "1.3", 1)
    await changes.edit(redis, said("1.3", "<another secret>"), "another secret")
    await replies.save_progress(redis, THREAD, "1.3", Progress(("1.31",), 5, "a secret answer"))
    assert await changes.remove(redis, THREAD, "1.3") == "waiting"
    left = await team_keys(redis) - before
    assert left == {keys.seen_event(TEAM, "Ev1.3"), keys.seen_message(TEAM, "C1", "1.3"), keys.attempts(THREAD)}
    assert not await redis.hexists(keys.attempts(THREAD), "1.3")


async def test_where_the_only_question_was_deleted_nobody_has_to_look_again(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.2"))
    await inbox.release(await claimed(inbox))
    await redis.hset(keys.attempts(THREAD), "1.1", 1)
    assert await changes.remove(redis, THREAD, "1.2") == "waiting"
    assert await inbox.claim(THREAD) is None
    assert not await redis.exists(keys.attempts(THREAD), keys.active(TEAM))


async def test_a_deleted_question_is_not_answered(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said("1.2"))
    await inbox.put(said("1.3"))
    assert await changes.remove(redis, THREAD, "1.2") == "waiting"
    claim = await claimed(inbox)
    assert claim.message.ts == "1.3"
    await inbox.acknowledge(claim, HistoryUpdate(turn("1.3"), 99, 30))
    assert not await redis.exists(*(name(THREAD) for name in (keys.box, keys.messages, keys.attempts)))


async def test_of_a_question_deleted_while_it_is_answered_nothing_is_remembered(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    await answered(inbox, "1.1")
    await inbox.put(said("1.2"))
    claim = await claimed(inbox)
    assert not await inbox.is_overtaken(claim)
    assert await changes.remove(redis, THREAD, "1.2") == "waiting"
    assert await inbox.is_overtaken(claim)
    await inbox.put(said("1.3"))
    await inbox.acknowledge(claim, HistoryUpdate(turn("1.2"), 99, 30))
    assert await history.load(redis, THREAD) == turn("1.1")
    assert (await claimed(inbox)).message.ts == "1.3"


async def test_a_deleted_turn_is_gone_from_the_history(redis: AsyncRedis, inbox: Inbox) -> None:
    await answered(inbox, "1.2", "1.3", "1.4")
    assert await changes.remove(redis, THREAD, "1.3") == "answered"
    assert await history.load(redis, THREAD) == turn("1.2") + turn("1.4")
    assert not await changes.remove(redis, THREAD, "1.3")


async def test_with_a_turn_go_the_files_that_no_other_turn_has(redis: AsyncRedis, inbox: Inbox) -> None:
    only, shared = (Attachment(id, "a.txt", "text", "text/plain", 1, 1) for id in ("F1", "F2"))
    for ts, attached in (("1.2", (only, shared)), ("1.3", (shared,))):
        await inbox.put(said(ts))
        for file in attached:
            await files.keep(redis, THREAD, file, [], 30)
        await inbox.acknowledge(await claimed(inbox), HistoryUpdate([Entry("user", "old", ts, files=attached)], 99, 30))
    assert await changes.remove(redis, THREAD, "1.2") == "answered"
    assert set(await files.find(redis, THREAD, ["F1", "F2"])) == {"F2"}


async def test_the_question_of_an_answer_is_found(redis: AsyncRedis, inbox: Inbox) -> None:
    for ts, parts in (("1.2", ("1.21",)), ("1.4", ("1.41", "1.42")), ("1.6", ("1.61",))):
        await inbox.put(said(ts))
        await replies.save_progress(redis, THREAD, ts, Progress(parts, 5))
    for ts in ("1.2", "1.4"):
        await inbox.acknowledge(await claimed(inbox), HistoryUpdate(turn(ts), 99, 30))
    assert await changes.question_of(redis, THREAD, "1.42") == "1.4"
    assert await changes.question_of(redis, THREAD, "1.61") == "1.6"
    assert await changes.question_of(redis, THREAD, "1.9") is None

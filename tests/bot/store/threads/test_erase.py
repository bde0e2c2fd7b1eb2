"""What is forgotten is gone, whoever still writes."""

import asyncio

import pytest
from redis.asyncio import Redis as AsyncRedis
from rq import Queue
from rq.job import JobStatus

from bot.slack.directory import Person, remember
from bot.store import keys
from bot.store.threads import changes, files, replies
from bot.store.threads import erase as erasing
from bot.store.threads.claims import LeaseLost
from bot.store.threads.erase import BATCH, count, erase, forget
from bot.store.threads.files import Attachment
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.inbox import Inbox
from bot.store.threads.jobs import JOB
from bot.store.threads.replies import Final, Progress
from bot.talk.message import Message, Thread

THREADS = [Thread(team, channel, ts) for team in ("T1", "T2") for channel in ("C1", "C2") for ts in ("1.1", "2.1")]
ADA = Person("Ada", is_guest=False, is_admin=True)


def said(thread: Thread, ts: str) -> Message:
    return Message(thread, ts, "U1", "secret", f"Ev{thread}{ts}", direct=True)


def turn(ts: str) -> list[Entry]:
    return [Entry("user", "secret", ts, "U1", "Ada"), Entry("assistant", "a secret", ts)]


async def talk(redis: AsyncRedis, inbox: Inbox) -> None:
    """In each thread one question is answered and another waits."""
    for thread in THREADS:
        first, second = f"{thread.ts}1", f"{thread.ts}2"
        await inbox.put(said(thread, first))
        await remember(redis, thread.team, "U1", ADA)
        claim = await inbox.claim(thread)
        assert claim is not None
        await replies.save_final(redis, thread, first, Final("a secret"))
        await inbox.acknowledge(claim, HistoryUpdate(turn(first), 9, 30))
        await inbox.put(said(thread, second))


async def team_keys(redis: AsyncRedis, prefix: str) -> list[str]:
    return sorted([key async for key in redis.scan_iter(count=1000) if key.startswith(prefix)])


async def test_of_an_erased_team_no_key_and_no_job_is_left_and_the_others_keep_theirs(
    redis: AsyncRedis, inbox: Inbox, queue: Queue
) -> None:
    await talk(redis, inbox)
    others = await team_keys(redis, "T2")
    waiting = [job.args for job in queue.get_jobs() if job.args[0] == "T2"]
    assert await erase(redis, inbox, "T1") == len(others)
    assert await team_keys(redis, "T1") == []
    assert await team_keys(redis, "T2") == others
    assert [job.args for job in queue.get_jobs()] == waiting
    assert await redis.smembers(keys.TEAMS) == {"T2"}


async def test_what_is_written_while_a_team_is_erased_goes_too(redis: AsyncRedis, inbox: Inbox) -> None:
    """A scan may pass over a key that comes while it goes on, here while it goes through some thousand."""
    async with redis.pipeline() as pipe:
        for n in range(10 * BATCH):
            pipe.set(f"T1:C1:{n}.1:history", n)
            pipe.set(f"T2:C1:{n % BATCH}.1:history", n)
        await pipe.execute()

    async def write() -> None:
        """Until half of the first pass is done."""
        n, enough = 0, await redis.dbsize() - 5 * BATCH
        while await redis.dbsize() > enough:
            n += 1
            await redis.set(f"T1:C2:{n}.1:history", n)

    async with asyncio.timeout(20):
        await asyncio.gather(erase(redis, inbox, "T1"), write())
    assert await team_keys(redis, "T1") == []
    assert len(await team_keys(redis, "T2")) == BATCH


async def test_jobs_that_failed_go_too(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    await inbox.put(said(THREADS[0], "3.1"))
    [job] = queue.get_jobs()
    queue.connection.lrem(queue.key, 0, job.id)
    queue.failed_job_registry.add(job, 60)
    job.set_status(JobStatus.FAILED)
    assert await inbox.cancel("T1") == 1
    assert queue.failed_job_registry.get_job_ids() == []
    assert not await redis.exists(f"rq:job:{job.id}")


async def test_other_jobs_of_the_queue_stay(inbox: Inbox, queue: Queue) -> None:
    queue.enqueue_call("tests.kit.jobs.nothing", args=("T1",))
    assert await inbox.cancel("T1") == 0
    assert queue.count == 1


async def test_a_worker_that_still_answers_brings_nothing_back(redis: AsyncRedis, inbox: Inbox) -> None:
    thread = THREADS[0]
    await inbox.put(said(thread, "3.1"))
    claim = await inbox.claim(thread)
    assert claim is not None
    await erase(redis, inbox, "T1")
    await replies.save_progress(redis, thread, "3.1", Progress(("3.15",), 10))
    await replies.save_final(redis, thread, "3.1", Final("a secret"))
    await files.keep(redis, thread, Attachment("F1", "a.txt", "text", "text/plain", 1, 1), [], 30)
    await remember(redis, "T1", "U1", ADA)
    with pytest.raises(LeaseLost):
        await inbox.renew(claim)
    with pytest.raises(LeaseLost):
        await inbox.acknowledge(claim, HistoryUpdate(turn("3.1"), 9, 30))
    await inbox.release(claim)
    assert not await changes.edit(redis, said(thread, "3.1"), "new")
    assert await inbox.claim(thread) is None
    assert await inbox.sweep(["T1"]) == 0
    assert await team_keys(redis, "T1") == []


async def test_a_team_that_comes_back_begins_anew(redis: AsyncRedis, inbox: Inbox, queue: Queue) -> None:
    await talk(redis, inbox)
    await erase(redis, inbox, "T1")
    assert await inbox.put(said(THREADS[0], "3.1"))
    assert [job.args[0] for job in queue.get_jobs() if job.func_name == JOB].count("T1") == 1
    assert await redis.sismember(keys.TEAMS, "T1")


async def test_a_team_id_is_no_pattern(redis: AsyncRedis, inbox: Inbox) -> None:
    await talk(redis, inbox)
    before = await team_keys(redis, "T")
    for pattern in ("T*", "T?", "T[12]", "*", "T"):
        await erase(redis, inbox, pattern)
    assert await team_keys(redis, "T") == before


async def test_a_channel_is_forgotten_and_the_others_are_not(redis: AsyncRedis, inbox: Inbox) -> None:
    await talk(redis, inbox)
    others = [key for key in await team_keys(redis, "T") if not key.startswith("T1:C1:")]
    assert await forget(redis, "T1", "C1") == 2
    forgotten = [keys.forgotten(thread) for thread in THREADS if str(thread).startswith("T1:C1:")]
    assert await team_keys(redis, "T") == sorted(others + forgotten)
    assert all([0 < await redis.ttl(key) <= keys.forgotten.seconds for key in forgotten])
    assert await inbox.claim(THREADS[0]) is None


async def test_a_channel_whose_id_begins_alike_is_another(redis: AsyncRedis, inbox: Inbox) -> None:
    await inbox.put(said(Thread("T1", "C11", "1.1"), "1.1"))
    before = await team_keys(redis, "T1")
    assert await forget(redis, "T1", "C1") == 0
    assert await team_keys(redis, "T1") == before


async def test_an_answer_being_written_while_its_channel_is_forgotten_is_not_remembered(
    redis: AsyncRedis, inbox: Inbox
) -> None:
    thread = THREADS[0]
    await inbox.put(said(thread, "3.1"))
    claim = await inbox.claim(thread)
    assert claim is not None
    await forget(redis, "T1", "C1")
    await inbox.renew(claim)
    await replies.save_final(redis, thread, "3.1", Final("a secret"))
    await inbox.acknowledge(claim, HistoryUpdate(turn("3.1"), 9, 30))
    assert await team_keys(redis, "T1:C1:") == []


# What one person asked

SUMMARY = Entry("summary", "They talked.", "1.1")
BEN = [Entry("user", "and mine?", "1.5", "U2"), Entry("assistant", "Yours.", "1.5")]
ASIDE = [Entry("user", "hello ben", "1.4", "U3")]
OURS_FROM_SLACK = [Entry("assistant", "Read again.", "1.3")]
CASES: dict[str, tuple[list[Entry], list[str], bool]] = {
    "their question": (turn("1.1"), [], True),
    "their question, and they wait for another": (turn("1.1"), ["U1"], True),
    "they wait": ([], ["U1"], True),
    "others spoke without asking": ([*ASIDE, *turn("1.5")], [], True),
    "somebody else asked too": ([*turn("1.1"), *BEN], [], False),
    "somebody else asked alone": (BEN, [], False),
    "somebody else waits": (turn("1.1"), ["U2"], False),
    "somebody else waits alone": ([], ["U2"], False),
    "what was summed up": ([SUMMARY, *turn("1.6")], [], False),
    "an answer of which the question is not known": ([*OURS_FROM_SLACK, *turn("1.6")], [], False),
    "nothing that anybody asked": ([], [], False),
}


@pytest.mark.parametrize("case", CASES)
async def test_of_their_own_somebody_forgets_where_nobody_else_asked(redis: AsyncRedis, case: str) -> None:
    entries, waiting, is_theirs = CASES[case]
    thread = THREADS[0]
    for entry in entries:
        await redis.rpush(keys.history(thread), entry.to_json())
    for number, user in enumerate(waiting):
        message = Message(thread, f"2.{number}", user, "?")
        await redis.hset(keys.messages(thread), message.ts, message.to_json())
    await redis.hset(keys.asides(thread), "others", "1.2")
    before = await team_keys(redis, "T1:C1:")
    assert await count(redis, "T1", "C1", "U1") == is_theirs
    assert await forget(redis, "T1", "C1", "U1") == is_theirs
    assert await team_keys(redis, "T1:C1:") == ([] if is_theirs else before)
    assert await redis.exists(keys.forgotten(thread)) == is_theirs
    assert await forget(redis, "T1", "C1") == (not is_theirs)


async def test_a_question_that_comes_in_while_its_thread_is_forgotten_is_not_lost(
    redis: AsyncRedis, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = THREADS[0]
    await inbox.put(said(thread, "1.1"))
    looked = erasing._is_only_of

    async def look_late(client: AsyncRedis, of: Thread, user: str) -> bool:
        is_theirs = await looked(client, of, user)
        await inbox.put(Message(thread, "1.2", "U2", "mine!", "Ev2", direct=True))
        return is_theirs

    monkeypatch.setattr(erasing, "_is_only_of", look_late)
    assert await forget(redis, "T1", "C1", "U1") == 0
    assert [message.user for message in await inbox.waiting(thread)] == ["U1", "U2"]


async def test_what_nobody_can_read_is_nobodys_own(redis: AsyncRedis) -> None:
    await redis.rpush(keys.history(THREADS[0]), "{")
    assert await count(redis, "T1", "C1", "U1") == 0
    assert await count(redis, "T1", "C1") == 1


async def test_their_own_answer_being_written_is_not_remembered(redis: AsyncRedis, inbox: Inbox) -> None:
    thread = THREADS[0]
    await inbox.put(said(thread, "3.1"))
    claim = await inbox.claim(thread)
    assert claim is not None
    assert await forget(redis, "T1", "C1", "U1") == 1
    await inbox.renew(claim)
    await inbox.acknowledge(claim, HistoryUpdate(turn("3.1"), 9, 30))
    assert await team_keys(redis, "T1:C1:") == []

"""Processes are killed at bad moments: nothing is lost, nothing is said twice (invariants 1, 2, 4 and 5)."""

import asyncio
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sandbox.claude.answers import Answer
from bot.sandbox.slack.world.records import Message
from bot.store import keys
from bot.store.counts import usage
from bot.store.counts.bills import Bill
from bot.store.counts.cells import Counts
from bot.store.counts.usage import BilledPiece, Counted
from bot.store.threads import replies
from bot.store.threads.replies import Final
from bot.talk.message import Thread
from tests.kit.parley import Parley, payload, text
from workers.files.files import ATTEMPTS
from workers.reply import MOST_ATTEMPTS

LONG = "A sentence of the answer. " * 120
QUICK_LEASE = {"LEASE_SECONDS": "3"}


def script(parley: Parley, seconds: float = 6.0) -> None:
    """Every answer is LONG and takes about so many seconds."""
    parley.sandbox.claude.script(None, Answer(LONG, first_delta=0.2, deltas_per_second=len(LONG) / 9 / seconds))


async def begun(parley: Parley, ts: str, channel: str = "general") -> Message:
    """The reply's Slack message, once it has been edited."""
    await parley.slack.until(lambda: any(m.edits for m in parley.replies(channel, ts)), within=20)
    [message] = parley.replies(channel, ts)
    return message


async def counts(parley: Parley, user: str) -> Counts:
    """What was counted today of a person's questions, once any is."""
    today, name = datetime.now(UTC).date(), parley.sandbox.users[user]

    async def today_so_far() -> Counts:
        return (await usage.of_one(parley.redis, parley.sandbox.team, "user", name, [today]))[today]

    async def are_any() -> bool:
        return (await today_so_far()).requests > 0

    await parley.eventually(are_any, within=10)
    return await today_so_far()


async def test_an_answer_whose_worker_is_killed_is_completed_in_the_same_message_within_20_seconds(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, workers=2) as parley:
        script(parley)
        ts = await parley.slack.say("ada", "general", "@parley go on")
        message = await begun(parley, ts)
        await parley.kill(await parley.busy_worker())
        killed = time.monotonic()
        shown = len(text(message))
        edits = message.edits
        await parley.slack.until(lambda: message.edits > edits, within=20)
        taken_over = time.monotonic() - killed
        assert len(text(message)) > shown
        assert await parley.answers("general", ts, within=20) == [LONG.rstrip()]
        completed = time.monotonic() - killed
        assert [m.ts for m in parley.replies("general", ts)] == [message.ts]
        counted = await counts(parley, "ada")
        assert (counted.requests, counted.answers) == (1, 1)
        assert 0 < counted.estimated < counted.cost, "the killed attempt, as far as it is known, and the other one"
    print(f"taken over after {taken_over:.1f} s, completed after {completed:.1f} s")
    assert completed < 20


async def test_a_worker_killed_before_the_first_words_leaves_one_reply(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=2, settings=QUICK_LEASE) as parley:
        parley.sandbox.claude.script(None, Answer("Here it is.", first_delta=3))
        ts = await parley.slack.say("ada", "general", "@parley slowly")
        await parley.sandbox.journal.until(lambda e: e.kind == "claude.request")
        await parley.kill(await parley.busy_worker())
        assert await parley.answers("general", ts, within=20) == ["Here it is."]
        assert len(parley.replies("general", ts)) == 1


async def test_an_ending_that_a_killed_worker_left_is_shown_and_counted_once_by_the_next(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        ts = await parley.slack.say("ada", "general", "@parley what is left?")
        await parley.logged(f"kept .*{ts}")
        thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], ts)
        piece = BilledPiece("claude-sonnet-5-5", 100, 50, cost=700)
        ada = parley.sandbox.users["ada"]
        counted = Counted(thread.team, thread.channel, ada, time.time(), piece.model, "answer", (piece,))
        await replies.save_final(parley.redis, thread, ts, Final("This.", outcome="answer"), Bill(counted))
        await parley.start_worker()
        assert await parley.answers("general", ts) == ["This."]
        of_ada = await counts(parley, "ada")
        assert (of_ada.requests, of_ada.answers, of_ada.cost) == (1, 1, 700)
        assert not parley.sandbox.journal.entries("claude.request")


@pytest.mark.proof
async def test_a_worker_killed_between_the_last_word_and_its_delivery_is_billed_once(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, settings=QUICK_LEASE) as parley:
        parley.sandbox.faults.add("chat.postMessage", "rate_limit", retry_after=1)
        ts = await parley.slack.say("ada", "general", "@parley what is last?")
        thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], ts)

        async def is_known() -> bool:
            return (await replies.load(parley.redis, thread, ts)).final is not None

        await parley.eventually(is_known, within=20)
        await parley.kill("worker1")
        parley.sandbox.faults.clear()
        await parley.start_worker("worker2")
        await parley.answers("general", ts)
        counted = await counts(parley, "ada")
        assert (counted.requests, counted.answers, counted.estimated) == (1, 1, 0)
        assert counted.cost > 0
        assert len(parley.sandbox.journal.entries("claude.request")) == 1


@pytest.mark.proof
async def test_a_worker_that_wakes_up_after_its_lease_makes_no_further_edit(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=2, settings=QUICK_LEASE) as parley:
        script(parley, seconds=4)
        ts = await parley.slack.say("ada", "general", "@parley sleep")
        message = await begun(parley, ts)
        asleep = parley.processes[await parley.busy_worker()]
        asleep.send_signal(signal.SIGSTOP)
        assert await parley.answers("general", ts, within=30) == [LONG.rstrip()]
        edits = message.edits
        asleep.send_signal(signal.SIGCONT)
        await parley.logged("left to another worker .*LeaseLost")
        again = await parley.slack.say("ada", "general", "@parley more", thread_ts=ts)
        await parley.answers("general", again, thread_ts=ts, within=30)
        assert message.edits == edits
        await parley.remembered("general", ts, turns=4)


@pytest.mark.proof
async def test_a_worker_that_stood_still_for_longer_than_its_lease_begins_again_and_answers_once(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, settings=QUICK_LEASE) as parley:
        script(parley, seconds=4)
        ts = await parley.slack.say("ada", "general", "@parley sleep")
        message = await begun(parley, ts)
        worker = parley.processes["worker1"]
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(5)
        worker.send_signal(signal.SIGCONT)
        await parley.logged(r"loop stood still process=worker seconds=[4-9]\.")
        await parley.logged("left to another worker .*LeaseLost")
        assert await parley.answers("general", ts, within=30) == [LONG.rstrip()]
        assert [m.ts for m in parley.replies("general", ts)] == [message.ts]
        await parley.remembered("general", ts, turns=2)
        assert len(parley.sandbox.journal.entries("claude.request")) == 2
        counted = await counts(parley, "ada")
        assert (counted.requests, counted.answers) == (1, 1)


@pytest.mark.proof
async def test_a_worker_told_to_stop_finishes_its_answers_and_leaves_the_queue(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, settings={"SLOTS": "2"}) as parley:
        script(parley, seconds=8)
        questions = [await parley.slack.say("ada", channel, "@parley go") for channel in ("general", "random")]
        await asyncio.gather(begun(parley, questions[0]), begun(parley, questions[1], "random"))
        waiting = await parley.slack.say("ada", "engineering", "@parley wait")
        await parley.logged(f"kept .*{waiting}")
        assert await parley.kill("worker1", signal.SIGTERM) == 0
        assert await parley.answers("general", questions[0], within=1) == [LONG.rstrip()]
        assert await parley.answers("random", questions[1], within=1) == [LONG.rstrip()]
        assert parley.replies("engineering", waiting) == []
        await parley.start_worker("worker2")
        assert await parley.answers("engineering", waiting, within=30) == [LONG.rstrip()]


async def test_a_worker_that_may_not_finish_hands_its_answer_over_at_once(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=2, settings={"DRAIN_SECONDS": "0"}) as parley:
        script(parley)
        ts = await parley.slack.say("ada", "general", "@parley go on")
        message = await begun(parley, ts)
        busy = await parley.busy_worker()
        began = time.monotonic()
        assert await parley.kill(busy, signal.SIGTERM) == 0
        assert time.monotonic() - began < 5
        assert await parley.answers("general", ts, within=10) == [LONG.rstrip()]
        assert [m.ts for m in parley.replies("general", ts)] == [message.ts]
        assert (await counts(parley, "ada")).cost == parley.billed(ts)["cost"]


async def test_a_worker_whose_only_slot_falls_free_while_it_is_told_to_stop_ends_at_once(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, settings={"SLOTS": "1"}) as parley:
        parley.sandbox.claude.script(None, Answer("Here."))
        ts = await parley.slack.say("ada", "general", "@parley hello")
        await parley.answers("general", ts)
        async with asyncio.timeout(10):
            assert await parley.kill("worker1", signal.SIGTERM) == 0


async def test_a_bot_that_is_killed_loses_no_message(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path) as parley:
        parley.sandbox.claude.script(None, Answer("Here."))
        await parley.kill("web")
        ts = await parley.slack.say("ada", "general", "@parley are you there?")
        await parley.start_web()
        assert await parley.answers("general", ts, within=20) == ["Here."]


@pytest.mark.proof
async def test_every_message_of_a_thread_is_answered_in_order_when_workers_are_killed(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, workers=2, settings=QUICK_LEASE) as parley:
        parley.sandbox.claude.script(None, Answer("Short. " * 20, first_delta=0.2, deltas_per_second=40))
        roots = {channel: await parley.slack.say("ada", channel, "@parley 0") for channel in ("general", "random")}
        questions = {channel: [root] for channel, root in roots.items()}
        for channel, root in roots.items():
            for turn in range(1, 4):
                questions[channel].append(await parley.slack.say("ben", channel, f"@parley {turn}", thread_ts=root))
        for number in (1, 2):
            await parley.slack.until(lambda: parley.replies("general", roots["general"]), within=20)
            await parley.kill(f"worker{number}")
            await parley.start_worker(f"worker{number + 2}")
        for channel, root in roots.items():
            await parley.answers(channel, *questions[channel], thread_ts=root, within=60)
            answered = [payload(message)["message_ts"] for message in parley.replies(channel, root)]
            assert answered == questions[channel]


async def shared(parley: Parley, attempts: int, text: str = "@parley what is this?") -> tuple[str, Thread]:
    """A question with a file, whose answer was begun so many times by workers that were killed."""
    ts = await parley.slack.upload("ada", "general", [("a.txt", b"hello")], text=text)
    await parley.logged(f"kept .*{ts}")
    thread = Thread(parley.sandbox.team, parley.sandbox.channels["general"], ts)
    await parley.redis.hset(keys.attempts(thread), ts, attempts)
    return ts, thread


async def test_the_last_attempt_goes_without_files_that_may_have_killed_the_others(
    redis_url: str, tmp_path: Path
) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        ts, _ = await shared(parley, MOST_ATTEMPTS - 1)
        await parley.start_worker()
        [said] = await parley.answers("general", ts)
        assert said.endswith(f"_`a.txt` {ATTEMPTS}._")
        assert not parley.sandbox.journal.entries("slack.download")
        [request] = parley.sandbox.journal.entries("claude.request")
        assert [block["type"] for block in request.data["body"]["messages"][0]["content"]] == ["text"]
        assert ATTEMPTS in str(request.data["body"]["messages"][0])


async def test_the_attempts_before_the_last_read_files(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        ts, _ = await shared(parley, MOST_ATTEMPTS - 2)
        await parley.start_worker()
        await parley.answers("general", ts)
        assert len(parley.sandbox.journal.entries("slack.download")) == 1


@pytest.mark.parametrize("text", ["@parley what is this?", "@parley"])
async def test_who_gives_up_reads_no_file_before_saying_so(redis_url: str, tmp_path: Path, text: str) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        ts, _ = await shared(parley, MOST_ATTEMPTS, text)
        await parley.start_worker()
        [said] = await parley.answers("general", ts)
        assert said.startswith("Something went wrong on my side, several times over")
        assert not parley.sandbox.journal.entries("slack.download")
        assert not parley.sandbox.journal.entries("claude.request")


async def test_a_message_that_kills_even_who_gives_up_is_dropped(redis_url: str, tmp_path: Path) -> None:
    async with Parley(redis_url, tmp_path, workers=0) as parley:
        ts, thread = await shared(parley, MOST_ATTEMPTS + 2)
        await parley.start_worker()
        await parley.logged(f"dropped .*{ts}")

        async def is_dropped() -> bool:
            return not await parley.redis.exists(keys.box(thread), keys.lease(thread))

        await parley.eventually(is_dropped, within=10)
        assert parley.replies("general", ts) == []

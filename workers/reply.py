"""The job: one turn of one thread, from the mailbox to the last edit."""

import asyncio
import logging
import time
from dataclasses import replace

from redis.exceptions import RedisError

from bot.slack.directory import Directory
from bot.store.counts.bills import Bill
from bot.store.counts.usage import Outcome
from bot.store.threads import history, replies
from bot.store.threads.claims import Claim, LeaseLost
from bot.store.threads.history import Entry, HistoryUpdate
from bot.store.threads.replies import Final
from bot.talk.markup import mentioned_people, spoken
from bot.talk.message import Message, Thread
from workers import endings
from workers.billing.meter import Meter
from workers.claude.client import CallSubject, ClaudeAnswer, NoAnswer
from workers.draft.draft import Draft
from workers.draft.refusals import ReplyDeleted, Undeliverable
from workers.draft.turn import Terms
from workers.files.files import Taken
from workers.process.lease import Lease
from workers.process.runtime import Runtime, current
from workers.process.stops import Stop
from workers.prompt import backfill
from workers.prompt.conversation import Conversation

log = logging.getLogger("parley.reply")

# Events of one moment may arrive in any order: the oldest of them is answered first (invariant 3).
SETTLE_SECONDS = 0.05
MOST_ATTEMPTS = 5
RETRY_SECONDS = 5.0


class Overtaken(Exception):
    """An earlier message of the thread arrived before this one's reply became visible: it comes first."""


async def reply(team: str, channel: str, ts: str) -> None:
    """Answer the oldest waiting message of the thread, unless somebody does already. Runs as an RQ job."""
    await asyncio.sleep(SETTLE_SECONDS)
    thread = Thread(team, channel, ts)
    async with current() as runtime:
        since = time.monotonic()
        claim = await runtime.inbox.claim(thread)
        if claim is None:
            return
        try:
            await _answer(runtime, claim, since)
        except (LeaseLost, RedisError) as error:
            log.warning(
                "left to another worker thread=%s ts=%s error=%s", thread, claim.message.ts, type(error).__name__
            )


async def _answer(runtime: Runtime, claim: Claim, since: float) -> None:
    """Run the turn, and give the message back, or up, when it fails."""
    thread, ts, ref = claim.thread, claim.message.ts, claim.token[:8]
    settings = runtime.settings
    lease = Lease(runtime.inbox, claim, since, settings.lease_seconds, settings.slack_call_seconds)
    turn = _Turn(runtime, claim, lease)
    try:
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(lease.keep())
                await turn.run(group)
                keeper.cancel()
        except BaseExceptionGroup as failures:
            raise _first(failures) from None
    except LeaseLost:
        raise
    except Overtaken:
        await runtime.inbox.release(claim, begun=False, bill=turn.bill(None))
    except ReplyDeleted:
        log.info("reply deleted by somebody thread=%s ts=%s ref=%s", thread, ts, ref)
        await _drop(runtime, claim, turn.bill("stop"))
    except Undeliverable as error:
        log.error("undeliverable thread=%s ts=%s ref=%s error=%s", thread, ts, ref, error)
        await _drop(runtime, claim, turn.bill("error"))
    except TimeoutError:
        log.error("not delivered yet thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
        await _give_back(runtime, claim, turn)
    except asyncio.CancelledError:
        await asyncio.shield(runtime.inbox.release(claim, bill=turn.bill(None)))
        raise
    except Exception:
        log.exception("turn failed thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
        await _give_back(runtime, claim, turn)


async def _give_back(runtime: Runtime, claim: Claim, turn: "_Turn") -> None:
    """For another attempt; what failed after we said that we give up fails for good."""
    if claim.attempts > MOST_ATTEMPTS + 1:
        await _drop(runtime, claim, turn.bill("error"))
    else:
        await runtime.inbox.release(claim, RETRY_SECONDS * claim.attempts, bill=turn.bill(None))


async def _drop(runtime: Runtime, claim: Claim, bill: Bill | None) -> None:
    """The message is done with, and nothing of it goes into the history."""
    await runtime.inbox.acknowledge(claim, bill=bill)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first; a lost lease counts before all else."""
    found: list[BaseException] = []
    for failure in failures.exceptions:
        found.append(_first(failure) if isinstance(failure, BaseExceptionGroup) else failure)
    return next((failure for failure in found if isinstance(failure, LeaseLost)), found[0])


class _Turn:
    """One attempt at a turn; its draft knows it as a `workers.draft.turn.Turn`."""

    def __init__(self, runtime: Runtime, claim: Claim, lease: Lease) -> None:
        self._runtime, self._claim, self._lease = runtime, claim, lease
        self.message, self._thread = claim.message, claim.thread
        self.reply = replies.Reply()
        self.is_resumed = claim.attempts > 1
        self._stop: Stop | None = None
        self._ref = claim.token[:8]
        self._taken = Taken()
        self._talk: Conversation | None = None
        # The longest that people have seen of the answer: it stays, whatever comes.
        self._shown = ""
        self._meter = Meter(runtime.settings, runtime.redis, claim.message)
        self._final: Final | None = None
        self._bill: Bill | None = None

    def bill(self, outcome: Outcome | None) -> Bill | None:
        """What this attempt billed; None for the outcome: the question is given back. A known final keeps its bill."""
        if self._final is None:
            return self._meter.bill(outcome)
        return self._bill if outcome else None

    async def run(self, group: asyncio.TaskGroup) -> None:
        runtime, message, settings = self._runtime, self.message, self._runtime.settings
        self.reply = record = await replies.load(runtime.redis, self._thread, message.ts)
        said = await history.load(runtime.redis, self._thread)
        before = await self._before(said)
        said = [*said, *before]
        past = history.without(said, message.again) if message.again else said
        self._shown, self._final, self._bill = record.text, record.final, record.bill
        self._meter.take_over(record)
        async with runtime.stops.watch(self._thread, message.ts) as stop:
            self._stop = stop
            terms = Terms(_people(past, message), streaming=settings.streaming)
            draft = Draft(runtime.slack, runtime.redis, runtime.pacing, self, terms)
            group.create_task(draft.run())
            status = group.create_task(draft.status.keep())
            question = await self._question(said)
            final = self._final or await self._conclude(draft, past, question, stop)
        await draft.finish(final)
        status.cancel()
        if message.again and not final.is_answer:
            # The old answer stays what it was.
            await runtime.inbox.acknowledge(self._claim, bill=self._bill)
            return
        entries = _turn(question, final, self._bill.counted.model if self._bill else None)
        known = self._talk.history if self._talk else past
        # What was summed up before it was ever kept is in the summary.
        before = [entry for entry in before if entry in known]
        keep = len(known) + len(entries)
        update = HistoryUpdate([*before, *entries], keep, settings.history_days, message.again)
        await runtime.inbox.acknowledge(self._claim, update, self._bill)

    async def _before(self, said: list[Entry]) -> list[Entry]:
        """What was said in the thread and is not remembered. What is answered anew was asked before that."""
        if self.message.again:
            return []
        runtime = self._runtime
        return await backfill.earlier(runtime.slack, runtime.redis, self.message, runtime.bot_user, said)

    def may_send(self) -> None:
        self._lease.check()

    async def may_begin(self) -> None:
        if await self._runtime.inbox.is_overtaken(self._claim):
            raise Overtaken

    def on_stop(self) -> None:
        if self._stop is not None:
            self._stop.set("")

    def on_edit(self, age: float, /) -> None:
        self._runtime.metrics.observe("edit_age_seconds", age)

    async def _question(self, said: list[Entry]) -> Entry:
        message = self.message
        if message.again:
            return history.asked(said, message.again) or Entry("user", "", message.again, message.user)
        directory = Directory(self._runtime.redis, self._runtime.slack)
        users = [message.user, *sorted(mentioned_people(message.text) - {self._runtime.bot_user, message.user})]
        names = await directory.names(self._thread.team, users)
        files = await self._runtime.inbox.files(self._claim)
        self._taken = await self._runtime.files.take(replace(message, files=files))
        parts = (spoken(message.text, self._runtime.bot_user, names), self._taken.note)
        text = "\n\n".join(part for part in parts if part)
        place = await directory.channel_name(message)
        name = names.get(message.user)
        return Entry("user", text, message.ts, message.user, name, files=self._taken.files, place=place)

    async def _conclude(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> Final:
        """What the reply says in the end, kept in Redis from the moment it is known."""
        left_out = "\n".join(f"_{sentence}_" for sentence in self._taken.left_out)
        if question.text == self._taken.note and not question.files:
            final = Final(endings.FORGOTTEN if self.message.again else left_out or endings.EMPTY)
        elif self._claim.attempts > MOST_ATTEMPTS:
            log.error("given up thread=%s ts=%s ref=%s", self._thread, self.message.ts, self._ref)
            final = Final(endings.GIVEN_UP.format(ref=self._ref), outcome="error")
        else:
            final = await self._ask_until_stopped(draft, past, question, stop)
            if left_out:
                final = replace(final, text=f"{final.text}\n\n{left_out}", said=final.remembered)
        final = replace(final, instruction=self._talk.instruction if self._talk else None)
        bill = self._meter.bill(final.outcome)
        await replies.save_final(self._runtime.redis, self._thread, self.message.ts, final, bill)
        self._final, self._bill = final, bill
        return final

    async def _ask_until_stopped(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> Final:
        if not stop.is_set():
            asking = asyncio.create_task(self._ask(draft, past, question))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
            finally:
                stopping.cancel()
                asking.cancel()
                # What it billed is known when it is over.
                await asyncio.wait({asking})
        by = await stop.wait()
        log.info("stopped thread=%s ts=%s ref=%s by=%s", self._thread, self.message.ts, self._ref, by or "somebody")
        directory = Directory(self._runtime.redis, self._runtime.slack)
        names = await directory.names(self._thread.team, [by] if by else [])
        return endings.stopped(self._shown, names.get(by, ""))

    async def _ask(self, draft: Draft, past: list[Entry], question: Entry) -> Final:
        runtime, settings = self._runtime, self._runtime.settings
        self._lease.check()
        files = await runtime.files.blocks(self._thread, [*past, question])
        self._talk = talk = Conversation(
            *(settings, runtime.redis, runtime.inbox, runtime.claude, self._claim, past, question, files),
            draft.status.say,
            self._meter,
        )
        await talk.begin()
        self._meter.model = talk.model
        begun = await runtime.spending.begin(self.message, talk.model, talk.tokens, talk.request["max_tokens"])
        if isinstance(begun, str):
            return Final(begun, hidden=True)
        self._meter.hold = begun
        await talk.fit()
        try:
            answer = await self._answer(draft, talk, question)
        except NoAnswer as failure:
            if failure.is_refused and await runtime.files.forget_links(self._thread, [*past, question]):
                return await self._ask(draft, past, question)
            log.error(
                "unanswered thread=%s ts=%s ref=%s error=%s request_id=%s",
                *(self._thread, self.message.ts, self._ref, failure.kind, failure.request_id),
            )
            if failure.is_refused and question.files:
                return Final(endings.UNREADABLE.format(ref=self._ref), outcome="error", without_files=True)
            return endings.failed(self._shown, f"{failure.sentence} (Reference: {self._ref})")
        return replace(endings.answered(answer, self._ref), note=endings.note(answer, full=settings.answer_note))

    async def _answer(self, draft: Draft, talk: Conversation, question: Entry) -> ClaudeAnswer:
        """Ask, in other forms if need be. Raises NoAnswer."""
        about = CallSubject(str(self._thread), self.message.ts, self._ref, question.text, self._meter)

        def on_text(text: str) -> None:
            self._shown = text if len(text) > len(self._shown) else self._shown
            self._meter.show()
            draft.write(text)

        def on_thought(thought: str) -> None:
            draft.status.say(endings.thinking(thought))

        while True:
            call = self._runtime.claude.call(
                talk.request, on_text=on_text, on_wait=draft.status.say, on_thought=on_thought, about=about
            )
            try:
                answer = await call.answer()
            except NoAnswer as failure:
                if not await talk.rephrase(failure):
                    raise
                continue
            if answer.stop_reason == "model_context_window_exceeded" and await talk.shorten():
                continue
            self._meter.model, self._meter.unread = answer.model, await talk.answered(answer)
            if self._meter.unread:
                self._runtime.metrics.count("cache_unread", answer.model)
            return answer


def _turn(question: Entry, final: Final, model: str | None) -> list[Entry]:
    """What the history keeps. A file that Claude refused would make it refuse every later question of the thread."""
    files = () if final.without_files else question.files
    instruction = [Entry("system", final.instruction, question.ts)] if final.instruction else []
    answer = Entry("assistant", final.remembered, question.ts, model=model)
    return [replace(entry, hidden=final.hidden) for entry in (replace(question, files=files), *instruction, answer)]


def _people(past: list[Entry], message: Message) -> frozenset[str]:
    """Who wrote in the thread: an answer may mention them."""
    return frozenset({message.user, *(entry.user for entry in past if entry.user)})

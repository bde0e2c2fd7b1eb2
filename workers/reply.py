"""The job: one turn of one thread, from the mailbox to the last edit and the history.

Read from top to bottom: `reply` claims a message, `_Turn.run` takes it from the question to the history.
"""

import asyncio
import logging
from dataclasses import replace

from redis.exceptions import RedisError

from bot.loop_watch import boot_time, working_on
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
from workers.claude.client import CallObserver, CallSubject, ClaudeAnswer, NoAnswer
from workers.draft.draft import Draft
from workers.draft.refusals import ReplyDeleted, Undeliverable
from workers.draft.turn import Terms
from workers.files.files import Taken
from workers.process.lease import Lease
from workers.process.runtime import Runtime, current
from workers.process.stops import Stop
from workers.prompt import backfill
from workers.prompt.conversation import Conversation, Dialogue

log = logging.getLogger("parley.reply")

# Events of one moment may arrive in any order. After this pause the oldest of them is answered first (invariant 3).
SETTLE_SECONDS = 0.05
MOST_ATTEMPTS = 5
RETRY_SECONDS = 5.0


class Overtaken(Exception):
    """An earlier message of the thread arrived before this one's reply became visible, and is answered first."""


async def reply(team: str, channel: str, ts: str) -> None:
    """Answer the oldest waiting message of the thread, unless another worker is at it. Runs as an RQ job.

    What belongs to another deployment's team stays as it is, for a worker of that deployment.
    """
    await asyncio.sleep(SETTLE_SECONDS)
    thread = Thread(team, channel, ts)
    async with current() as runtime:
        if not await runtime.teams.has(team):
            return
        since = boot_time()
        claim = await runtime.inbox.claim(thread)
        if claim is None:
            return
        try:
            with working_on(f"{thread}/{claim.message.ts}"):
                await _run_turn(runtime, claim, since)
        except (LeaseLost, RedisError) as error:
            log.warning(
                "left to another worker thread=%s ts=%s error=%s", thread, claim.message.ts, type(error).__name__
            )


async def _run_turn(runtime: Runtime, claim: Claim, since: float) -> None:
    """Run the turn under its lease. When it fails, give the message back or drop it."""
    thread, ts, ref = claim.thread, claim.message.ts, claim.token[:8]
    settings = runtime.settings
    if claim.attempts > MOST_ATTEMPTS + 2:
        # Each attempt ended its worker, even those two that do no more than tell people that we give up.
        log.error("dropped thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
        await _drop(runtime, claim, None)
        return
    lease = Lease(runtime.inbox, claim, since, settings.lease_seconds, settings.slack_call_seconds)
    turn = _Turn(runtime, claim, lease)
    try:
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(lease.keep())
                await turn.run(group)
                keeper.cancel()
        except BaseExceptionGroup as failures:
            raise _first_failure(failures) from None
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


class _Turn:
    """One attempt at a turn; its draft knows it as a `workers.draft.turn.Turn`."""

    def __init__(self, runtime: Runtime, claim: Claim, lease: Lease) -> None:
        self._runtime = runtime
        self._claim = claim
        self._lease = lease
        self.message = claim.message
        self.bot_user = runtime.bot_user
        self.reply = replies.Reply()
        self.is_resumed = claim.attempts > 1
        self._is_given_up = claim.attempts > MOST_ATTEMPTS
        self._thread = claim.thread
        self._stop = Stop()
        self._ref = claim.token[:8]
        self._taken = Taken()
        self._conversation: Conversation | None = None
        self._meter = Meter(runtime.settings, runtime.redis, claim.message)
        self._final: Final | None = None
        self._bill: Bill | None = None

    async def run(self, group: asyncio.TaskGroup) -> None:
        runtime, message, settings = self._runtime, self.message, self._runtime.settings
        self.reply = await replies.load(runtime.redis, self._thread, message.ts)
        stored = await history.load(runtime.redis, self._thread)
        backfilled = await self._backfill(stored)
        said = [*stored, *backfilled]
        past = history.without(said, message.again) if message.again else said
        # What an earlier attempt left behind, if its worker died.
        self._final, self._bill = self.reply.final, self.reply.bill
        self._meter.take_over(self.reply)
        async with runtime.stops.watch(self._thread, message.ts) as self._stop:
            terms = Terms(_people(past, message), streaming=settings.streaming)
            draft = Draft(runtime.slack, runtime.redis, runtime.pacing, self, terms)
            group.create_task(draft.run())
            status = group.create_task(draft.status.keep())
            writer = _DraftWriter(draft, self._meter, self.reply.text)
            question = await self._question(said)
            final = self._final or await self._conclude(writer, past, question)
        await draft.finish(final)
        status.cancel()
        if message.again and not final.is_answer:
            # There is no new answer: the history keeps the old one.
            await runtime.inbox.acknowledge(self._claim, bill=self._bill)
        else:
            await self._remember(past, backfilled, question, final)

    async def _backfill(self, stored: list[Entry]) -> list[Entry]:
        """What people said in the thread without asking us. A question that is asked again came with its own."""
        if self.message.again or self._is_given_up:
            return []
        runtime = self._runtime
        return await backfill.earlier(runtime.slack, runtime.redis, self.message, runtime.bot_user, stored)

    async def _question(self, said: list[Entry]) -> Entry:
        """The message as an entry of the history, its files fetched; if it is asked again, the entry of that time."""
        runtime, message = self._runtime, self.message
        if message.again:
            return history.asked(said, message.again) or Entry("user", "", message.again, message.user)
        mentioned = mentioned_people(message.text) - {runtime.bot_user, message.user}
        directory = Directory(runtime.redis, runtime.slack)
        names = await directory.names(self._thread.team, [message.user, *sorted(mentioned)])
        await self._take_files()
        parts = [spoken(message.text, runtime.bot_user, names), self._taken.note]
        return Entry(
            "user",
            "\n\n".join(part for part in parts if part),
            message.ts,
            message.user,
            names.get(message.user),
            files=self._taken.files,
            place=await directory.channel_name(message),
        )

    async def _take_files(self) -> None:
        """Whatever ended the attempts before may be one of the files, so the last attempt does without new ones."""
        if self._is_given_up:
            return
        files = await self._runtime.inbox.files(self._claim)
        is_last = self._claim.attempts == MOST_ATTEMPTS
        self._taken = await self._runtime.files.take(replace(self.message, files=files), only_kept=is_last)

    async def _conclude(self, writer: "_DraftWriter", past: list[Entry], question: Entry) -> Final:
        """What the reply says in the end. It is kept in Redis as soon as it is known."""
        left_out = "\n".join(f"_{sentence}_" for sentence in self._taken.left_out)
        if self._is_given_up:
            log.error("given up thread=%s ts=%s ref=%s", self._thread, self.message.ts, self._ref)
            final = Final(endings.GIVEN_UP.format(ref=self._ref), outcome="error")
        elif question.text == self._taken.note and not question.files:
            final = Final(endings.FORGOTTEN if self.message.again else left_out or endings.EMPTY)
        else:
            final = await self._ask_until_stopped(writer, past, question)
            if left_out:
                final = replace(final, text=f"{final.text}\n\n{left_out}", said=final.remembered)
        if self._conversation:
            final = replace(final, instruction=self._conversation.instruction)
        bill = self._meter.bill(final.outcome)
        await replies.save_final(self._runtime.redis, self._thread, self.message.ts, final, bill)
        self._final, self._bill = final, bill
        return final

    async def _ask_until_stopped(self, writer: "_DraftWriter", past: list[Entry], question: Entry) -> Final:
        if not self._stop.is_set():
            asking = asyncio.create_task(self._ask(writer, past, question))
            stopping = asyncio.create_task(self._stop.wait())
            try:
                await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
            finally:
                stopping.cancel()
                asking.cancel()
                # Only then the meter knows what the call billed.
                await asyncio.wait({asking})
        by = await self._stop.wait()
        log.info("stopped thread=%s ts=%s ref=%s by=%s", self._thread, self.message.ts, self._ref, by or "somebody")
        directory = Directory(self._runtime.redis, self._runtime.slack)
        names = await directory.names(self._thread.team, [by] if by else [])
        return endings.stopped(writer.shown, names.get(by, ""))

    async def _ask(self, writer: "_DraftWriter", past: list[Entry], question: Entry) -> Final:
        """Put the question to Claude, if the budgets allow it."""
        runtime = self._runtime
        self._lease.check()
        files = await runtime.files.blocks(self._thread, [*past, question])
        dialogue = Dialogue(past, question, files)
        conversation = Conversation(runtime, self._claim, dialogue, writer.on_wait, self._meter)
        self._conversation = conversation
        await conversation.begin()
        self._meter.model = conversation.model
        hold = await runtime.spending.begin(
            self.message, conversation.model, conversation.tokens, conversation.request["max_tokens"]
        )
        if isinstance(hold, str):
            return Final(hold, hidden=True)
        self._meter.hold = hold
        await conversation.fit()
        try:
            answer = await self._answer(writer, conversation, question)
        except NoAnswer as failure:
            if failure.is_refused and await runtime.files.forget_links(self._thread, [*past, question]):
                # A linked picture that is gone spoils the whole request: ask without linked pictures.
                return await self._ask(writer, past, question)
            return self._failed(failure, writer, question)
        final = endings.answered(answer, self._ref)
        return replace(final, note=endings.note(answer, full=runtime.settings.answer_note))

    async def _answer(self, writer: "_DraftWriter", conversation: Conversation, question: Entry) -> ClaudeAnswer:
        """Call Claude, again with another request if it refuses the first. Raises NoAnswer."""
        subject = CallSubject(str(self._thread), self.message.ts, self._ref, question.text)
        while True:
            call = self._runtime.claude.call(
                conversation.request, subject=subject, observer=writer, usage_observer=self._meter
            )
            try:
                answer = await call.answer()
            except NoAnswer as failure:
                if not await conversation.rephrase(failure):
                    raise
                continue
            if answer.stop_reason == "model_context_window_exceeded" and await conversation.shorten():
                continue
            self._meter.model = answer.model
            self._meter.unread = await conversation.answered(answer)
            if self._meter.unread:
                self._runtime.metrics.count("cache_unread", answer.model)
            return answer

    def _failed(self, failure: NoAnswer, writer: "_DraftWriter", question: Entry) -> Final:
        log.error(
            "unanswered thread=%s ts=%s ref=%s error=%s request_id=%s",
            self._thread,
            self.message.ts,
            self._ref,
            failure.kind,
            failure.request_id,
        )
        if failure.is_refused and question.files:
            return Final(endings.UNREADABLE.format(ref=self._ref), outcome="error", without_files=True)
        return endings.failed(writer.shown, f"{failure.sentence} (Reference: {self._ref})")

    async def _remember(self, past: list[Entry], backfilled: list[Entry], question: Entry, final: Final) -> None:
        """The message is answered: its turn joins the history, its bill is written down."""
        known = self._conversation.history if self._conversation else past
        # A backfilled entry that was summed up before it was ever stored is in the summary.
        new = [entry for entry in backfilled if entry in known]
        turn = _entries(question, final, self._bill.counted.model if self._bill else None)
        keep = len(known) + len(turn)
        days = self._runtime.settings.history_days
        update = HistoryUpdate([*new, *turn], keep, days, self.message.again)
        await self._runtime.inbox.acknowledge(self._claim, update, self._bill)

    def bill(self, outcome: Outcome | None) -> Bill | None:
        """What this attempt billed. Without an outcome the message is given back, and a final that is known keeps its
        bill for the next attempt.
        """
        if self._final is None:
            return self._meter.bill(outcome)
        return self._bill if outcome else None

    def may_send(self) -> None:
        self._lease.check()

    async def may_begin(self) -> None:
        if await self._runtime.inbox.is_overtaken(self._claim):
            raise Overtaken

    def on_stop(self) -> None:
        self._stop.set("")

    def on_edit(self, age: float, /) -> None:
        self._runtime.metrics.observe("edit_age_seconds", age)


class _DraftWriter(CallObserver):
    """Writes Claude's answer into the draft. `shown` is the longest text that people may have seen of it."""

    def __init__(self, draft: Draft, meter: Meter, shown: str) -> None:
        self._draft = draft
        self._meter = meter
        self.shown = shown

    def on_text(self, text: str) -> None:
        self.shown = max(self.shown, text, key=len)
        self._meter.show()
        self._draft.write(text)

    def on_wait(self, sentence: str) -> None:
        self._draft.status.say(sentence)

    def on_thought(self, thought: str) -> None:
        self._draft.status.say(endings.thinking(thought))


def _entries(question: Entry, final: Final, model: str | None) -> list[Entry]:
    """The turn as the history keeps it: without files that Claude refused, as it would refuse them each time again."""
    files = () if final.without_files else question.files
    entries = [replace(question, files=files)]
    if final.instruction:
        entries.append(Entry("system", final.instruction, question.ts))
    entries.append(Entry("assistant", final.remembered, question.ts, model=model))
    return [replace(entry, hidden=final.hidden) for entry in entries]


def _people(past: list[Entry], message: Message) -> frozenset[str]:
    """Who wrote in the thread: an answer may mention them."""
    return frozenset({message.user, *(entry.user for entry in past if entry.user)})


async def _give_back(runtime: Runtime, claim: Claim, turn: _Turn) -> None:
    """For another attempt. The message is dropped if even the attempt failed that tells people that we give up."""
    if claim.attempts > MOST_ATTEMPTS + 1:
        await _drop(runtime, claim, turn.bill("error"))
    else:
        await runtime.inbox.release(claim, RETRY_SECONDS * claim.attempts, bill=turn.bill(None))


async def _drop(runtime: Runtime, claim: Claim, bill: Bill | None) -> None:
    """Acknowledge the message without a turn in the history."""
    await runtime.inbox.acknowledge(claim, bill=bill)


def _first_failure(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception of the group, unless one of them is a lost lease, which counts before all others."""
    flat: list[BaseException] = []
    for failure in failures.exceptions:
        flat.append(_first_failure(failure) if isinstance(failure, BaseExceptionGroup) else failure)
    return next((failure for failure in flat if isinstance(failure, LeaseLost)), flat[0])

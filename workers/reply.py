"""The job: one turn of one thread, from the mailbox to the last edit."""

import asyncio
import logging
import time
from dataclasses import replace

from redis.exceptions import RedisError

from bot.incoming import Message, Thread, mentioned_people, spoken
from bot.store import history, replies
from bot.store.history import Entry
from bot.store.inbox import Claim, LeaseLost
from bot.store.replies import Final
from workers import backfill, ending, people, prompt, tools
from workers.claude import About, Unanswered
from workers.composition import Terms
from workers.draft import Deleted, Draft, Undeliverable
from workers.files import Taken
from workers.lease import Lease
from workers.native import Streams
from workers.runtime import Runtime, current
from workers.stops import Stop

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
    lease = Lease(runtime.inbox, claim, since, settings.lease_seconds, settings.slack_timeout_seconds)
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
        await runtime.inbox.release(claim, begun=False)
    except Deleted:
        log.info("reply deleted by somebody thread=%s ts=%s ref=%s", thread, ts, ref)
        await _drop(runtime, claim)
    except Undeliverable as error:
        log.error("undeliverable thread=%s ts=%s ref=%s error=%s", thread, ts, ref, error)
        await _drop(runtime, claim)
    except TimeoutError:
        log.error("not delivered yet thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
        await _give_back(runtime, claim)
    except asyncio.CancelledError:
        await asyncio.shield(runtime.inbox.release(claim))
        raise
    except Exception:
        log.exception("turn failed thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
        await _give_back(runtime, claim)


async def _give_back(runtime: Runtime, claim: Claim) -> None:
    """For another attempt; what failed after we said that we give up fails for good."""
    if claim.attempts > MOST_ATTEMPTS + 1:
        await _drop(runtime, claim)
    else:
        await runtime.inbox.release(claim, RETRY_SECONDS * claim.attempts)


async def _drop(runtime: Runtime, claim: Claim) -> None:
    """The message is done with, and nothing of it goes into the history."""
    await runtime.inbox.acknowledge(claim, [], 0, runtime.settings.history_days)


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first; a lost lease counts before all else."""
    found: list[BaseException] = []
    for failure in failures.exceptions:
        found.append(_first(failure) if isinstance(failure, BaseExceptionGroup) else failure)
    return next((failure for failure in found if isinstance(failure, LeaseLost)), found[0])


class _Turn:
    def __init__(self, runtime: Runtime, claim: Claim, lease: Lease) -> None:
        self._runtime, self._claim, self._lease = runtime, claim, lease
        self._message, self._thread = claim.message, claim.thread
        self._ref = claim.token[:8]
        self._taken = Taken()
        # The longest that people have seen of the answer: it stays, whatever comes.
        self._shown = ""

    async def run(self, group: asyncio.TaskGroup) -> None:
        runtime, message, settings = self._runtime, self._message, self._runtime.settings
        record = await replies.load(runtime.redis, self._thread, message.ts)
        said = await history.load(runtime.redis, self._thread)
        before = [] if said else await backfill.earlier(runtime.slack, runtime.redis, message, runtime.bot_user)
        said = said or before
        past = history.without(said, message.again) if message.again else said
        self._shown = record.text
        async with runtime.stops.watch(self._thread, message.ts) as stop:
            draft = Draft(
                runtime.slack,
                runtime.redis,
                runtime.pacing,
                message,
                record,
                Streams(runtime.slack, runtime.redis, message, settings.streaming),
                Terms(_people(past, message), settings.answer_length),
                resumed=self._claim.attempts > 1,
                may_send=self._lease.check,
                may_begin=self._may_begin,
                on_stop=lambda: stop.set(""),
            )
            group.create_task(draft.run())
            status = group.create_task(draft.keep_status())
            question = await self._question(said)
            final = record.final or await self._conclude(draft, past, question, stop)
        await draft.finish(final)
        status.cancel()
        if message.again and final.failed:
            # The old answer stays what it was.
            await runtime.inbox.acknowledge(self._claim, [], len(said), settings.history_days)
            return
        entries = _turn(question, final)
        keep = history.kept([*past, *entries], settings.history_tokens)
        await runtime.inbox.acknowledge(self._claim, [*before, *entries], keep, settings.history_days, message.again)

    async def _may_begin(self) -> None:
        if await self._runtime.inbox.is_overtaken(self._claim):
            raise Overtaken

    async def _question(self, said: list[Entry]) -> Entry:
        message = self._message
        if message.again:
            return history.asked(said, message.again) or Entry("user", "", message.again, message.user)
        users = [message.user, *sorted(mentioned_people(message.text) - {self._runtime.bot_user, message.user})]
        names = await people.names(self._runtime.redis, self._runtime.slack, self._thread.team, users)
        files = await self._runtime.inbox.files(self._claim)
        self._taken = await self._runtime.files.take(replace(message, files=files))
        parts = (spoken(message.text, self._runtime.bot_user, names), self._taken.note)
        text = "\n\n".join(part for part in parts if part)
        return Entry("user", text, message.ts, message.user, names.get(message.user), files=self._taken.files)

    async def _conclude(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> Final:
        """What the reply says in the end, kept in Redis from the moment it is known."""
        left_out = "\n".join(f"_{sentence}_" for sentence in self._taken.left_out)
        if question.text == self._taken.note and not question.files:
            final = Final(ending.FORGOTTEN, failed=True) if self._message.again else Final(left_out or ending.EMPTY)
        elif self._claim.attempts > MOST_ATTEMPTS:
            log.error("given up thread=%s ts=%s ref=%s", self._thread, self._message.ts, self._ref)
            final = Final(ending.GIVEN_UP.format(ref=self._ref), failed=True)
        else:
            final = await self._ask_until_stopped(draft, past, question, stop)
            if left_out:
                final = replace(final, text=f"{final.text}\n\n{left_out}", said=final.remembered)
        await replies.save_final(self._runtime.redis, self._thread, self._message.ts, final)
        return final

    async def _ask_until_stopped(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> Final:
        stopping = asyncio.create_task(stop.wait())
        asking = None if stop.is_set() else asyncio.create_task(self._ask(draft, past, question))
        try:
            if asking is not None:
                await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    return asking.result()
                asking.cancel()
                await asyncio.wait({asking})
            by = await stopping
        finally:
            stopping.cancel()
            if asking is not None:
                asking.cancel()
        log.info("stopped thread=%s ts=%s ref=%s by=%s", self._thread, self._message.ts, self._ref, by or "somebody")
        names = await people.names(self._runtime.redis, self._runtime.slack, self._thread.team, [by] if by else [])
        return ending.stopped(self._shown, names.get(by, ""))

    async def _ask(self, draft: Draft, past: list[Entry], question: Entry) -> Final:
        settings = self._runtime.settings
        self._lease.check()
        files = await self._runtime.files.blocks(self._thread, [*past, question])

        def on_text(text: str) -> None:
            self._shown = text if len(text) > len(self._shown) else self._shown
            draft.write(text)

        request = tools.tools(settings, settings.model) | prompt.build(
            settings.model, settings.max_tokens, settings.system_prompt, past, question, files
        )
        about = About(str(self._thread), self._message.ts, self._ref, question.text)
        call = self._runtime.claude.call(request, on_text=on_text, on_wait=draft.say, about=about)
        try:
            answer = await call.answer()
            return replace(ending.answered(answer), note=ending.note(answer, full=settings.answer_note == "on"))
        except Unanswered as failure:
            refused = failure.kind.startswith(("400/", "413/"))
            if refused and await self._runtime.files.forget_links(self._thread, [*past, question]):
                return await self._ask(draft, past, question)
            log.error(
                "unanswered thread=%s ts=%s ref=%s error=%s request_id=%s",
                *(self._thread, self._message.ts, self._ref, failure.kind, failure.request_id),
            )
            if refused and question.files:
                return Final(ending.UNREADABLE.format(ref=self._ref), failed=True, without_files=True)
            return ending.failed(self._shown, f"{failure.sentence} (Reference: {self._ref})")


def _turn(question: Entry, final: Final) -> list[Entry]:
    """What the history keeps. A file that Claude refused would make it refuse every later question of the thread."""
    files = () if final.without_files else question.files
    answer = Entry("assistant", final.remembered, question.ts, hidden=final.hidden)
    return [replace(question, hidden=final.hidden, files=files), answer]


def _people(past: list[Entry], message: Message) -> frozenset[str]:
    """Who wrote in the thread: an answer may mention them."""
    return frozenset({message.user, *(entry.user for entry in past if entry.user)})

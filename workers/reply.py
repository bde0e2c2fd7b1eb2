"""The job: one turn of one thread, from the mailbox to the last edit."""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from redis.exceptions import RedisError

from bot.incoming import Message, Thread, mentioned_people, spoken
from bot.store import history, replies
from bot.store.history import Entry
from bot.store.inbox import Claim, LeaseLost
from workers import people, places
from workers.claude import About, Answer, Unanswered
from workers.conversation import Conversation
from workers.draft import Deleted, Draft, Undeliverable
from workers.lease import Lease
from workers.runtime import Runtime, current

log = logging.getLogger("parley.reply")

# Events of one moment may arrive in any order: the oldest of them is answered first (invariant 3).
SETTLE_SECONDS = 0.05
MOST_ATTEMPTS = 5
RETRY_SECONDS = 5.0

EMPTY = "Hi! Ask me something: mention me with a question, here or in a new thread, and I answer in the thread."
ONLY_FILES = "I can read text, but not files yet. Please paste the part that your question is about as text."
FILES_UNREAD = "[Attached, but not readable for you: {names}. Say so if the question needs them.]"
GIVEN_UP = (
    "Something went wrong on my side, several times over, so I stopped trying. Please ask again. (Reference: {ref})"
)
CUT_SHORT = "_The answer reached its length limit. Say “continue” and I go on._"
PAUSED = "_This took more steps than I may take at once. Say “continue” and I go on._"
REFUSED = "Claude declined to answer this{why}. Please rephrase the question, or ask something else."
# https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
CATEGORIES = {
    "cyber": " because it may help to attack computers",
    "bio": " because it may help to cause biological harm",
    "frontier_llm": " because it may help to build a competing AI model",
    "reasoning_extraction": " because it asks for the model's inner reasoning",
    "general_harms": " because it may cause harm",
}
TOO_LONG = "This thread has become longer than Claude can read. Please start a new thread."
NO_TEXT = "Claude ended without an answer. Please ask again, perhaps in other words."


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
    except asyncio.CancelledError:
        await asyncio.shield(runtime.inbox.release(claim))
        raise
    except Exception:
        log.exception("turn failed thread=%s ts=%s ref=%s attempt=%d", thread, ts, ref, claim.attempts)
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

    async def run(self, group: asyncio.TaskGroup) -> None:
        runtime, message = self._runtime, self._message
        record = await replies.load(runtime.redis, self._thread, message.ts)
        draft = Draft(
            runtime.slack,
            runtime.redis,
            runtime.pacing,
            message,
            record,
            resumed=self._claim.attempts > 1,
            may_send=self._lease.check,
            may_begin=self._may_begin,
        )
        group.create_task(draft.run())
        status = group.create_task(draft.keep_status())
        question = await self._question()
        past = await history.load(runtime.redis, self._thread)
        self._kept = len(past)
        final = record.final or await self._conclude(draft, past, question)
        await draft.finish(final["text"], failed=final["failed"])
        status.cancel()
        told = final.get("instruction")
        instruction = [Entry("system", told, message.ts)] if told else []
        entries = [question, *instruction, Entry("assistant", final["said"], message.ts)]
        entries = [replace(entry, hidden=final["hidden"]) for entry in entries]
        await runtime.inbox.acknowledge(self._claim, entries, self._kept + len(entries), runtime.settings.history_days)

    async def _may_begin(self) -> None:
        if await self._runtime.inbox.is_overtaken(self._claim):
            raise Overtaken

    async def _question(self) -> Entry:
        message = self._message
        users = [message.user, *sorted(mentioned_people(message.text) - {self._runtime.bot_user, message.user})]
        names = await people.names(self._runtime.redis, self._runtime.slack, self._thread.team, users)
        parts = (spoken(message.text, self._runtime.bot_user, names), _unread(message))
        text = "\n\n".join(part for part in parts if part)
        place = await places.place(self._runtime.redis, self._runtime.slack, message)
        return Entry("user", text, message.ts, message.user, names.get(message.user), place=place)

    async def _conclude(self, draft: Draft, past: list[Entry], question: Entry) -> dict[str, Any]:
        """What the reply says in the end, kept in Redis from the moment it is known."""
        if not question.text:
            final = _final(EMPTY)
        elif question.text == _unread(self._message):
            final = _final(ONLY_FILES)
        elif self._claim.attempts > MOST_ATTEMPTS:
            log.error("given up thread=%s ts=%s ref=%s", self._thread, self._message.ts, self._ref)
            final = _final(GIVEN_UP.format(ref=self._ref), failed=True)
        else:
            final = await self._ask(draft, past, question)
        await replies.save_final(self._runtime.redis, self._thread, self._message.ts, final)
        return final

    async def _ask(self, draft: Draft, past: list[Entry], question: Entry) -> dict[str, Any]:
        runtime = self._runtime
        talk = Conversation(runtime.settings, runtime.redis, runtime.inbox, runtime.claude, self._claim, past, question)
        await talk.begin()
        final = await self._answered(draft, talk, About(str(self._thread), self._message.ts, self._ref, question.text))
        self._kept = len(talk.history)
        return {**final, "instruction": talk.instruction}

    async def _answered(self, draft: Draft, talk: Conversation, about: About) -> dict[str, Any]:
        while True:
            call = self._runtime.claude.call(talk.request, on_text=draft.write, about=about)
            try:
                answer = await call.answer()
            except Unanswered as failure:
                if await talk.rephrase(failure):
                    continue
                log.error(
                    "unanswered thread=%s ts=%s ref=%s error=%s request_id=%s",
                    *(self._thread, self._message.ts, self._ref, failure.kind, failure.request_id),
                )
                sentence = f"{failure.sentence} (Reference: {self._ref})"
                return _final(f"{call.text}\n\n_{sentence}_" if call.text.strip() else sentence, failed=True)
            if answer.stop_reason == "model_context_window_exceeded" and await talk.shorten():
                continue
            await talk.answered(answer)
            return closed(answer)


def _unread(message: Message) -> str:
    return FILES_UNREAD.format(names=", ".join(message.files)) if message.files else ""


def closed(answer: Answer) -> dict[str, Any]:
    """The final text for each way in which an answer can end.

    Of a refusal the category is told where there is one; its explanation is not meant to be stable (documented).
    """
    text = answer.text.rstrip()
    match answer.stop_reason:
        case "refusal":
            refused = REFUSED.format(why=CATEGORIES.get(answer.category or "", ""))
            return _final(f"{text}\n\n_{refused}_" if text else refused, hidden=True)
        case "model_context_window_exceeded":
            return _final(f"{text}\n\n_{TOO_LONG}_" if text else TOO_LONG, outgrown=True)
        case "max_tokens" if text:
            return _final(f"{text}\n\n{CUT_SHORT}", said=text, continuable=True)
        case "pause_turn" if text:
            return _final(f"{text}\n\n{PAUSED}", said=text, continuable=True)
    return _final(text or NO_TEXT)


def _final(
    text: str,
    *,
    said: str | None = None,
    hidden: bool = False,
    failed: bool = False,
    continuable: bool = False,
    outgrown: bool = False,
) -> dict[str, Any]:
    """`text` is what people see, `said` what the history remembers as ours; `hidden` keeps the turn out of prompts.

    A `continuable` answer can be gone on with; an `outgrown` thread is longer than the model reads.
    """
    return {
        "text": text,
        "said": text if said is None else said,
        "hidden": hidden,
        "failed": failed,
        "continuable": continuable,
        "outgrown": outgrown,
    }

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
from workers import people, prompt
from workers.claude import Answer, Unanswered
from workers.composition import Terms
from workers.draft import Deleted, Draft, Undeliverable
from workers.lease import Lease
from workers.messages import Ending
from workers.runtime import Runtime, current
from workers.stops import Stop
from workers.stream import Streams

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
CUT_SHORT = "_The answer reached its length limit. Press Continue, or say “continue”, and I go on._"
REFUSED = "Claude declined to answer this. Please rephrase the question, or ask something else."
TOO_LONG = "This thread has become longer than Claude can read. Please start a new thread."
STOPPED = "Stopped before anything was written."
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
        self._shown = ""

    async def run(self, group: asyncio.TaskGroup) -> None:
        runtime, message, settings = self._runtime, self._message, self._runtime.settings
        record = await replies.load(runtime.redis, self._thread, message.ts)
        past = await history.load(runtime.redis, self._thread)
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
            question = await self._question()
            final = record.final or await self._conclude(draft, past, question, stop)
        await draft.finish(_ending(final))
        status.cancel()
        answer = Entry("assistant", final["said"], message.ts, hidden=final["hidden"])
        entries = [replace(question, hidden=final["hidden"]), answer]
        keep = history.kept([*past, *entries], settings.history_tokens)
        await runtime.inbox.acknowledge(self._claim, entries, keep, settings.history_days)

    async def _may_begin(self) -> None:
        if await self._runtime.inbox.is_overtaken(self._claim):
            raise Overtaken

    async def _question(self) -> Entry:
        message = self._message
        users = [message.user, *sorted(mentioned_people(message.text) - {self._runtime.bot_user, message.user})]
        names = await people.names(self._runtime.redis, self._runtime.slack, self._thread.team, users)
        parts = (spoken(message.text, self._runtime.bot_user, names), _unread(message))
        text = "\n\n".join(part for part in parts if part)
        return Entry("user", text, message.ts, message.user, names.get(message.user))

    async def _conclude(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> dict[str, Any]:
        """What the reply says in the end, kept in Redis from the moment it is known."""
        if not question.text:
            final = _final(EMPTY)
        elif question.text == _unread(self._message):
            final = _final(ONLY_FILES)
        elif self._claim.attempts > MOST_ATTEMPTS:
            log.error("given up thread=%s ts=%s ref=%s", self._thread, self._message.ts, self._ref)
            final = _final(GIVEN_UP.format(ref=self._ref), failed=True)
        else:
            final = await self._ask_until_stopped(draft, past, question, stop)
        await replies.save_final(self._runtime.redis, self._thread, self._message.ts, final)
        return final

    async def _ask_until_stopped(self, draft: Draft, past: list[Entry], question: Entry, stop: Stop) -> dict[str, Any]:
        asking = asyncio.create_task(self._ask(draft, past, question))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
            asking.cancel()
            await asyncio.wait({asking})
        finally:
            asking.cancel()
            stopping.cancel()
        by = stopping.result()
        log.info("stopped thread=%s ts=%s ref=%s by=%s", self._thread, self._message.ts, self._ref, by or "somebody")
        names = await people.names(self._runtime.redis, self._runtime.slack, self._thread.team, [by] if by else [])
        return {
            **_final(self._shown.rstrip() or STOPPED, said=self._shown.rstrip() or STOPPED),
            "stopped_by": names.get(by, ""),
        }

    async def _ask(self, draft: Draft, past: list[Entry], question: Entry) -> dict[str, Any]:
        settings = self._runtime.settings
        request = prompt.build(settings.model, settings.max_tokens, settings.system_prompt, past, question)

        def on_text(text: str) -> None:
            self._shown = text if len(text) > len(self._shown) else self._shown
            draft.write(text)

        try:
            answer = await self._runtime.claude.answer(request, on_text)
        except Unanswered as failure:
            log.error(
                "unanswered thread=%s ts=%s ref=%s error=%s request_id=%s",
                *(self._thread, self._message.ts, self._ref, failure.kind, failure.request_id),
            )
            sentence = f"{failure.sentence} (Reference: {self._ref})"
            return _final(f"{self._shown}\n\n_{sentence}_" if self._shown.strip() else sentence, failed=True)
        self._log(answer, question)
        return {**closed(answer), "has_buttons": True, "continuable": answer.stop_reason == "max_tokens"}

    def _log(self, answer: Answer, question: Entry) -> None:
        usage = answer.usage
        log.info(
            "answered thread=%s ts=%s ref=%s model=%s stop=%s in=%d out=%d cache_write=%d cache_read=%d "
            "first_text_s=%.2f total_s=%.2f attempts=%d question_chars=%d request_id=%s",
            *(self._thread, self._message.ts, self._ref, answer.model, answer.stop_reason),
            *(usage.get("input_tokens", 0), usage.get("output_tokens", 0)),
            *(usage.get("cache_creation_input_tokens", 0), usage.get("cache_read_input_tokens", 0)),
            *(answer.first_text, answer.total, answer.attempts, len(question.text), answer.request_id),
        )


def _people(past: list[Entry], message: Message) -> frozenset[str]:
    """Who wrote in the thread: an answer may mention them."""
    return frozenset({message.user, *(entry.user for entry in past if entry.user)})


def _ending(final: dict[str, Any]) -> Ending:
    return Ending(
        final["text"],
        failed=final["failed"],
        has_buttons=final.get("has_buttons", False),
        continuable=final.get("continuable", False),
        stopped_by=final.get("stopped_by"),
        note=final.get("note"),
    )


def _unread(message: Message) -> str:
    return FILES_UNREAD.format(names=", ".join(message.files)) if message.files else ""


def closed(answer: Answer) -> dict[str, Any]:
    """The final text for each way in which an answer can end."""
    text = answer.text.rstrip()
    match answer.stop_reason:
        case "refusal":
            return _final(f"{text}\n\n_{REFUSED}_" if text else REFUSED, hidden=True)
        case "model_context_window_exceeded":
            return _final(f"{text}\n\n_{TOO_LONG}_" if text else TOO_LONG)
        case "max_tokens" if text:
            return _final(f"{text}\n\n{CUT_SHORT}", said=text)
    return _final(text or NO_TEXT)


def _final(text: str, *, said: str | None = None, hidden: bool = False, failed: bool = False) -> dict[str, Any]:
    """`text` is what people see, `said` what the history remembers as ours; `hidden` keeps the turn out of prompts."""
    return {"text": text, "said": text if said is None else said, "hidden": hidden, "failed": failed}

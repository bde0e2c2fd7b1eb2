"""One question of a thread as a request to Claude, under the admins' policy and no longer than the model can read."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from redis.asyncio import Redis

from bot.models import find, options
from bot.settings import Settings
from bot.store import keys
from bot.store.rules import policy
from bot.store.threads import history, prompt_record
from bot.store.threads.claims import Claim
from bot.store.threads.files import ContentBlock
from bot.store.threads.history import Entry
from bot.store.threads.inbox import Inbox
from bot.store.threads.prompt_record import Instructions, LastRequest
from workers.claude.client import CallSubject, ClaudeAnswer, ClaudeClient, NoAnswer, UsageObserver
from workers.claude.failures import TOO_LONG
from workers.claude.tools import tools
from workers.prompt import compaction
from workers.prompt.caching import cache_read_due
from workers.prompt.prompt import FRAME, RequestSetup, build, changed

log = logging.getLogger("parley.conversation")

SUMMING_UP = "Summing up the earlier conversation…"
# Somebody waits for the answer: when the API takes longer to count the tokens, the estimate has to do.
COUNT_SECONDS = 15.0
NOT_ACCEPTED = 400


class ConversationServices(Protocol):
    """What a conversation needs of its worker process. The process's Runtime has all of it."""

    @property
    def settings(self) -> Settings: ...

    @property
    def redis(self) -> Redis: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def claude(self) -> ClaudeClient: ...


@dataclass(frozen=True)
class Dialogue:
    """What was said. `past` is the stored history, then what was read from Slack; `files` are as for `prompt.build`."""

    past: Sequence[Entry]
    question: Entry
    files: Mapping[str, Sequence[ContentBlock]] = field(default_factory=dict)


class Conversation:
    """Makes the `request` that puts the question to Claude. `fit`, `rephrase` and `shorten` replace it by another one.

    `history` is what the thread remembers, and becomes shorter when it is summed up. `instruction` are the operator's
    instructions that joined the thread with this question. `on_wait` gets what people are told while a summary is
    written, `usage_observer` learns what the summary bills.
    """

    def __init__(
        self,
        services: ConversationServices,
        claim: Claim,
        dialogue: Dialogue,
        on_wait: Callable[[str], None] = lambda sentence: None,
        usage_observer: UsageObserver | None = None,
    ) -> None:
        self._settings = services.settings
        self._redis = services.redis
        self._inbox = services.inbox
        self._claude = services.claude
        self._claim = claim
        self._thread = claim.thread
        self._question = dialogue.question
        self._files = dialogue.files
        self._on_wait = on_wait
        subject = CallSubject(str(claim.thread), claim.message.ts, claim.token[:8])
        self._summarizer = compaction.Summarizer(services.claude, subject, usage_observer)
        self._refused_system_turns = False
        self._is_shortened = False
        self.history = list(dialogue.past)
        self.instruction: str | None = None

    async def begin(self) -> None:
        """Make the first request. Nothing else may be called before."""
        settings, thread = self._settings, self._thread
        rules = await policy.load(self._redis, thread)
        self.model = rules.model or settings.model
        self._now = Instructions(FRAME, settings.system_prompt, rules.workspace, rules.channel)
        record = await prompt_record.load(self._redis, thread, self._now, settings.history_days)
        self._began = record.instructions
        self._last_request = record.last_request
        self._system_turns = not await self._redis.exists(keys.no_system_turns(thread.team, self.model))
        self._make()

    async def fit(self) -> None:
        """Sum up the oldest turns if the request is too long. Raises LeaseLost."""
        if await self._is_too_long():
            await self._sum_up(self._room)

    @property
    def tokens(self) -> int:
        """An estimate of the request's tokens, on the high side."""
        said = [*self.history, *self.entries]
        return self._system_tokens() + sum(entry.tokens for entry in said if not entry.hidden)

    @property
    def entries(self) -> list[Entry]:
        """The entries that join the history before the answer."""
        if self.instruction is None:
            return [self._question]
        return [self._question, Entry("system", self.instruction, self._question.ts)]

    async def shorten(self) -> bool:
        """Call when the prompt was too long for the model. True if the request is shorter now; only once.

        Raises LeaseLost.
        """
        if self._is_shortened:
            return False
        self._is_shortened = True
        length = len(self.history)
        await self._sum_up(min(self._room, self.tokens) // 2)
        return len(self.history) < length

    async def rephrase(self, failure: NoAnswer) -> bool:
        """Call when Claude refused the request as it was (400). True if it has another form now, to be tried.

        Except for the signed block of a compaction, the error says only in words what was wrong. So the forms that some
        models or accounts do not take are given up one after the other: system messages first, then the signed block.
        A request that was too long becomes shorter. Raises LeaseLost.
        """
        refusal = failure.failure
        if refusal is None or refusal.status != NOT_ACCEPTED or refusal.is_spent:
            return False
        if refusal.code == TOO_LONG:
            return await self.shorten()
        signed = self._signed_summary()
        refuses_signature = signed is not None and (refusal.code or "").startswith("compaction_")
        if self._has_system_turns() and not refuses_signature:
            self._system_turns = False
            self._refused_system_turns = True
        elif signed:
            self._refused_system_turns = False
            plain = replace(signed, block=None)
            self.history[0] = plain
            await self._inbox.compact(self._claim, 1, plain, self._settings.history_days)
        else:
            return False
        self._make()
        return True

    async def answered(self, answer: ClaudeAnswer) -> bool:
        """Keep what the next request needs to know. True if the prompt cache was due to be read and was not."""
        thread = self._thread
        pieces = [piece for piece in answer.usage if piece.prompt]
        is_due = find(answer.model) == find(self.model) and cache_read_due(
            self.model, self._began, self._last_request, self._made_at
        )
        is_missed = is_due and not any(piece.read for piece in pieces)
        if is_missed:
            log.warning(
                "nothing read from the prompt cache thread=%s ts=%s model=%s request_id=%s",
                thread,
                self._claim.message.ts,
                answer.model,
                answer.request_id,
            )
        if pieces:
            request = LastRequest(answer.model, self._made_at, pieces[-1].prompt)
            await prompt_record.save_last_request(self._redis, thread, request)
        if self._refused_system_turns:
            await self._redis.set(keys.no_system_turns(thread.team, self.model), 1, ex=keys.no_system_turns.seconds)
        return is_missed

    def _make(self) -> None:
        self.instruction = changed(self._began, self._now, self.history)
        self.request = self._request([*self.history, *self.entries])
        self._made_at = time.time()

    def _request(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """The request that ends with these entries."""
        settings, model = self._settings, self.model
        parameters = {**tools(settings, model), **options(model, settings.effort, settings.thinking)}
        setup = RequestSetup(model, settings.max_tokens, parameters, self._system_turns)
        return build(setup, self._began, entries, self._files)

    def _has_system_turns(self) -> bool:
        return any(message["role"] == "system" for message in self.request["messages"])

    def _signed_summary(self) -> Entry | None:
        """The summary at the beginning, if the request has it as the model's own signed block."""
        if not self.history or not self.history[0].block or not find(self.model).compaction:
            return None
        return self.history[0]

    @property
    def _room(self) -> int:
        settings = self._settings
        return compaction.room(self.model, settings.max_tokens, settings.history_tokens, self._system_tokens())

    def _system_tokens(self) -> int:
        return sum(len(block["text"].encode()) // 3 for block in self.request["system"])

    async def _is_too_long(self) -> bool:
        """Ask the API for its count, but only if the estimate, which is on the high side, is over the room."""
        if self.tokens <= self._room:
            return False
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                return await self._claude.count(self.request) > self._room
        except NoAnswer as failure:
            log.warning("not counted thread=%s error=%s request_id=%s", self._thread, failure.kind, failure.request_id)
        except TimeoutError:
            log.warning("not counted thread=%s error=deadline", self._thread)
        return True

    async def _sum_up(self, room: int) -> None:
        count = compaction.older(self.history, room)
        if not count:
            return
        self._on_wait(SUMMING_UP)
        oldest = self.history[:count]
        summary = await self._summarizer.summary(self._request(oldest), oldest)
        if summary:
            await self._inbox.compact(self._claim, count, summary, self._settings.history_days)
            self.history = [summary, *self.history[count:]]
        else:
            self.history = self.history[-history.kept(self.history, room) :]
        self._last_request = None
        self._make()

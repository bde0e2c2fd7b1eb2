"""One question of a thread, as Claude is asked it: what the thread knows, what admins want, and how long it may be."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

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
from workers.claude.call_log import Meter
from workers.claude.client import CallSubject, ClaudeAnswer, ClaudeClient, NoAnswer
from workers.claude.failures import TOO_LONG
from workers.claude.tools import tools
from workers.prompt import compaction
from workers.prompt.caching import cache_read_due
from workers.prompt.prompt import FRAME, build, changed

log = logging.getLogger("parley.conversation")

SUMMING_UP = "Summing up the earlier conversation…"
# The estimate does where the API takes longer for its count: somebody waits for the answer.
COUNT_SECONDS = 15.0
NOT_ACCEPTED = 400


class Conversation:
    """`request` is what to ask Claude; after `fit`, `rephrase` or `shorten` it may be another one.

    `past` begins as the stored history does; `files` are as for `prompt.build`. `history` is what the thread remembers,
    shorter when it was summed up; `instruction` what of the operator's came in with the question. `meter` hears what is
    billed on the way, for summaries.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        inbox: Inbox,
        claude: ClaudeClient,
        claim: Claim,
        past: Sequence[Entry],
        question: Entry,
        files: Mapping[str, Sequence[ContentBlock]] = MappingProxyType({}),
        on_wait: Callable[[str], None] = lambda sentence: None,
        meter: Meter | None = None,
    ) -> None:
        self._settings, self._redis, self._inbox, self._claude = settings, redis, inbox, claude
        self._claim, self._thread, self._on_wait = claim, claim.thread, on_wait
        self._question, self._files = question, files
        self._about = CallSubject(str(claim.thread), claim.message.ts, claim.token[:8], meter=meter)
        self._refused = self._shortened = False
        self.history = list(past)
        self.instruction: str | None = None

    async def begin(self) -> None:
        """Make the request."""
        settings, thread = self._settings, self._thread
        wanted = await policy.load(self._redis, thread)
        self.model = wanted.model or settings.model
        self._now = Instructions(FRAME, settings.system_prompt, wanted.workspace, wanted.channel)
        record = await prompt_record.load(self._redis, thread, self._now, settings.history_days)
        self._began, self._before = record.instructions, record.last_request
        self._system_turns = not await self._redis.exists(keys.no_system_turns(thread.team, self.model))
        self._make()

    async def fit(self) -> None:
        """Sum up what makes the request too long. Raises LeaseLost."""
        if await self._is_too_long():
            await self._sum_up(self._room)

    @property
    def tokens(self) -> int:
        """Those of the request, rather too many."""
        return self._system() + sum(e.tokens for e in (*self.history, *self.entries) if not e.hidden)

    @property
    def entries(self) -> list[Entry]:
        """What joins the history before the answer."""
        instruction = [Entry("system", self.instruction, self._question.ts)] if self.instruction else []
        return [self._question, *instruction]

    async def shorten(self) -> bool:
        """After the prompt was too long for the model: whether it is shorter now, which it can become once.

        Raises LeaseLost.
        """
        if self._shortened:
            return False
        self._shortened, length = True, len(self.history)
        await self._sum_up(min(self._room, self.tokens) // 2)
        return len(self.history) < length

    async def rephrase(self, failure: NoAnswer) -> bool:
        """Whether the request has another form now, which Claude may accept: for what it refused as it was (400).

        Its error says what it did not like for people only, unless it is the signed block of a compaction. So the forms
        that not every model or account takes give way one after the other: system messages, then that block. What is
        too long becomes shorter. Raises LeaseLost.
        """
        failed, summary = failure.failure, self.history[0] if self.history else None
        if failed is None or failed.status != NOT_ACCEPTED or failed.is_spent:
            return False
        if failed.code == TOO_LONG:
            return await self.shorten()
        signed = summary if summary and summary.block and find(self.model).compaction else None
        told = any(message["role"] == "system" for message in self.request["messages"])
        if told and not (signed and (failed.code or "").startswith("compaction_")):
            self._system_turns, self._refused = False, True
        elif signed:
            self._refused = False
            self.history[0] = plain = replace(signed, block=None)
            await self._inbox.compact(self._claim, 1, plain, self._settings.history_days)
        else:
            return False
        self._make()
        return True

    async def answered(self, answer: ClaudeAnswer) -> bool:
        """Remember what was asked; whether the prompt cache had nothing for it although it was due."""
        thread, read = self._thread, [piece for piece in answer.usage if piece.prompt]
        due = find(answer.model) == find(self.model) and cache_read_due(self.model, self._began, self._before, self._at)
        missed = due and not any(piece.read for piece in read)
        if missed:
            log.warning(
                "nothing read from the prompt cache thread=%s ts=%s model=%s request_id=%s",
                *(thread, self._claim.message.ts, answer.model, answer.request_id),
            )
        if read:
            await prompt_record.save_last_request(
                self._redis, thread, LastRequest(answer.model, self._at, read[-1].prompt)
            )
        if self._refused:
            await self._redis.set(keys.no_system_turns(thread.team, self.model), 1, ex=keys.no_system_turns.seconds)
        return missed

    def _make(self) -> None:
        self.instruction = changed(self._began, self._now, self.history)
        self.request = self._for([*self.history, *self.entries])
        self._at = time.time()

    def _for(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """The request for what follows these entries."""
        settings = self._settings
        more = {**tools(settings, self.model), **options(self.model, settings.effort, settings.thinking)}
        return build(
            self.model,
            settings.max_tokens,
            self._began,
            entries,
            self._files,
            system_turns=self._system_turns,
            options=more,
        )

    @property
    def _room(self) -> int:
        settings = self._settings
        return compaction.room(self.model, settings.max_tokens, settings.history_tokens, self._system())

    def _system(self) -> int:
        return sum(len(block["text"].encode()) // 3 for block in self.request["system"])

    async def _is_too_long(self) -> bool:
        """By the API's own count, where the estimate, which is on the high side, says so."""
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
        summary = await compaction.compact(self._claude, self._for(oldest), oldest, self._about)
        if summary:
            await self._inbox.compact(self._claim, count, summary, self._settings.history_days)
            self.history = [summary, *self.history[count:]]
        else:
            self.history = self.history[-history.kept(self.history, room) :]
        self._before = None
        self._make()

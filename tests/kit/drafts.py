"""A question in a thread of the sandbox's Slack, and drafts of the reply to it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from redis.asyncio import Redis

from bot.sandbox import Sandbox
from bot.sandbox.slack.world.records import Message as Posted
from bot.settings import Settings
from bot.slack import client as slack
from bot.slack.client import Client
from bot.slack.rate_limits import RateLimits
from bot.store import keys
from bot.store.threads import replies
from bot.talk.message import Message, Thread
from tests.kit.parley import payload, text
from workers.draft.draft import Draft
from workers.draft.pacing import Pacing
from workers.draft.turn import Terms


class Killed(Exception):
    """What a test raises where a process dies: what it had under way is dropped."""


async def _begin() -> None: ...


@dataclass
class DeskTurn:
    """A turn whose attempt may do everything, if a test does not say otherwise."""

    message: Message
    bot_user: str
    reply: replies.Reply = field(default_factory=replies.Reply)
    is_resumed: bool = False
    may_send: Callable[[], None] = lambda: None
    may_begin: Callable[[], Coroutine[Any, Any, None]] = _begin
    on_stop: Callable[[], None] = lambda: None
    on_edit: Callable[[float], None] = lambda age: None


@dataclass
class Desk:
    """A question that waits in a thread, and all that a test needs to draft the reply: Slack, Redis, drafts."""

    sandbox: Sandbox
    redis: Redis
    message: Message

    @property
    def posted(self) -> list[Posted]:
        """Our messages in the thread, without those that show a file."""
        thread = self.sandbox.slack.thread(self.message.thread.channel, self.message.thread.ts)
        return [message for message in thread if message.bot_id and not message.files]

    @property
    def texts(self) -> list[str]:
        return [text(message).rstrip() for message in self.posted]

    @property
    def states(self) -> list[str]:
        return [payload(message).get("state", "") for message in self.posted]

    def calls(self, method: str) -> int:
        return len(self.sandbox.journal.entries("slack.request", method))

    def refused(self) -> list[str]:
        """What Slack refused, other than by a fault: method and error."""
        answers = self.sandbox.journal.entries("slack.response")
        return [f"{answer.name} {answer.data['error']}" for answer in answers if not answer.data["ok"]]

    async def ask(self, channel: str = "general", user: str = "ada") -> "Desk":
        """The desk of another question, in a thread of its own."""
        ts = await self.sandbox.slack.say(user, channel, "a question")
        thread = Thread(self.sandbox.team, self.sandbox.slack.workspace.channel(channel).id, ts)
        await self.redis.hset(keys.messages(thread), ts, "waits")
        return Desk(self.sandbox, self.redis, Message(thread, ts, self.sandbox.users[user], "a question"))

    def web(self) -> AbstractAsyncContextManager[Client]:
        """A call may take half of the lease: two seconds."""
        return slack.client(Settings.load({**self.sandbox.environ(), "LEASE_SECONDS": "4"}, dotenv=None))

    async def turn(self, *, resumed: bool = False) -> DeskTurn:
        """The turn of the question, with what is stored of its reply."""
        reply = await replies.load(self.redis, self.message.thread, self.message.ts)
        return DeskTurn(self.message, self.sandbox.bot_user, reply, resumed)

    @asynccontextmanager
    async def draft(
        self,
        *,
        resumed: bool = False,
        may_send: Callable[[], None] = lambda: None,
        may_begin: Callable[[], Coroutine[Any, Any, None]] = _begin,
        on_stop: Callable[[], None] = lambda: None,
        has_rate_limits: bool = True,
        terms: Terms | None = None,
        **other_terms: Any,
    ) -> AsyncIterator[Draft]:
        """A draft that runs; `other_terms` are fields of `Terms`."""
        turn = replace(await self.turn(resumed=resumed), may_send=may_send, may_begin=may_begin, on_stop=on_stop)
        terms = replace(terms or Terms(frozenset({self.message.user})), **other_terms)
        async with self.web() as web:
            web.rate_limits = RateLimits(self.redis, self.message.thread.team) if has_rate_limits else None
            draft = Draft(web, self.redis, Pacing(self.redis), turn, terms)
            running = asyncio.create_task(draft.run())
            try:
                yield draft
            except BaseException:
                running.cancel()
                await asyncio.wait({running})
                raise
            await running

    async def shows(self, wanted: Callable[[list[str]], object], within: float = 10.0) -> None:
        """Wait until what our messages say is as `wanted`."""
        await self.sandbox.slack.until(lambda: wanted(self.texts), within)

    @contextmanager
    def seen(self) -> Iterator[list[list[str]]]:
        """All that people see of the reply from now on, at every change."""
        frames: list[list[str]] = []
        slack, told = self.sandbox.slack, self.sandbox.slack.workspace.on_change

        def on_change(kind: str, what: object) -> None:
            told(kind, what)
            if not frames or frames[-1] != self.texts:
                frames.append(self.texts)

        slack.workspace.on_change = on_change
        try:
            yield frames
        finally:
            slack.workspace.on_change = told


@asynccontextmanager
async def at_desk(redis: Redis, *, scopes: list[str] | None = None) -> AsyncIterator[Desk]:
    async with Sandbox(with_claude=False, scopes=scopes) as sandbox:
        ts = await sandbox.slack.say("ada", "general", "a question")
        thread = Thread(sandbox.team, sandbox.channels["general"], ts)
        await redis.hset(keys.messages(thread), ts, "waits")
        yield Desk(sandbox, redis, Message(thread, ts, sandbox.users["ada"], "a question"))

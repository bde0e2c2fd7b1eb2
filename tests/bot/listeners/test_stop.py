"""The word that stops an answer, from its event on."""

import asyncio
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.message import receive
from bot.sandbox import Sandbox
from bot.services import Services
from bot.settings import Settings
from bot.slack.identity import identify
from bot.store.metrics import Metrics
from bot.store.threads import stops
from bot.store.threads.inbox import Inbox
from bot.talk.message import Message, Thread

OPEN = Settings(allow_guests=True)


class Word:
    """Ben asked something in a thread, and somebody says a word in it."""

    def __init__(self, sandbox: Sandbox, services: Services) -> None:
        self.sandbox, self.services = sandbox, services
        self.redis, self.inbox, self.identity = services.redis, services.inbox, services.identity
        self.root = ""

    @property
    def thread(self) -> Thread:
        return Thread(self.sandbox.team, self.sandbox.channels["general"], self.root)

    async def ask(self) -> None:
        self.root = await self.sandbox.slack.say("ben", "general", "@parley hello")
        await self.inbox.put(Message(self.thread, self.root, self.sandbox.users["ben"], "hello"))

    async def say(self, user: str, text: str, kind: str = "message", settings: Settings = OPEN) -> None:
        ts = f"{float(self.root) + 1:.6f}"
        event = {"type": kind, "channel": self.thread.channel, "channel_type": "channel", "thread_ts": self.root}
        await receive(
            {"event": {**event, "user": self.sandbox.users[user], "ts": ts, "text": text}},
            AsyncBoltContext(),
            replace(self.services, settings=settings),
            self.sandbox.team,
        )

    async def waiting(self) -> list[str]:
        return [message.text for message in await self.inbox.waiting(self.thread)]


@pytest.fixture
async def word(redis: Redis, inbox: Inbox, sandbox: Sandbox, web: AsyncWebClient) -> Word:
    services = Services(OPEN, redis, web, await identify(web), inbox, Metrics(redis, sandbox.team))
    word = Word(sandbox, services)
    await word.ask()
    return word


@pytest.mark.parametrize("text", ["stop", "Stop!", "<@{bot}> STOP", "stop <@{bot}|parley>", " halt. "])
async def test_who_asked_stops_it_by_the_word(word: Word, text: str) -> None:
    await word.say("ben", text.format(bot=word.identity.user))
    assert await stops.asked(word.redis, word.thread, word.root) == word.sandbox.users["ben"]
    assert await word.waiting() == ["hello"]


async def test_the_word_is_heard_where_follow_ups_are_not(word: Word) -> None:
    await word.say("ben", "stop", settings=replace(OPEN, follow_ups=False))
    assert await stops.asked(word.redis, word.thread, word.root) is not None


async def test_somebody_elses_word_stops_nothing_and_is_no_question(word: Word) -> None:
    text = f"<@{word.identity.user}> stop"
    for kind in ("app_mention", "message"):
        await word.say("chidi", text, kind)
    told = word.sandbox.slack.workspace.ephemerals
    await word.sandbox.slack.until(lambda: told)
    await asyncio.sleep(0.1)
    [(user, notice)] = told
    assert user == word.sandbox.users["chidi"]
    assert notice.text.startswith(f"Only <@{word.sandbox.users['ben']}> and this workspace's admins")
    assert await stops.asked(word.redis, word.thread, word.root) is None
    assert await word.waiting() == ["hello"]


async def test_the_word_of_somebody_who_may_not_ask_does_nothing_and_nobody_is_told(word: Word) -> None:
    await word.say("ben", "stop", settings=replace(OPEN, allowed_channels=frozenset({"C0OTHER"})))
    for guest in ("ben", "chidi"):
        await word.sandbox.slack.set_guest(guest, True)
        await word.say(guest, "stop", settings=Settings())
    await asyncio.sleep(0.1)
    assert await stops.asked(word.redis, word.thread, word.root) is None
    assert word.sandbox.slack.workspace.ephemerals == []
    assert await word.waiting() == ["hello"]


async def test_the_word_in_a_sentence_is_a_question(word: Word) -> None:
    await word.say("ben", "stop the presses?")
    assert await stops.asked(word.redis, word.thread, word.root) is None
    assert await word.waiting() == ["hello", "stop the presses?"]

"""A wish to stop reaches whoever writes the answer: at once, later, and over broken connections."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from bot.store import connections, keys
from bot.store.threads import stops
from bot.talk.message import Thread
from tests.kit.sockets import close
from workers.process.stops import Stops

THREAD, TS = Thread("T1", "C1", "1.1"), "1.2"


@pytest.fixture
async def listening(redis: Redis) -> AsyncIterator[Stops]:
    async with Stops(redis).listening() as watcher:
        await heard_by(redis, 1)
        yield watcher


async def heard_by(redis: Redis, count: int) -> None:
    """Wait until so many connections listen."""
    async with asyncio.timeout(10):
        while dict(await redis.pubsub_numsub(keys.STOPS))[keys.STOPS] != count:
            await asyncio.sleep(0.01)


async def pings(redis: Redis) -> int:
    return int((await redis.info("commandstats")).get("cmdstat_ping", {}).get("calls", 0))


class Relay:
    """A way to Redis whose first connection can fall silent, as if the network swallowed what goes through it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._ways: list[asyncio.Event] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await close(self._writers)

    def silence_the_first(self) -> None:
        self._ways[0].clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.Event()
        way.set()
        self._ways.append(way)
        there, back = await asyncio.open_unix_connection(self._path)
        self._writers += [writer, back]
        for source, target in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pass(source, target, way))
            self._tasks.add(task)

    @staticmethod
    async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, way: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                await way.wait()
                target.write(data)
        finally:
            target.close()


async def test_nobody_asked_and_nothing_stops(listening: Stops, redis: Redis) -> None:
    assert await stops.asked(redis, THREAD, TS) is None
    async with listening.watch(THREAD, TS) as stop:
        assert not stop.is_set()


async def test_a_wish_is_heard_within_200_ms(listening: Stops, redis: Redis) -> None:
    async with listening.watch(THREAD, TS) as stop:
        began = time.monotonic()
        await stops.ask(redis, THREAD, [TS], "U1")
        assert await asyncio.wait_for(stop.wait(), 10) == "U1"
        assert time.monotonic() - began < 0.2


async def test_a_wish_from_before_is_there_at_entering(listening: Stops, redis: Redis) -> None:
    await stops.ask(redis, THREAD, [TS], "U1")
    async with listening.watch(THREAD, TS) as stop:
        assert stop.is_set()
        assert stop.by == "U1"


async def test_a_wish_stops_the_named_questions_and_no_others(listening: Stops, redis: Redis) -> None:
    async with (
        listening.watch(THREAD, TS) as stop,
        listening.watch(THREAD, "1.3") as next_one,
        listening.watch(Thread("T2", "C1", "1.1"), TS) as other_team,
        listening.watch(THREAD, "1.4") as last_one,
    ):
        await stops.ask(redis, THREAD, [TS, "1.3"], "U1")
        await asyncio.wait_for(asyncio.gather(stop.wait(), next_one.wait()), 10)
        await stops.ask(redis, THREAD, ["1.4"], "U1")
        await asyncio.wait_for(last_one.wait(), 10)
        assert not other_team.is_set()


async def test_the_first_of_two_who_ask_is_remembered(listening: Stops, redis: Redis) -> None:
    async with listening.watch(THREAD, TS) as stop:
        await stops.ask(redis, THREAD, [TS], "U1")
        await stops.ask(redis, THREAD, [TS], "U2")
        assert await asyncio.wait_for(stop.wait(), 10) == "U1"
    assert await stops.asked(redis, THREAD, TS) == "U1"


async def test_a_wish_is_forgotten_after_a_week(redis: Redis) -> None:
    await stops.ask(redis, THREAD, [TS], "U1")
    assert keys.stop.seconds - 60 < await redis.ttl(keys.stop(THREAD, TS)) <= keys.stop.seconds


async def test_the_message_that_said_stop_counts_as_delivered(redis: Redis) -> None:
    await stops.ask(redis, THREAD, [TS], "U1", said_in="1.5")
    assert await redis.exists(keys.seen_message("T1", "C1", "1.5"))


async def test_every_process_hears_it(listening: Stops, redis: Redis) -> None:
    async with Stops(redis).listening() as other:
        await heard_by(redis, 2)
        async with listening.watch(THREAD, TS) as one, other.watch(THREAD, TS) as two:
            await stops.ask(redis, THREAD, [TS], "U1")
            await asyncio.wait_for(asyncio.gather(one.wait(), two.wait()), 10)


async def test_strange_words_on_the_channel_hurt_nobody(listening: Stops, redis: Redis) -> None:
    async with listening.watch(THREAD, TS) as stop:
        for word in ("", "\x00", "{}", keys.stop(THREAD, TS), "T1:*"):
            await redis.publish(keys.STOPS, word)
        assert not stop.is_set()
        await stops.ask(redis, THREAD, [TS], "U1")
        await asyncio.wait_for(stop.wait(), 10)


async def test_what_was_asked_while_the_connection_was_broken_is_heard_afterwards(
    listening: Stops, redis: Redis
) -> None:
    async with listening.watch(THREAD, TS) as stop:
        async with redis.pipeline() as pipe:
            pipe.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            pipe.set(keys.stop(THREAD, TS), "U1")
            await pipe.execute()
        assert await asyncio.wait_for(stop.wait(), 10) == "U1"


async def test_a_connection_that_fell_silent_is_noticed_and_replaced(redis: Redis, redis_url: str) -> None:
    relay = Relay(redis_url.removeprefix("unix://"))
    async with relay.running() as address:
        far = connections.shared(address)
        async with Stops(far, quiet_seconds=0.1).listening() as watcher:
            await heard_by(redis, 1)
            async with watcher.watch(THREAD, TS) as stop:
                relay.silence_the_first()
                await stops.ask(redis, THREAD, [TS], "U1")
                assert await asyncio.wait_for(stop.wait(), 10) == "U1"
        await far.aclose()


async def test_a_quiet_connection_that_lives_is_kept(redis: Redis) -> None:
    async with Stops(redis, quiet_seconds=0.05).listening():
        await heard_by(redis, 1)
        first = [one["id"] for one in await redis.client_list() if one["sub"] != "0"]
        before = await pings(redis)
        async with asyncio.timeout(10):
            while await pings(redis) < before + 5:
                await asyncio.sleep(0.01)
        assert [one["id"] for one in await redis.client_list() if one["sub"] != "0"] == first


async def test_nothing_is_left_of_an_answer_that_is_over(listening: Stops, redis: Redis) -> None:
    async with listening.watch(THREAD, TS):
        pass
    await stops.ask(redis, THREAD, [TS], "U1")
    assert listening._watched == {}

"""With REDIS_WAIT_REPLICAS a message counts as kept once a failover cannot lose it."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.store import connections
from bot.store.replication import NotReplicated, confirm
from bot.store.threads.inbox import Inbox
from tests.kit.mailbox import THREAD, said, waits
from tests.kit.redis_servers import Process, eventually, replicated

Pair = tuple[Process, Process]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with replicated(tmp_path) as pair:
        yield pair


@asynccontextmanager
async def inbox_of(server: Process) -> AsyncIterator[Inbox]:
    redis, producer = connections.shared(server.url), connections.producer(server.url)
    yield Inbox(redis, connections.queue("test", producer), 8.0, replicas=1)
    await redis.aclose()
    producer.close()


async def test_a_message_that_is_kept_is_on_the_replica(pair: Pair) -> None:
    primary, replica = pair
    mirror = connections.shared(replica.url)
    async with inbox_of(primary) as inbox:
        for number in range(1, 30):
            assert await inbox.put(said(f"{number}.000001"))
            assert len(await waits(mirror)) == number
            assert not await inbox.put(said(f"{number}.000001"))
    await mirror.aclose()


async def test_while_the_replica_is_away_nothing_is_said_to_be_kept_not_even_what_is(pair: Pair) -> None:
    primary, replica = pair
    async with inbox_of(primary) as inbox:
        primary.client.execute_command("ACL", "SETUSER", "replica", "off")
        primary.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        for _ in range(2):
            with pytest.raises(NotReplicated, match="0 of 1 replicas"):
                await inbox.put(said("1.000001"))
        primary.client.execute_command("ACL", "SETUSER", "replica", "on")
        eventually(lambda: primary.replication()["connected_slaves"])
        eventually(lambda: replica.client.exists("T1:C1:1.000001:box"))
        assert not await inbox.put(said("1.000001")), "it is one message, however often it comes"
        assert [message.ts for message in await inbox.waiting(THREAD)] == ["1.000001"]


async def test_a_connection_that_wrote_nothing_before_waits_for_what_others_wrote(pair: Pair) -> None:
    primary, replica = pair
    replica.send(signal.SIGSTOP)
    try:
        primary.client.set("written", 1)
        with connections.producer(primary.url) as other, pytest.raises(NotReplicated, match="0 of 1 replicas"):
            confirm(other, "written", 60, replicas=1)
    finally:
        replica.send(signal.SIGCONT)


async def test_a_primary_that_does_not_have_it_does_not_count(pair: Pair) -> None:
    primary, _ = pair
    with pytest.raises(NotReplicated, match="the primary has changed"):
        confirm(primary.client, "what-the-old-one-had", 60, replicas=1)
    assert not primary.client.exists("what-the-old-one-had")


async def test_what_another_message_forbids_waits_for_no_replica(pair: Pair) -> None:
    primary, _ = pair
    async with inbox_of(primary) as inbox:
        assert await inbox.put(said("1.000001"))
        assert not await inbox.put(said("2.000001"), alone=True)

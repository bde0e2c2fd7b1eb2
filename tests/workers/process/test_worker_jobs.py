"""Whoever can write to the queue can have our job done, and nothing else."""

import asyncio
import json
import logging
import os
import pickle
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis
from rq import Queue, Repeat, Retry, Webhook
from rq.job import Callback, Job

from bot.store import connections
from bot.store.threads import jobs as wakeups
from bot.store.threads.jobs import JOB, ReplyJob
from bot.talk.message import Thread
from tests.kit import jobs
from workers.process.worker import Slots, SlotWorker

IDS = ("T1", "C1", "1700000000.000100")
PLAIN = "tests.kit.jobs.plain"


class Harmful:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def queue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv(jobs.URL, redis_url)
    with connections.producer(redis_url) as client:
        yield connections.queue("test", client)


@pytest.fixture
def work(redis_url: str, queue: Queue) -> Iterator[Callable[[], None]]:
    """Runs a worker until the queue is empty. It takes a plain function of one word."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def takes(name: str, arguments: Sequence[object]) -> bool:
        return name in (PLAIN, "tests.kit.jobs.fail")

    with connections.dispatcher(redis_url) as client:

        def run() -> None:
            SlotWorker("test", client, loop, Slots(2, 1.0), takes).work(burst=True)

        yield run
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def raw(queue: Queue, id: str | bytes, **fields: bytes | str) -> None:
    """Put a job into the queue as somebody would who does not use RQ."""
    given: dict[Any, Any] = {"created_at": "2026-01-01T00:00:00.000000Z", "status": "queued", "origin": "test"}
    given["data"] = json.dumps([PLAIN, None, ["hi"], {}])
    name = id if isinstance(id, bytes) else id.encode()
    queue.connection.hset("rq:job:" + name.decode(errors="replace"), mapping=given | fields)
    queue.connection.rpush(queue.key, cast("str", name))


def read(queue: Queue, id: str) -> ReplyJob:
    [job] = wakeups.read(queue, [id])
    assert job is not None
    return job


def pickled(queue: Queue, path: Path) -> None:
    data = pickle.dumps((PLAIN, None, (Harmful(path),), {}))
    raw(queue, "pickled", data=zlib.compress(data), meta=data, result=data)


def of_wrong_type(queue: Queue) -> None:
    queue.connection.set("rq:job:text", "no job")
    queue.connection.rpush(queue.key, "text")


TOUCH: dict[str, Callable[[Queue, Path], object]] = {
    "another function": lambda q, path: q.enqueue_call("subprocess.getoutput", (f"touch {path}",)),
    "pickled data": pickled,
    "a function in the name's place": lambda q, path: raw(q, "odd", data=json.dumps([["os.system"], None, [], {}])),
    "a method": lambda q, path: raw(q, "method", data=json.dumps(["format", PLAIN, ["hi"], {}])),
    "named arguments": lambda q, path: q.enqueue_call(PLAIN, kwargs={"text": "hi"}),
    "a callback after success": lambda q, path: q.enqueue_call(PLAIN, ("hi",), on_success=Callback(jobs.called)),
    "a callback after failure": lambda q, path: q.enqueue_call("tests.kit.jobs.fail", on_failure=Callback(jobs.called)),
    "a callback after a stop": lambda q, path: q.enqueue_call(PLAIN, ("hi",), on_stopped=Callback(jobs.called)),
    "a webhook": lambda q, path: q.enqueue_call(
        PLAIN, ("hi",), webhooks=[Webhook("http://127.0.0.1:9/", job_status="finished")]
    ),
    "retries": lambda q, path: q.enqueue_call(PLAIN, ("hi",), retry=Retry(3)),
    "repeats": lambda q, path: q.enqueue_call(PLAIN, ("hi",), repeat=Repeat(times=3)),
    "a dependency": lambda q, path: raw(q, "waits", dependency_id="another"),
    "a bomb": lambda q, path: raw(q, "bomb", data=zlib.compress(b" " * 20_000_000)),
    "no JSON": lambda q, path: raw(q, "none", data=b"\xff\x00"),
    "an unreadable time": lambda q, path: raw(q, "time", created_at="yesterday"),
    "an unreadable time-out": lambda q, path: raw(q, "timeout", timeout="soon"),
    "an unknown status": lambda q, path: raw(q, "status", status="odd"),
    "no job's id": lambda q, path: raw(q, "no id at\nall"),
    "no text": lambda q, path: raw(q, b"\xff\xfe"),
    "no job": lambda q, path: of_wrong_type(q),
}


@pytest.mark.parametrize("kind", TOUCH)
def test_no_other_job_runs_and_the_worker_lives_on(
    queue: Queue, work: Callable[[], None], tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    path = tmp_path / "touched"
    with caplog.at_level(logging.WARNING, "parley.worker"):
        TOUCH[kind](queue, path)
        after = queue.enqueue(PLAIN, "hello", result_ttl=60)
        work()
    assert after.return_value() == "hello"
    assert not path.exists()
    assert queue.connection.lrange(jobs.CALLED, 0, -1) == []
    lines = [record.getMessage() for record in caplog.records if record.name == "parley.worker"]
    assert len(lines) == 1
    assert "job" in lines[0]
    assert len(lines[0]) < 200
    assert "\n" not in lines[0]
    assert queue.connection.llen(queue.intermediate_queue_key) == 0
    assert queue.finished_job_registry.get_job_ids() == [after.id]


def test_a_job_that_was_refused_is_among_the_failed_ones_for_an_hour(queue: Queue, work: Callable[[], None]) -> None:
    job = queue.enqueue_call("subprocess.getoutput", ("true",))
    work()
    assert queue.failed_job_registry.get_job_ids() == [job.id]
    assert 0 < queue.connection.ttl(job.key) <= 3_600


def test_an_abandoned_job_calls_nobody_back(queue: Queue, work: Callable[[], None]) -> None:
    """RQ's maintenance looks after jobs whose worker died, and would call what they name."""
    job = queue.enqueue_call(PLAIN, ("hi",), on_failure=Callback(jobs.called))
    queue.remove(job)
    queue.connection.zadd(queue.started_job_registry.key, {f"{job.id}:run": time.time() - 100})
    work()
    assert queue.failed_job_registry.get_job_ids() == [job.id]
    assert queue.connection.lrange(jobs.CALLED, 0, -1) == []


def test_what_rq_cannot_read_in_its_registries_keeps_no_job_waiting(queue: Queue, work: Callable[[], None]) -> None:
    queue.connection.zadd(queue.started_job_registry.key, {"no composite id": 1.0})
    after = queue.enqueue(PLAIN, "hello", result_ttl=60)
    work()
    assert after.return_value() == "hello"


@pytest.mark.parametrize(
    ("name", "arguments", "taken"),
    [
        (JOB, IDS, True),
        (JOB, IDS[:2], False),
        (JOB, (*IDS, "more"), False),
        (JOB, (*IDS[:2], "no time"), False),
        (JOB, ("T1", "C1:x", IDS[2]), False),
        (JOB, (["T1"], "C1", IDS[2]), False),
        ("workers.reply._drop", IDS, False),
        ("subprocess.getoutput", IDS, False),
    ],
)
def test_our_job_takes_the_three_ids_of_a_thread(
    queue: Queue, name: str, arguments: tuple[Any, ...], taken: bool
) -> None:
    job = queue.enqueue_call(name, arguments)
    assert (read(queue, job.id).refusal is None) is taken


def test_a_wake_up_as_it_is_written_may_run(queue: Queue) -> None:
    with queue.connection.pipeline() as pipe:
        wakeups.wake(queue, Thread(*IDS), pipe)
        pipe.execute()
    [id] = queue.get_job_ids()
    assert read(queue, id).refusal is None


def test_a_field_of_a_later_rq_is_passed_over(queue: Queue) -> None:
    job = queue.enqueue_call(JOB, IDS)
    queue.connection.hset(job.key, "priority", "7")
    again = read(queue, job.id)
    assert again.refusal is None
    assert Job.fetch(job.id, queue.connection, queue.serializer).args == again.args


async def test_foreign_jobs_stop_nobody_from_removing_a_team(redis_url: str, queue: Queue) -> None:
    queue.enqueue_call(JOB, IDS)
    raw(queue, "none", data=b"\xff")
    assert wakeups.cancel(queue, "T1") == 1
    with Redis.from_url(redis_url) as client:
        assert client.lrange(queue.key, 0, -1) == [b"none"]
